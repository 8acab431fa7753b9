/* The steps of set-up in WS-Management and SOAP: what each says, what it takes from the answer. */
#include "server/setup/setup-private.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/hostname.h"
#include "common/secret.h"

/* ---- fields of requests ---- */

static size_t put(struct wsman_field *f, size_t n, const char *name, const char *value)
{
	f[n].name = name;
	f[n].value = value;
	return n + 1;
}

/* Base64 of MD5(user:realm:password), as HTTP Digest has it (RFC 2617, A1). */
static int digest_a1(struct setup *s)
{
	const struct setup_login *a = &s->target.admin;
	char text[sizeof(a->user) + sizeof(s->realm) + sizeof(a->password) + 3];
	unsigned char md5[EVP_MAX_MD_SIZE];
	int n, rc = 0;

	n = snprintf(text, sizeof(text), "%s:%s:%s", a->user, s->realm, a->password);
	if (!EVP_Digest(text, (size_t)n, md5, NULL, EVP_md5(), NULL))
		rc = fault_set(&s->fault, KIT_ERR_CRYPTO, "OpenSSL refuses MD5, which AMT's "
				"Digest accounts are made of");
	else
		EVP_EncodeBlock((unsigned char *)s->digest, md5, 16);
	secret_wipe(text, sizeof(text));
	secret_wipe(md5, sizeof(md5));
	return rc;
}

static size_t fields_admin(struct setup *s, struct wsman_field *f, int64_t now)
{
	if (digest_a1(s))
		return 0;
	return put(f, put(f, 0, "Username", s->target.admin.user), "DigestPassword", s->digest);
}

/*
 * The machine's clock is set from when its own was read (Ta0), when that was heard here
 * (Tm1), and when this is sent (Tm2).
 */
static size_t fields_clock(struct setup *s, struct wsman_field *f, int64_t now)
{
	snprintf(s->ta0, sizeof(s->ta0), "%u", s->device_time);
	snprintf(s->tm1, sizeof(s->tm1), "%u", (uint32_t)s->device_time_heard);
	snprintf(s->tm2, sizeof(s->tm2), "%u", (uint32_t)now);
	return put(f, put(f, put(f, 0, "Ta0", s->ta0), "Tm1", s->tm1), "Tm2", s->tm2);
}

/* Everything as it was read, with the names replaced, or added if there were none. */
static size_t fields_settings(struct setup *s, struct wsman_field *f, int64_t now)
{
	bool host = false, domain = false;
	size_t n = 0;

	for (size_t i = 0; i < xml_answer_count(s->settings); i++) {
		const char *name = xml_answer_name_at(s->settings, i);
		const char *value = xml_answer_value_at(s->settings, i);

		if (strcmp(name, "HostName") == 0) {
			value = s->target.host;
			host = true;
		} else if (strcmp(name, "DomainName") == 0) {
			value = s->target.domain;
			domain = true;
		}
		n = put(f, n, name, value);
	}
	if (!host)
		n = put(f, n, "HostName", s->target.host);
	if (!domain)
		n = put(f, n, "DomainName", s->target.domain);
	return n;
}

static size_t fields_host(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "HostName", s->target.host);
}

static size_t fields_domain(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "DomainName", s->target.domain);
}

static size_t fields_mebx(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "Password", s->target.mebx_password);
}

static size_t fields_wait(struct setup *s, struct wsman_field *f, int64_t now)
{
	snprintf(s->hours, sizeof(s->hours), "%u", s->target.wait_hours);
	return put(f, 0, "Duration", s->hours);
}

static size_t fields_pair(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, put(f, 0, "PID", s->target.pair.pid), "PPS", s->target.pair.pps);
}

/* ---- what answers say ---- */

static int take_realm(struct setup *s, struct xml_answer **a)
{
	const char *realm = xml_answer_value(*a, "DigestRealm");

	if (!realm || !*realm || strlen(realm) >= sizeof(s->realm))
		return fault_set(&s->fault, KIT_ERR_PROTOCOL,
				 "DigestRealm is missing or invalid");
	strcpy(s->realm, realm);
	return 0;
}

static int take_settings(struct setup *s, struct xml_answer **a)
{
	int rc = take_realm(s, a);

	xml_answer_free(&s->settings);
	s->settings = *a;
	*a = NULL;
	return rc;
}

