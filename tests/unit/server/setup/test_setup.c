/* The sequence of set-up against a scripted machine: order, accounts, refusals, resumption. */
#include <check.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/setup/setup.h"
#include "tests/support/suite.h"

#define NOW 1700000000
#define SOAP12 "http://www.w3.org/2003/05/soap-envelope"

/* A machine of a few lines: enough to see what is asked of it, and in which order. */
struct machine {
	bool soap, digest;
	long status_of_wsman;		/* what it answers to that when it speaks SOAP; 0: 404 */
	const char *password;		/* what it takes now; checked by login, not by Digest */
	int state;
	const char *uuid;		/* 32 digits in SMBIOS order */
	const char *refuse;		/* a word in a request: that one gets STATUS */
	unsigned status;
	const char *reason;		/* its words when it refuses with 400 */
	const char *fields;		/* what it answers to REFUSE instead of a status */
	bool drops_commit;		/* carries it out, and gives no answer */
	bool slow_commit;		/* not yet */
	bool one_password;		/* until its account is made, that of MEBx is admin's */
	const char *otp;		/* base64 */
	unsigned not_ready;		/* so often GenerateKeyPair meets HTTP status 400 */
	bool has_context;		/* AMT_TLSCredentialContext */
	bool no_certificate;		/* none can be made for its key */
	bool old_password_stays;	/* SetAdminAclEntryEx takes no effect at once */
	bool forgets;			/* the connection's end is the new account's */
	bool other_password;		/* it has one then that nobody knows */
	char log[2048];			/* the requests' names */
	char last[32768];		/* the last request's body */
	bool new_login;		/* the last request made it ask for a login */
	char admin[64];			/* DigestPassword */
	bool clock_right;		/* it got its own time, and the server's twice */
};

static struct machine m;
static struct setup *s;
static struct setup_login logins[2];
static struct setup_target target;
static struct uuid uuid;
static struct fault fault;

static const char *const names[] = {
	"SetAdminAclEntryEx", "GetLowAccuracyTimeSynch", "SetHighAccuracyTimeSynch",
	"SetMEBxPassword", "SetTLSPSK", "CommitChanges", "GetCoreVersion", "GetDigestRealm",
	"ExtendProvisioningPeriod", "GetProvisioningServerOTP", "GenerateKeyPair",
	"AddCertificate", "AMT_PublicPrivateKeyPair", "AMT_TLSCredentialContext",
	"AMT_TLSSettingData",
	"SetHostName", "SetDomainName", "GetHostName", "AMT_GeneralSettings",
	"CIM_ComputerSystemPackage", "CIM_SoftwareIdentity", "AMT_SetupAndConfigurationService",
};

static void begin(void)
{
	memset(&m, 0, sizeof(m));
	m.digest = true;
	m.password = "Stick.Pw1";
	m.state = 1;
	m.uuid = "4B529B93D413181DE4871C697A6B7A2B";
	memset(logins, 0, sizeof(logins));
	strcpy(logins[0].user, "admin");
	strcpy(logins[0].password, "Stick.Pw1");
	memset(&target, 0, sizeof(target));
	strcpy(target.admin.user, "admin");
	strcpy(target.admin.password, "New.Pass1");
	strcpy(target.host, "pc1");
	strcpy(target.domain, "example.com");
	target.set_clock = true;
	fault_clear(&fault);
	ck_assert_int_eq(uuid_parse("939b524b-13d4-1d18-e487-1c697a6b7a2b", &uuid), 0);
	ck_assert_int_eq(setup_new(&s, &uuid, logins, 1, &fault), 0);
}

static void end(void)
{
	setup_free(&s);
}

/* Start again with N accounts. */
static void with_logins(size_t n)
{
	setup_free(&s);
	ck_assert_int_eq(setup_new(&s, &uuid, logins, n, &fault), 0);
}

static const char *name_of(const char *body)
{
	/* A call names its class too: the method is what counts. */
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strstr(body, names[i]))
			return names[i];
	return "?";
}

#define HANDLE(x) "<ReferenceParameters><SelectorSet><Selector>" x "</Selector></SelectorSet>" \
	"</ReferenceParameters>"
#define PAIR(id, key) "<AMT_PublicPrivateKeyPair><DERKey>" key "</DERKey><InstanceID>" id \
	"</InstanceID></AMT_PublicPrivateKeyPair>"

/* What it answers of TLS of its own; false: the request is about something else. */
static bool tls_fields_for(const char *name, char *out, size_t size)
{
	if (strcmp(name, "GenerateKeyPair") == 0)
		snprintf(out, size, "<KeyPair>" HANDLE("Key 1") "</KeyPair><ReturnValue>0"
			 "</ReturnValue>");
	else if (strcmp(name, "AddCertificate") == 0)
		snprintf(out, size, "<CreatedCertificate>" HANDLE("Certificate 4")
			 "</CreatedCertificate><ReturnValue>0</ReturnValue>");
	else if (strstr(m.last, "enumeration/Enumerate<"))
		snprintf(out, size, "<EnumerationContext>%s!</EnumerationContext>", name);
	else if (strcmp(name, "AMT_PublicPrivateKeyPair") == 0)
		snprintf(out, size, "<Items>" PAIR("Key 0", "AAAA") PAIR("Key 1", "MTIzNA==")
			 "</Items><EndOfSequence/>");
	else if (strcmp(name, "AMT_TLSCredentialContext") == 0)
		snprintf(out, size, "<Items>%s</Items><EndOfSequence/>", m.has_context ?
			 "<AMT_TLSCredentialContext><ElementInContext>" HANDLE("Certificate 1")
			 "</ElementInContext></AMT_TLSCredentialContext>" : "");
	else
		return strncmp(name, "AMT_TLS", 7) == 0;
	return true;
}