static int take_uuid(struct setup *s, struct xml_answer **a)
{
	const char *text = xml_answer_value(*a, "PlatformGUID");
	struct uuid smbios;
	char shown[UUID_SHOWN + 1];

	if (!text || uuid_parse(text, &smbios))
		return fault_set(&s->fault, KIT_ERR_PROTOCOL, "PlatformGUID is missing or is not a "
				 "UUID");
	/* Its 32 digits are the bytes in the order of SMBIOS. */
	uuid_from_smbios(smbios.bytes, &s->facts.uuid);
	s->facts.has_uuid = true;
	if (!setup_uuid_differs(s))
		return 0;
	uuid_show(&s->facts.uuid, shown);
	return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine that answers is %s, not the one "
			 "that said hello\n"
			 "two machines may have taken the same key, from copies of one setup.bin, "
			 "or somebody forged the hello: give one of them a key of its own", shown);
}

static int take_version(struct setup *s, struct xml_answer **a)
{
	const char *v = xml_answer_value(*a, "VersionString");
	struct setup_facts *f = &s->facts;

	if (!v)
		v = xml_answer_value(*a, "Version");
	if (!v || strlen(v) >= sizeof(f->version) || v[strspn(v, "0123456789.")] ||
	    sscanf(v, "%3u.%3u", &f->major, &f->minor) != 2) {
		s->notes |= SETUP_NOTE_NO_VERSION;
		return 0;
	}
	strcpy(f->version, v);
	return 0;
}

/*
 * Base64 of up to SETUP_OTP bytes, filled up with zeros; all zeros: it has none. One that makes no
 * sense counts as none: it equals no other.
 */
static void take_otp_value(struct setup *s, const char *text)
{
	unsigned char bytes[SETUP_OTP * 2];
	size_t n = text ? strlen(text) : 0;
	int got = 0;

	secret_wipe(s->facts.otp, sizeof(s->facts.otp));
	if (n && n % 4 == 0 && n / 4 * 3 <= sizeof(bytes))
		got = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n);
	for (size_t i = n; got > 0 && i > n - 2 && text[i - 1] == '='; i--)
		got--;
	if (got > 0 && got <= SETUP_OTP)
		memcpy(s->facts.otp, bytes, (size_t)got);
	secret_wipe(bytes, sizeof(bytes));
}

static int take_otp(struct setup *s, struct xml_answer **a)
{
	const char *text = xml_answer_value(*a, "ProvisioningServerOTP");

	take_otp_value(s, text ? text : xml_answer_value(*a, "OTP"));
	return 0;
}

static void take_suffix(const struct xml_answer *a, const char *name, char *out)
{
	const char *text = xml_answer_value(a, name);

	if (!text || strlen(text) > SETUP_SUFFIX || !hostname_is_dns_name(text, strlen(text), true))
		text = "";
	strcpy(out, text);
}

static int take_state(struct setup *s, struct xml_answer **a)
{
	uint32_t state;

	if (xml_answer_number(*a, "ProvisioningState", &state) || state > 2)
		return fault_set(&s->fault, KIT_ERR_PROTOCOL,
				 "ProvisioningState is missing or invalid");
	s->facts.state = (int)state;
	if (!s->by_certificate || s->planned)
		return 0;
	take_suffix(*a, "DhcpDNSSuffix", s->facts.dhcp_suffix);
	take_suffix(*a, "TrustedDNSSuffix", s->facts.trusted_suffix);
	return take_otp(s, a);
}

/* Until its account is made, the MEBx password is that of admin, too; some take it at once. */
static int take_mebx(struct setup *s, struct xml_answer **a)
{
	if (s->login < 0)
		return 0;
	s->logins[0] = s->logins[s->login];
	strcpy(s->logins[1].user, "admin");
	strcpy(s->logins[1].password, s->target.mebx_password);
	s->n_logins = 2;
	s->login = 0;
	return 0;
}

/* The account is made: it is the one to use now, and the old one if that is refused still. */
static int take_admin(struct setup *s, struct xml_answer **a)
{
	if (s->login >= 0) {
		s->logins[1] = s->logins[s->login];
		s->n_logins = 2;
		s->login = 0;
	} else {
		s->n_logins = 1;
	}
	s->logins[0] = s->target.admin;
	return 0;
}

static int take_clock(struct setup *s, struct xml_answer **a)
{
	if (xml_answer_number(*a, "Ta0", &s->device_time))
		s->notes |= SETUP_NOTE_NO_CLOCK;
	return 0;
}

static int take_commit(struct setup *s, struct xml_answer **a)
{
	s->committed = true;
	return 0;
}

/* No answer came to the commit; but what is read back shows that it was carried out. */
static void note_commit(struct setup *s)
{
	s->notes |= SETUP_NOTE_NO_COMMIT_ANSWER;
	s->committed = true;
}

static int take_state_back(struct setup *s, struct xml_answer **a)
{
	int rc = take_state(s, a);

	if (!rc && s->facts.state != 2)
		rc = fault_set(&s->fault, KIT_ERR_STATE, s->commit_lost
			       ? "the connection ended at CommitChanges, and the machine's "
				 "ProvisioningState is %d, not 2"
			       : "the machine took CommitChanges, but its ProvisioningState is %d, "
				 "not 2", s->facts.state);
	if (!rc && s->commit_lost)
		note_commit(s);
	return rc;
}

static int take_host_back(struct setup *s, struct xml_answer **a)
{
	const char *host = xml_answer_value(*a, "HostName");

	if (*s->target.host && (!host || strcasecmp(host, s->target.host) != 0))
		return fault_set(&s->fault, KIT_ERR_VERIFY,
				 "HostName is not the one that was set");
	if (s->commit_lost)
		note_commit(s);
	return 0;
}

/* ---- the steps ---- */

static bool wants_clock(const struct setup *s)
{
	return s->target.set_clock;
}

static bool wants_set_clock(const struct setup *s)
{
	return s->target.set_clock && !(s->notes & SETUP_NOTE_NO_CLOCK);
}

static bool wants_names(const struct setup *s)
{
	return *s->target.host;
}

static bool wants_otp(const struct setup *s)
{
	return s->wants_otp;
}

static bool wants_mebx_first(const struct setup *s)
{
	return s->by_certificate && *s->target.mebx_password;
}

static bool wants_mebx(const struct setup *s)
{
	return !s->by_certificate && *s->target.mebx_password;
}

static bool wants_pair(const struct setup *s)
{
	return *s->target.pair.pid;
}

/* No default: the compiler misses the note that has no text. */
const char *setup_note_text(enum setup_note note)
{
	switch (note) {
	case SETUP_NOTE_NO_UUID:
		return "its UUID cannot be read";
	case SETUP_NOTE_NO_VERSION:
		return "its AMT version cannot be read";
	case SETUP_NOTE_NO_CLOCK:
		return "its clock could not be set";
	case SETUP_NOTE_NO_NAMES:
		return "it refused the host and domain name";
	case SETUP_NOTE_NO_MEBX:
		return "it refused the new MEBx password and keeps the old one";
	case SETUP_NOTE_NO_PAIR:
		return "it refused a new key, and keeps the one that it has, if any";
	case SETUP_NOTE_MEBX_UNCLEAR:
		return "whether it took the new MEBx password is not known, and the map keeps both";
	case SETUP_NOTE_NO_LOGIN:
		return "it asked for no password after the commit, so which one it has is not "
		       "proved, and the map keeps both";
	case SETUP_NOTE_OLD_LOGIN:
		return "it takes the admin password from before, not the new one, and the map "
		       "keeps both";
	case SETUP_NOTE_NO_OTP:
		return "its one-time password cannot be read";
	case SETUP_NOTE_NO_WAIT:
		return "it does not prolong the time for which it waits";
	case SETUP_NOTE_NO_COMMIT_ANSWER:
		return "the connection ended at the commit, but it is set up";
	case SETUP_NOTE_NO_READ_BACK:
		return "its set-up was committed, but could not be read back";
	}
	return "it refused something";
}

#define CONFIGURATION "AMT_SetupAndConfigurationService"
#define CLOCK "AMT_TimeSynchronizationService"
#define SETTINGS "AMT_GeneralSettings"