static const char *mark_of(const char *body)
{
	return strstr(body, "/transfer/Put<") ? "! " : strstr(body, "/transfer/Create<") ? "+ "
	     : strstr(body, "/enumeration/Enumerate<") ? "? "
	     : strstr(body, "/enumeration/Pull<") ? "= " : " ";
}

static void fields_for(const char *name, bool put, char *out, size_t size)
{
	if (tls_fields_for(name, out, size))
		return;
	if (strcmp(name, "AMT_GeneralSettings") == 0 && !put)
		snprintf(out, size, "<DigestRealm>Digest:A</DigestRealm><HostName/><PingResponse"
			 "Enabled>true</PingResponseEnabled>");
	else if (strcmp(name, "GetDigestRealm") == 0)
		snprintf(out, size, "<Status>0</Status><DigestRealm>Digest:A</DigestRealm>");
	else if (strcmp(name, "CIM_ComputerSystemPackage") == 0)
		snprintf(out, size, "<PlatformGUID>%s</PlatformGUID>", m.uuid);
	else if (strcmp(name, "CIM_SoftwareIdentity") == 0)
		snprintf(out, size, "<VersionString>7.1.20</VersionString>");
	else if (strcmp(name, "GetCoreVersion") == 0)
		snprintf(out, size, "<Status>0</Status><Version>2.2.1</Version>");
	else if (strcmp(name, "AMT_SetupAndConfigurationService") == 0)
		snprintf(out, size, "<DhcpDNSSuffix>example.com</DhcpDNSSuffix>"
			 "<ProvisioningServerOTP>%s</ProvisioningServerOTP>"
			 "<ProvisioningState>%d</ProvisioningState><TrustedDNSSuffix>a b.com"
			 "</TrustedDNSSuffix>", m.otp ? m.otp : "", m.state);
	else if (strcmp(name, "GetProvisioningServerOTP") == 0)
		snprintf(out, size, "<Status>0</Status><OTP>%s</OTP>", m.otp ? m.otp : "");
	else if (strcmp(name, "GetLowAccuracyTimeSynch") == 0)
		snprintf(out, size, "<Ta0>1234567</Ta0><ReturnValue>0</ReturnValue>");
	else if (strcmp(name, "GetHostName") == 0)
		snprintf(out, size, "<StatusCode>0</StatusCode><HostName>PC1</HostName>");
	else
		snprintf(out, size, "<%s>0</%s>", m.soap ? "StatusCode" : "ReturnValue",
			 m.soap ? "StatusCode" : "ReturnValue");
}

static void obey(const char *name)
{
	char *at = strstr(m.last, "DigestPassword>");

	if (strcmp(name, "CommitChanges") == 0 && !m.slow_commit)
		m.state = 2;
	if (strstr(m.last, "<r:Ta0>1234567</r:Ta0><r:Tm1>1700000000</r:Tm1><r:Tm2>1700000000"))
		m.clock_right = true;
	if (m.one_password && strcmp(name, "SetMEBxPassword") == 0)
		m.password = target.mebx_password;
	if (strcmp(name, "SetAdminAclEntryEx") != 0)
		return;
	ck_assert_ptr_nonnull(at);
	snprintf(m.admin, sizeof(m.admin), "%.*s", 24, at + strlen("DigestPassword>"));
	if (!m.old_password_stays)
		m.password = target.admin.password;
}

/* One request of set-up, and the machine's reply to it. */
static void serve(const struct amt_request *q)
{
	char fields[768], text[1024];
	struct amt_reply r = { .status = 200, .body = text };
	const char *name;

	if (q->new_connection) {
		strcat(m.log, "connect ");
		if (m.forgets)
			m.password = m.other_password ? "Other.Pw1" : "Stick.Pw1";
	}
	snprintf(m.last, sizeof(m.last), "%.*s", (int)q->size, (const char *)q->body);
	name = name_of(m.last);
	if (m.drops_commit && strcmp(name, "CommitChanges") == 0) {
		obey(name);
		strcat(m.log, "lost ");
		ck_assert(setup_commit_lost(s));
		return;
	}
	if ((strcmp(q->path, "/wsman") == 0) == m.soap) {
		r.status = m.soap && m.status_of_wsman ? m.status_of_wsman : 404;
		strcpy(text, "");
		setup_answer(s, &r, NOW);
		return;
	}
	if (m.digest && (!q->user || strcmp(q->password, m.password) != 0)) {
		strcat(m.log, "401 ");
		r.status = 401;
		r.login = q->user ? AMT_LOGIN_REFUSED : AMT_LOGIN_ASKED;
		setup_answer(s, &r, NOW);
		return;
	}
	r.login = m.digest ? AMT_LOGIN_TAKEN : AMT_LOGIN_NONE;
	m.new_login = q->new_login;
	strcat(m.log, name);
	strcat(m.log, mark_of(m.last));
	*fields = '\0';
	fields_for(name, strstr(m.last, "/transfer/Put<") != NULL, fields, sizeof(fields));
	if ((m.refuse && strstr(m.last, m.refuse) && m.status == 400) ||
	    (strcmp(name, "GenerateKeyPair") == 0 && m.not_ready && m.not_ready--)) {
		r.status = 400;
		snprintf(text, sizeof(text), "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><s:Fault>"
			 "<s:Code><s:Value>s:Receiver</s:Value></s:Code><s:Reason><s:Text>%s"
			 "</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>",
			 m.reason ? m.reason : "no such class");
	} else {
		if (m.refuse && strstr(m.last, m.refuse) && m.status == 500) {
			r.status = 500;
			fields[0] = '\0';
		} else if (m.refuse && strstr(m.last, m.refuse) && m.fields) {
			snprintf(fields, sizeof(fields), "%s", m.fields);
		} else if (m.refuse && strstr(m.last, m.refuse)) {
			snprintf(fields, sizeof(fields), "<ReturnValue>%u</ReturnValue>", m.status);
		} else {
			obey(name);
		}
		snprintf(text, sizeof(text), "<s:Envelope xmlns:s='" SOAP12 "'><s:Body><answer>%s"
			 "</answer></s:Body></s:Envelope>", fields);
	}
	r.size = strlen(text);
	setup_answer(s, &r, NOW);
}

/* Go on until something else than a request is due. */
static enum setup_action run(void)
{
	struct amt_request q;
	enum setup_action a;

	for (int i = 0; i < 100; i++) {
		a = setup_next(s, NOW, &q);
		if (a == SETUP_COMMIT) {
			strcat(m.log, "noted ");
			setup_commit(s);
			continue;
		}
		if (a == SETUP_PAUSE) {
			strcat(m.log, "pause ");
			continue;
		}
		if (a == SETUP_CERTIFY) {
			size_t size;
			const uint8_t *key = setup_public_key(s, &size);

			ck_assert_uint_eq(size, 4);
			ck_assert_mem_eq(key, "1234", 4);
			strcat(m.log, "certify ");
			setup_certified(s, m.no_certificate ? NULL : "Q0VSVA==");
			continue;
		}
		if (a == SETUP_REOPEN) {
			strcat(m.log, "reopen ");
			setup_reopened(s);
			continue;
		}
		if (a != SETUP_SEND)
			return a;
		serve(&q);
	}
	ck_abort_msg("set-up never ends: %s", m.log);
	return SETUP_FAILED;
}

static enum setup_action run_all(void)
{
	enum setup_action a = run();

	if (a != SETUP_PLAN)
		return a;
	setup_plan(s, &target);
	return run();
}

START_TEST(everything_is_asked_in_order)
{
	ck_assert_int_eq(run(), SETUP_PLAN);
	ck_assert_str_eq(m.log, "401 AMT_GeneralSettings CIM_ComputerSystemPackage "
			 "CIM_SoftwareIdentity AMT_SetupAndConfigurationService ");
	ck_assert_str_eq(setup_facts(s)->version, "7.1.20");
	ck_assert_uint_eq(setup_facts(s)->major, 7);
	ck_assert_int_eq(setup_facts(s)->state, 1);
	ck_assert_int_eq(setup_login_index(s), 0);
	m.log[0] = '\0';
	strcpy(target.mebx_password, "Mebx.Pass1");
	strcpy(target.pair.pid, "0000037M");
	strcpy(target.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
	setup_plan(s, &target);
	ck_assert_msg(run() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_str_eq(m.log, "SetAdminAclEntryEx GetLowAccuracyTimeSynch "
			 "SetHighAccuracyTimeSynch AMT_GeneralSettings! SetMEBxPassword SetTLSPSK "
			 "noted CommitChanges AMT_SetupAndConfigurationService "
			 "connect AMT_SetupAndConfigurationService ");
	ck_assert_uint_eq(setup_notes(s), 0);
}
END_TEST

START_TEST(nothing_is_changed_before_the_plan)
{
	ck_assert_int_eq(run(), SETUP_PLAN);
	ck_assert_ptr_null(strstr(m.log, "SetAdmin"));
	ck_assert_int_eq(run(), SETUP_PLAN);
}
END_TEST

START_TEST(the_admin_digest_is_base64_of_md5_of_user_realm_password)
{
	unsigned char md5[16], want[32];

	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_int_eq(EVP_Digest("admin:Digest:A:New.Pass1", 24, md5, NULL, EVP_md5(), NULL), 1);
	EVP_EncodeBlock(want, md5, 16);
	ck_assert_str_eq(m.admin, (char *)want);
}
END_TEST

START_TEST(the_clock_is_set_from_the_machines_own_time)
{
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert(m.clock_right);
	target.set_clock = false;
	with_logins(1);
	m.password = "Stick.Pw1";
	m.log[0] = '\0';
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_ptr_null(strstr(m.log, "TimeSynch"));
}
END_TEST

START_TEST(names_replace_the_old_ones_and_the_other_settings_stay)
{
	struct amt_request q;

	ck_assert_int_eq(run(), SETUP_PLAN);
	target.set_clock = false;
	setup_plan(s, &target);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	serve(&q);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	serve(&q);
	ck_assert_ptr_nonnull(strstr(m.last,
				     "<r:DigestRealm>Digest:A</r:DigestRealm><r:HostName>pc1"
				     "</r:HostName><r:PingResponseEnabled>true"
				     "</r:PingResponseEnabled><r:DomainName>example.com"
				     "</r:DomainName></r:AMT_GeneralSettings>"));
}
END_TEST

START_TEST(a_machine_that_asks_for_no_password_gets_none)
{
	m.digest = false;
	ck_assert_int_eq(run(), SETUP_PLAN);
	ck_assert_int_eq(setup_login_index(s), -1);
	setup_plan(s, &target);
	ck_assert_int_eq(run(), SETUP_DONE);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_UNKNOWN);
}
END_TEST

START_TEST(accounts_are_tried_in_their_order)
{
	strcpy(logins[1].user, "admin");
	strcpy(logins[1].password, "Other.Pw1");
	with_logins(2);
	m.password = "Other.Pw1";
	ck_assert_int_eq(run(), SETUP_PLAN);
	ck_assert_int_eq(setup_login_index(s), 1);
	ck_assert_int_eq(strncmp(m.log, "401 401 AMT_GeneralSettings", 27), 0);
}
END_TEST

START_TEST(a_machine_that_takes_no_account_fails_with_advice)
{
	m.password = "unknown";
	ck_assert_int_eq(run(), SETUP_FAILED);
	ck_assert_int_eq(setup_fault(s)->code, KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "admin password"));
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->hint, "keys import"));
}
END_TEST