const struct setup_step setup_steps[] = {
	{ .name = "read the general settings", .take = take_settings,
	  .wsman = { .verb = WSMAN_GET, .class_name = SETTINGS } },
	{ .name = "read the AMT version", .take = take_version, .note = SETUP_NOTE_NO_VERSION,
	  .soap = { .service = SOAP_SECURITY, .call = "GetCoreVersion" } },
	{ .name = "read the digest realm", .take = take_realm,
	  .soap = { .service = SOAP_SECURITY, .call = "GetDigestRealm" } },
	{ .name = "read the UUID", .take = take_uuid, .note = SETUP_NOTE_NO_UUID,
	  .wsman = { .verb = WSMAN_GET, .class_name = "CIM_ComputerSystemPackage" } },
	{ .name = "read the AMT version", .take = take_version, .note = SETUP_NOTE_NO_VERSION,
	  .wsman = { .verb = WSMAN_GET, .class_name = "CIM_SoftwareIdentity",
		     .instance = "AMT" } },
	{ .name = "read the set-up state", .take = take_state,
	  .wsman = { .verb = WSMAN_GET, .class_name = CONFIGURATION } },
	{ .name = "read the one-time password", .wanted = wants_otp, .take = take_otp,
	  .note = SETUP_NOTE_NO_OTP,
	  .soap = { .service = SOAP_SECURITY, .call = "GetProvisioningServerOTP" } },

	{ .name = "let the machine wait", .fields = fields_wait,
	  .planned = true, .waits = true, .changes = true, .note = SETUP_NOTE_NO_WAIT,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "ExtendProvisioningPeriod" },
	  .soap = { .service = SOAP_SECURITY, .call = "ExtendProvisioningPeriod" } },
	{ .name = "set the MEBx password", .wanted = wants_mebx_first, .fields = fields_mebx,
	  .take = take_mebx,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_MEBX,
	  .unclear = SETUP_NOTE_MEBX_UNCLEAR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "SetMEBxPassword" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetMEBxPassword" } },
	{ .name = "set the admin account", .fields = fields_admin, .take = take_admin,
	  .secret = true, .planned = true, .changes = true,
	  .wsman = { .verb = WSMAN_CALL, .class_name = "AMT_AuthorizationService",
		     .method = "SetAdminAclEntryEx" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetAdminAclEntryEx",
		    .group = "EntryEx" } },
	{ .name = "read the clock", .wanted = wants_clock, .take = take_clock, .planned = true,
	  .note = SETUP_NOTE_NO_CLOCK,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CLOCK,
		     .method = "GetLowAccuracyTimeSynch" },
	  .soap = { .service = SOAP_TIME, .call = "GetLowAccuracyTimeSynch" } },
	{ .name = "set the clock", .wanted = wants_set_clock, .fields = fields_clock,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_CLOCK,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CLOCK,
		     .method = "SetHighAccuracyTimeSynch" },
	  .soap = { .service = SOAP_TIME, .call = "SetHighAccuracyTimeSynch" } },
	{ .name = "set host and domain name", .wanted = wants_names, .fields = fields_settings,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .wsman = { .verb = WSMAN_PUT, .class_name = SETTINGS } },
	{ .name = "set the host name", .wanted = wants_names, .fields = fields_host,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .soap = { .service = SOAP_NETWORK, .call = "SetHostName" } },
	{ .name = "set the domain name", .wanted = wants_names, .fields = fields_domain,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .soap = { .service = SOAP_NETWORK, .call = "SetDomainName" } },
	{ .name = "set the MEBx password", .wanted = wants_mebx, .fields = fields_mebx,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_MEBX,
	  .unclear = SETUP_NOTE_MEBX_UNCLEAR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "SetMEBxPassword" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetMEBxPassword" } },
	{ .name = "set the new pair of keys", .wanted = wants_pair, .fields = fields_pair,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_PAIR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION, .method = "SetTLSPSK" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetTLSPSK" } },
	{ .name = "commit the changes", .take = take_commit, .commits = true,
	  .planned = true, .changes = true,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "CommitChanges" },
	  .soap = { .service = SOAP_SECURITY, .call = "CommitChanges" } },
	{ .name = "read the set-up state back", .take = take_state_back,
	  .planned = true, .logs_in = true,
	  .wsman = { .verb = WSMAN_GET, .class_name = CONFIGURATION } },
	{ .name = "read the host name back", .take = take_host_back,
	  .planned = true, .logs_in = true,
	  .soap = { .service = SOAP_NETWORK, .call = "GetHostName" } },
};
const size_t setup_n_steps = sizeof(setup_steps) / sizeof(*setup_steps);