START_TEST(a_machine_that_repeats_a_secret_does_not_bring_it_into_a_message)
{
	static const char *const steps[] = { "SetAdminAclEntryEx", "SetTLSPSK", "CommitChanges" };

	strcpy(target.pair.pid, "0000037M");
	strcpy(target.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
	m.reason = target.pair.pps;
	m.status = 400;
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		with_logins(1);
		m.password = "Stick.Pw1";
		m.refuse = steps[i];
		ck_assert_int_eq(run_all(), SETUP_FAILED);
		ck_assert_ptr_null(strstr(setup_fault(s)->what, "NKLD"));
		ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "fault code Receiver"));
		ck_assert(*setup_fault(s)->hint);
	}
	/* Before it gets any, its own words help. */
	with_logins(1);
	m.password = "Stick.Pw1";
	m.refuse = "AMT_GeneralSettings";
	m.reason = "not today";
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "the machine refuses: not today"));
}
END_TEST

START_TEST(the_old_account_serves_while_the_new_one_is_not_taken)
{
	m.old_password_stays = true;
	ck_assert_int_eq(run_all(), SETUP_DONE);
	/* But it is not said to be the machine's. */
	ck_assert(m.new_login);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_OLD);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_OLD_LOGIN);
}
END_TEST

START_TEST(an_account_that_ends_with_its_connection_is_not_the_machines)
{
	m.forgets = true;
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_OLD);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_OLD_LOGIN);
	/* One that takes neither then may have either. */
	m.other_password = true;
	with_logins(1);
	m.password = "Stick.Pw1";
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_UNKNOWN);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_READ_BACK);
}
END_TEST

START_TEST(only_a_login_that_was_asked_for_and_taken_after_the_commit_is_the_machines)
{
	for (int soap = 0; soap < 2; soap++) {
		m.soap = soap;
		with_logins(1);
		m.password = "Stick.Pw1";
		ck_assert_int_eq(run_all(), SETUP_DONE);
		ck_assert(m.new_login);
		ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_NEW);
		ck_assert_uint_eq(setup_notes(s), 0);
	}
	m.digest = false;
	with_logins(1);
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_UNKNOWN);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_LOGIN);
}
END_TEST

START_TEST(another_machine_than_the_hellos_is_not_touched)
{
	m.uuid = "FF529B93D413181DE4871C697A6B7A2B";
	ck_assert_int_eq(run(), SETUP_FAILED);
	ck_assert(setup_uuid_differs(s));
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "939b52ff-13d4-1d18"));
	ck_assert_ptr_null(strstr(m.log, "SetAdmin"));
}
END_TEST

static const struct {
	const char *refuse;
	unsigned status, note;
} optional[] = {
	{ "CIM_ComputerSystemPackage", 400, SETUP_NOTE_NO_UUID },
	{ "CIM_SoftwareIdentity", 400, SETUP_NOTE_NO_VERSION },
	{ "GetLowAccuracyTimeSynch", 1, SETUP_NOTE_NO_CLOCK },
	{ "SetHighAccuracyTimeSynch", 0x22, SETUP_NOTE_NO_CLOCK },
	{ "SetMEBxPassword", 0x10, SETUP_NOTE_NO_MEBX },
	{ "transfer/Put", 400, SETUP_NOTE_NO_NAMES },
};

START_TEST(what_may_be_refused_is_noted_and_set_up_goes_on)
{
	strcpy(target.mebx_password, "Mebx.Pass1");
	m.refuse = optional[_i].refuse;
	m.status = optional[_i].status;
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_uint_eq(setup_notes(s), optional[_i].note);
	ck_assert_int_eq(m.state, 2);
}
END_TEST

static const struct {
	const char *refuse;
	unsigned status;
	const char *says;
} needed[] = {
	{ "AMT_GeneralSettings", 400, "could not read the general settings: the machine refuses: "
				      "no such class" },
	{ "SetAdminAclEntryEx", 0x24, "could not set the admin account: the machine refuses with "
				      "status 0x24: invalid parameter" },
	{ "SetTLSPSK", 0x2a, "status 0x2a: bad PID" },
	{ "CommitChanges", 0x809, "could not commit the changes: the machine refuses with status "
				  "0x809: data missing" },
	{ "CommitChanges", 0x777, "undocumented status" },
};

START_TEST(what_is_needed_fails_with_the_machines_reason)
{
	strcpy(target.pair.pid, "0000037M");
	strcpy(target.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
	m.refuse = needed[_i].refuse;
	m.status = needed[_i].status;
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_msg(strstr(setup_fault(s)->what, needed[_i].says) != NULL, "got: %s",
		      setup_fault(s)->what);
	ck_assert_int_eq(m.state, 1);
	/* Failed it stays. */
	ck_assert_int_eq(run(), SETUP_FAILED);
}
END_TEST

/* Nothing was said, or nothing that can be understood: that is not a yes. */
static const char *const no_status[] = {
	"", "<ReturnValue>none</ReturnValue>", "<ReturnValue/>", "<ReturnValue>-1</ReturnValue>",
	"<ReturnValue>99999999999</ReturnValue>", "<StatusCode>0x0</StatusCode>",
};

START_TEST(a_call_counts_as_done_only_when_its_answer_has_a_status_of_0)
{
	m.fields = no_status[_i];
	m.soap = _i % 2;
	m.refuse = "CommitChanges";
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_int_eq(setup_fault(s)->code, KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "could not commit the changes"));
	/* What a machine may refuse it may also leave unanswered. */
	end();
	begin();
	m.fields = no_status[_i];
	m.refuse = "SetHighAccuracyTimeSynch";
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_CLOCK);
	/* But whether it has a new password is not known then. */
	strcpy(target.mebx_password, "Mebx.Pass1");
	m.refuse = "SetMEBxPassword";
	with_logins(1);
	m.password = "Stick.Pw1";
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_MEBX_UNCLEAR);
}
END_TEST

START_TEST(a_new_pair_is_left_out_only_where_it_was_set_up_before)
{
	strcpy(target.pair.pid, "0000037M");
	strcpy(target.pair.pps, "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ");
	m.soap = true;
	m.refuse = "SetTLSPSK";
	m.status = 0x20;
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "status 0x20"));
	target.again = true;
	with_logins(1);
	m.password = "Stick.Pw1";
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_PAIR);
	/* For another reason it is as needed as ever. */
	m.status = 0x10;
	with_logins(1);
	m.password = "Stick.Pw1";
	ck_assert_int_eq(run_all(), SETUP_FAILED);
}
END_TEST

START_TEST(an_error_of_http_counts_as_a_refusal_even_if_the_answer_says_nothing)
{
	strcpy(target.mebx_password, "Mebx.Pass1");
	m.refuse = "SetMEBxPassword";
	m.status = 500;
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_MEBX_UNCLEAR);
	m.refuse = "CommitChanges";
	with_logins(1);
	m.password = "Stick.Pw1";
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "HTTP status 500"));
}
END_TEST

START_TEST(a_machine_that_is_not_in_state_2_afterwards_has_failed)
{
	m.refuse = "CommitChanges";
	m.status = 0;		/* says yes, and does not do it */
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "ProvisioningState is 1, not 2"));
}
END_TEST

START_TEST(a_404_turns_to_soap)
{
	m.soap = true;
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_str_eq(m.log, "401 GetCoreVersion GetDigestRealm SetAdminAclEntryEx "
			 "GetLowAccuracyTimeSynch SetHighAccuracyTimeSynch SetHostName "
			 "SetDomainName noted CommitChanges GetHostName connect GetHostName ");
	ck_assert(setup_facts(s)->soap);
	ck_assert_str_eq(setup_facts(s)->version, "2.2.1");
	ck_assert(!setup_facts(s)->has_uuid);
}
END_TEST

static const long refusals[] = { 302, 400, 403, 404, 405, 500, 501 };

START_TEST(any_refusal_of_the_first_request_turns_to_soap)
{
	m.soap = true;
	m.status_of_wsman = refusals[_i];
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert(setup_facts(s)->soap);
	/* But once: what speaks neither says so of both. */
	with_logins(1);
	m.soap = false;
	m.password = "Stick.Pw1";
	m.refuse = "AMT_GeneralSettings";
	m.status = 400;
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "no such class; SOAP was tried, too: "
				     "the machine answers with HTTP status 404"));
}
END_TEST

START_TEST(a_drop_of_the_first_request_turns_to_soap_once)
{
	struct amt_request q;
	struct fault why = { 0 };

	fault_set(&why, KIT_ERR_NETWORK, "it closed the connection");
	m.soap = true;
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	ck_assert_str_eq(q.path, "/wsman");
	ck_assert(setup_try_soap(s, &why));
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	ck_assert_str_ne(q.path, "/wsman");
	ck_assert(!setup_try_soap(s, &why));
	serve(&q);
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
}
END_TEST

START_TEST(a_login_without_a_clear_answer_does_not_blame_the_password)
{
	struct amt_request q;
	struct amt_reply r = { .status = 401, .login = AMT_LOGIN_ASKED, .body = "" };

	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	ck_assert_ptr_null(q.user);
	setup_answer(s, &r, NOW);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	ck_assert_str_eq(q.user, "admin");
	r.login = AMT_LOGIN_UNCLEAR;
	setup_answer(s, &r, NOW);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_FAILED);
	ck_assert_int_eq(setup_fault(s)->code, KIT_ERR_PROTOCOL);
	ck_assert_ptr_null(strstr(setup_fault(s)->what, "refuses"));
}
END_TEST

START_TEST(an_answer_that_is_none_fails)
{
	struct amt_request q;
	struct amt_reply r = { .status = 200, .body = "<html/>", .size = 7 };

	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_SEND);
	setup_answer(s, &r, NOW);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_FAILED);
	ck_assert_int_eq(setup_fault(s)->code, KIT_ERR_PROTOCOL);
}
END_TEST

/* ---- TLS of the machine's own ---- */

#define UP_TO_TLS "SetAdminAclEntryEx GetLowAccuracyTimeSynch SetHighAccuracyTimeSynch " \
	"AMT_GeneralSettings! "
#define KEY_READ "AMT_PublicPrivateKeyPair? AMT_PublicPrivateKeyPair= certify "
#define CONTEXT_READ "AMT_TLSCredentialContext? AMT_TLSCredentialContext= "
#define COMMIT "noted CommitChanges AMT_SetupAndConfigurationService " \
	"connect AMT_SetupAndConfigurationService "

static enum setup_action run_tls(void)
{
	ck_assert_int_eq(run(), SETUP_PLAN);
	m.log[0] = '\0';
	target.tls = true;
	setup_plan(s, &target);
	return run();
}

START_TEST(tls_of_its_own_comes_before_the_commit)
{
	for (int has = 0; has < 2; has++) {
		with_logins(1);
		m.password = "Stick.Pw1";
		m.state = 1;
		m.has_context = has;
		m.not_ready = 2;
		ck_assert_msg(run_tls() == SETUP_DONE, "%s", setup_fault(s)->what);
		ck_assert_str_eq(m.log, has ?
				 UP_TO_TLS "GenerateKeyPair pause GenerateKeyPair pause "
				 "GenerateKeyPair " KEY_READ "AddCertificate " CONTEXT_READ
				 "AMT_TLSCredentialContext! AMT_TLSSettingData! " COMMIT :
				 UP_TO_TLS "GenerateKeyPair pause GenerateKeyPair pause "
				 "GenerateKeyPair " KEY_READ "AddCertificate " CONTEXT_READ
				 "AMT_TLSCredentialContext+ AMT_TLSSettingData! " COMMIT);
		ck_assert_uint_eq(setup_notes(s), 0);
	}
}
END_TEST

/* What is said in the request that has IN. */
static const struct {
	const char *in, *says;
} tls_requests[] = {
	{ "GenerateKeyPair_INPUT", "<r:KeyAlgorithm>0</r:KeyAlgorithm><r:KeyLength>2048" },
	{ "enumeration/Pull", "<r:EnumerationContext>AMT_PublicPrivateKeyPair!<" },
	{ "AddCertificate_INPUT", "<r:CertificateBlob>Q0VSVA==</r:CertificateBlob>" },
	{ "transfer/Create", "Selector Name=\"InstanceID\">Certificate 4<" },
	{ "transfer/Create", "Selector Name=\"ElementName\">TLSProtocolEndpointInstances Coll" },
	{ "r:AMT_TLSSettingData", "Selector Name=\"InstanceID\">Intel(r) AMT 802.3 TLS Settings<" },
	{ "r:AMT_TLSSettingData", "<r:AcceptNonSecureConnections>true</" },
	{ "r:AMT_TLSSettingData", "<r:Enabled>true</r:Enabled>" },
	{ "r:AMT_TLSSettingData", "<r:MutualAuthentication>false</" },
};

START_TEST(each_request_of_tls_says_what_firmware_wants)
{
	struct amt_request q = { .body = "" };
	enum setup_action a;

	ck_assert_int_eq(run(), SETUP_PLAN);
	target.tls = true;
	setup_plan(s, &target);
	for (int i = 0; i < 50; i++) {
		a = setup_next(s, NOW, &q);
		if (a == SETUP_CERTIFY)
			setup_certified(s, "Q0VSVA==");
		else if (a != SETUP_SEND)
			break;
		else if (memmem(q.body, q.size, tls_requests[_i].in, strlen(tls_requests[_i].in)))
			break;
		else
			serve(&q);
	}
	ck_assert_int_eq(a, SETUP_SEND);
	ck_assert_ptr_nonnull(memmem(q.body, q.size, tls_requests[_i].says,
				     strlen(tls_requests[_i].says)));
}
END_TEST

static const struct {
	const char *refuse;
	unsigned status;
	const char *fields;
	const char *last;	/* the last request of TLS */
} no_tls[] = {
	{ "enumeration/Enumerate", 400, NULL, "AMT_PublicPrivateKeyPair? noted" },
	{ "enumeration/Enumerate", 0, "<x/>", "AMT_PublicPrivateKeyPair? noted" },
	{ "enumeration/Pull", 400, NULL, "AMT_PublicPrivateKeyPair= noted" },
	{ "enumeration/Pull", 0, "<Items/>", "AMT_PublicPrivateKeyPair= noted" },
	{ "enumeration/Pull", 0, "<Items>" PAIR("Key 1", "???") "</Items>",
	  "AMT_PublicPrivateKeyPair= noted" },
	{ "AddCertificate", 0x24, NULL, "certify AddCertificate noted" },
	{ "AddCertificate", 0, "<ReturnValue>0</ReturnValue>", "certify AddCertificate noted" },
	{ "transfer/Create", 400, NULL, "AMT_TLSCredentialContext+ noted" },
	{ "r:AMT_TLSSettingData", 400, NULL, "AMT_TLSSettingData! noted" },
};

START_TEST(a_machine_that_refuses_tls_is_set_up_without)
{
	m.refuse = no_tls[_i].refuse;
	m.status = no_tls[_i].status;
	m.fields = no_tls[_i].fields;
	ck_assert_msg(run_tls() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_TLS);
	ck_assert_msg(strstr(m.log, no_tls[_i].last) != NULL, "%s", m.log);
}
END_TEST

START_TEST(a_machine_for_whose_key_no_certificate_is_made_is_set_up_without)
{
	m.no_certificate = true;
	ck_assert_int_eq(run_tls(), SETUP_DONE);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_TLS);
	ck_assert_ptr_nonnull(strstr(m.log, "certify noted CommitChanges"));
	ck_assert_ptr_null(strstr(m.log, "AddCertificate"));
}
END_TEST

START_TEST(a_machine_that_makes_no_new_pair_uses_the_one_that_it_has)
{
	struct amt_request q;

	target.tls = true;
	m.refuse = "GenerateKeyPair";
	m.status = 0x10;
	ck_assert_int_eq(run(), SETUP_PLAN);
	setup_plan(s, &target);
	while (setup_next(s, NOW, &q) == SETUP_SEND)
		serve(&q);
	ck_assert_int_eq(setup_next(s, NOW, &q), SETUP_CERTIFY);
	ck_assert_ptr_null(strstr(m.log, "pause"));
}
END_TEST

START_TEST(a_machine_that_never_gets_ready_is_asked_twenty_times)
{
	struct amt_request q;
	enum setup_action a;
	size_t n = 0;

	m.not_ready = 1000;
	target.tls = true;
	ck_assert_int_eq(run(), SETUP_PLAN);
	setup_plan(s, &target);

	while ((a = setup_next(s, NOW, &q)) == SETUP_SEND || a == SETUP_PAUSE)
		if (a == SETUP_SEND)
			serve(&q);
	ck_assert_int_eq(a, SETUP_CERTIFY);
	for (const char *at = m.log; (at = strstr(at, "GenerateKeyPair")); at++)
		n++;
	ck_assert_uint_eq(n, 20);
}
END_TEST

START_TEST(soap_has_no_tls_of_its_own)
{
	m.soap = true;
	ck_assert_int_eq(run_tls(), SETUP_DONE);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_TLS);
	ck_assert_ptr_null(strstr(m.log, "KeyPair"));
}
END_TEST

/* ---- by certificate ---- */

#define OTP	"T25lLVRpbWUhMTIz"	/* "One-Time!123" */

static void by_certificate(bool otp)
{
	with_logins(1);
	m.password = "Stick.Pw1";
	*m.log = '\0';
	setup_by_certificate(s, otp);
}

START_TEST(by_certificate_mebx_comes_first_and_the_end_is_read_by_a_new_call)
{
	by_certificate(false);
	m.digest = false;
	strcpy(target.mebx_password, "Mebx.Pass1");
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_str_eq(m.log, "AMT_GeneralSettings CIM_ComputerSystemPackage "
			 "CIM_SoftwareIdentity AMT_SetupAndConfigurationService SetMEBxPassword "
			 "SetAdminAclEntryEx GetLowAccuracyTimeSynch SetHighAccuracyTimeSynch "
			 "AMT_GeneralSettings! noted CommitChanges reopen "
			 "AMT_SetupAndConfigurationService ");
	ck_assert(setup_is_read_back(s));
	/* It asked for no password then either. */
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_LOGIN);
}
END_TEST

START_TEST(by_certificate_old_firmware_is_set_up_by_soap)
{
	by_certificate(true);
	m.soap = true;
	m.otp = OTP;
	strcpy(target.mebx_password, "Mebx.Pass1");
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_str_eq(m.log, "401 GetCoreVersion GetDigestRealm GetProvisioningServerOTP "
			 "SetMEBxPassword SetAdminAclEntryEx GetLowAccuracyTimeSynch "
			 "SetHighAccuracyTimeSynch SetHostName SetDomainName noted CommitChanges "
			 "reopen GetHostName ");
	ck_assert_str_eq(setup_facts(s)->otp, "One-Time!123");
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_NEW);
	/* By key it is not asked for what it does not have. */
	with_logins(1);
	m.password = "Stick.Pw1";
	*m.log = '\0';
	ck_assert_int_eq(run_all(), SETUP_DONE);
	ck_assert_ptr_null(strstr(m.log, "OTP"));
}
END_TEST

static const struct {
	const char *base64, *otp;
} otps[] = {
	{ OTP, "One-Time!123" },
	{ "T25lLVRpbWUhMTIzAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "One-Time!123" },
	{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "" },
	{ "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=", "01234567890123456789012345678901" },
	{ "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEy", "" },	/* 33 bytes */
	{ "", "" }, { "=", "" }, { "====", "" }, { "not base64", "" }, { "T25l T25l", "" },
};

START_TEST(the_one_time_password_is_read_from_base64)
{
	by_certificate(false);
	m.otp = otps[_i].base64;
	ck_assert_int_eq(run(), SETUP_PLAN);
	ck_assert_str_eq(setup_facts(s)->otp, otps[_i].otp);
	ck_assert_str_eq(setup_facts(s)->dhcp_suffix, "example.com");
	/* What is not a name is not shown. */
	ck_assert_str_eq(setup_facts(s)->trusted_suffix, "");
}
END_TEST

START_TEST(a_connection_that_ends_at_the_commit_is_not_a_failure)
{
	by_certificate(false);
	m.drops_commit = true;
	ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_ptr_nonnull(strstr(m.log, "noted lost reopen AMT_SetupAndConfigurationService "));
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_NEW);
	ck_assert_uint_eq(setup_notes(s), SETUP_NOTE_NO_COMMIT_ANSWER);
}
END_TEST

START_TEST(what_came_of_a_lost_commit_is_looked_at_until_it_is_seen)
{
	by_certificate(false);
	ck_assert_int_eq(run(), SETUP_PLAN);
	setup_plan(s, &target);
	m.drops_commit = m.slow_commit = true;
	ck_assert_int_eq(run(), SETUP_FAILED);
	ck_assert(setup_is_read_back(s));
	ck_assert(!setup_is_committed(s));
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "ended at CommitChanges"));
	setup_reopened(s);
	ck_assert_int_eq(run(), SETUP_FAILED);
	m.state = 2;
	setup_reopened(s);
	ck_assert_msg(run() == SETUP_DONE, "%s", setup_fault(s)->what);
	ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_NEW);
}
END_TEST

START_TEST(a_commit_that_lacks_something_says_what)
{
	by_certificate(false);
	strcpy(target.mebx_password, "");
	target.set_clock = false;
	m.refuse = "CommitChanges";
	m.status = 0x809;
	ck_assert_int_eq(run_all(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "a MEBx password, which its profile"));
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "its clock, which its profile"));
	ck_assert_ptr_null(strstr(setup_fault(s)->what, "host name"));
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->hint, "mebx_password"));
}
END_TEST

START_TEST(old_firmware_whose_login_is_the_mebx_password_is_logged_in_to_all_the_same)
{
	strcpy(target.mebx_password, "Mebx.Pass1");
	for (int one = 0; one < 2; one++) {
		by_certificate(false);
		m.one_password = one;
		m.state = 1;
		ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
		ck_assert_int_eq(strstr(m.log, "SetMEBxPassword 401 SetAdmin") != NULL, one);
		ck_assert_int_eq(setup_account(s), SETUP_ACCOUNT_NEW);
	}
}
END_TEST

START_TEST(a_machine_that_takes_no_candidate_is_told_apart_from_one_with_a_lost_password)
{
	by_certificate(false);
	m.password = "unknown";
	ck_assert_int_eq(run(), SETUP_FAILED);
	ck_assert_int_eq(setup_fault(s)->code, KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->hint, "stick_password_file"));
	with_logins(0);
	setup_by_certificate(s, false);
	ck_assert_int_eq(run(), SETUP_FAILED);
	ck_assert_ptr_nonnull(strstr(setup_fault(s)->what, "takes none that may be tried"));
}
END_TEST

START_TEST(a_machine_that_has_to_wait_gets_that_call_and_no_other)
{
	memset(&target, 0, sizeof(target));
	target.wait_hours = 24;
	for (int soap = 0; soap < 2; soap++) {
		by_certificate(false);
		m.soap = soap;
		m.state = 1;
		ck_assert_msg(run_all() == SETUP_DONE, "%s", setup_fault(s)->what);
		ck_assert_ptr_nonnull(strstr(m.log, "ExtendProvisioningPeriod "));
		ck_assert_ptr_nonnull(strstr(m.last, "Duration>24<"));
		ck_assert_ptr_null(strstr(m.log, "SetAdmin"));
		ck_assert_ptr_null(strstr(m.log, "Commit"));
		ck_assert_int_eq(m.state, 1);
	}
}
END_TEST

TEST_SUITE("setup")
{
	TCase *t = tcase_create("sequence");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, everything_is_asked_in_order);
	tcase_add_test(t, nothing_is_changed_before_the_plan);
	tcase_add_test(t, the_admin_digest_is_base64_of_md5_of_user_realm_password);
	tcase_add_test(t, the_clock_is_set_from_the_machines_own_time);
	tcase_add_test(t, names_replace_the_old_ones_and_the_other_settings_stay);
	tcase_add_test(t, a_machine_that_asks_for_no_password_gets_none);
	tcase_add_test(t, accounts_are_tried_in_their_order);
	tcase_add_test(t, a_machine_that_takes_no_account_fails_with_advice);
	tcase_add_test(t, a_machine_that_repeats_a_secret_does_not_bring_it_into_a_message);
	tcase_add_test(t, the_old_account_serves_while_the_new_one_is_not_taken);
	tcase_add_test(t, an_account_that_ends_with_its_connection_is_not_the_machines);
	tcase_add_test(
		t, only_a_login_that_was_asked_for_and_taken_after_the_commit_is_the_machines);
	tcase_add_test(t, another_machine_than_the_hellos_is_not_touched);
	tcase_add_loop_test(t, what_may_be_refused_is_noted_and_set_up_goes_on, 0,
			    sizeof(optional) / sizeof(*optional));
	tcase_add_loop_test(t, what_is_needed_fails_with_the_machines_reason, 0,
			    sizeof(needed) / sizeof(*needed));
	tcase_add_test(t, a_machine_that_is_not_in_state_2_afterwards_has_failed);
	tcase_add_test(t, a_new_pair_is_left_out_only_where_it_was_set_up_before);
	tcase_add_test(t, an_error_of_http_counts_as_a_refusal_even_if_the_answer_says_nothing);
	tcase_add_test(t, a_404_turns_to_soap);
	tcase_add_loop_test(t, any_refusal_of_the_first_request_turns_to_soap, 0,
			    sizeof(refusals) / sizeof(*refusals));
	tcase_add_test(t, a_drop_of_the_first_request_turns_to_soap_once);
	tcase_add_test(t, a_login_without_a_clear_answer_does_not_blame_the_password);
	tcase_add_test(t, an_answer_that_is_none_fails);
	tcase_add_loop_test(t, a_call_counts_as_done_only_when_its_answer_has_a_status_of_0, 0,
			    sizeof(no_status) / sizeof(*no_status));
	suite_add_tcase(suite, t);

	t = tcase_create("tls");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, tls_of_its_own_comes_before_the_commit);
	tcase_add_loop_test(t, each_request_of_tls_says_what_firmware_wants, 0,
			    sizeof(tls_requests) / sizeof(*tls_requests));
	tcase_add_loop_test(t, a_machine_that_refuses_tls_is_set_up_without, 0,
			    sizeof(no_tls) / sizeof(*no_tls));
	tcase_add_test(t, a_machine_for_whose_key_no_certificate_is_made_is_set_up_without);
	tcase_add_test(t, a_machine_that_makes_no_new_pair_uses_the_one_that_it_has);
	tcase_add_test(t, a_machine_that_never_gets_ready_is_asked_twenty_times);
	tcase_add_test(t, soap_has_no_tls_of_its_own);
	suite_add_tcase(suite, t);

	t = tcase_create("certificate");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, by_certificate_mebx_comes_first_and_the_end_is_read_by_a_new_call);
	tcase_add_test(t, by_certificate_old_firmware_is_set_up_by_soap);
	tcase_add_loop_test(t, the_one_time_password_is_read_from_base64, 0,
			    sizeof(otps) / sizeof(*otps));
	tcase_add_test(t, a_connection_that_ends_at_the_commit_is_not_a_failure);
	tcase_add_test(t, what_came_of_a_lost_commit_is_looked_at_until_it_is_seen);
	tcase_add_test(t, a_commit_that_lacks_something_says_what);
	tcase_add_test(
		t, old_firmware_whose_login_is_the_mebx_password_is_logged_in_to_all_the_same);
	tcase_add_test(
		t, a_machine_that_takes_no_candidate_is_told_apart_from_one_with_a_lost_password);
	tcase_add_test(t, a_machine_that_has_to_wait_gets_that_call_and_no_other);
	suite_add_tcase(suite, t);
}
