/*
 * Fuzz a whole set-up by the order of a machine's answers: whatever comes when, nothing is changed
 * before the plan, nothing is committed before that is noted, and an end is reached.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/setup/setup.h"

#define STEPS	200	/* requests of one set-up at most */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ENVELOPE(x) "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body>" x \
	"</e:Body></e:Envelope>"

/* Each byte of the input chooses one; the high bits say what became of the login. */
static const struct {
	long status;
	const char *body;
} answers[] = {
	{ 200, ENVELOPE("<x><ReturnValue>0</ReturnValue></x>") },
	{ 200, ENVELOPE("<x><DigestRealm>Digest:A</DigestRealm><HostName/></x>") },
	{ 200, ENVELOPE("<x><PlatformGUID>01000000000000000000000000000000</PlatformGUID></x>") },
	{ 200, ENVELOPE("<x><VersionString>7.1.20</VersionString></x>") },
	{ 200, ENVELOPE("<x><ProvisioningState>1</ProvisioningState></x>") },
	{ 200, ENVELOPE("<x><ProvisioningState>2</ProvisioningState></x>") },
	{ 200, ENVELOPE("<x><Status>0</Status><Version>2.2.1</Version></x>") },
	{ 200, ENVELOPE("<x><Status>0</Status><DigestRealm>r</DigestRealm></x>") },
	{ 200, ENVELOPE("<x><ReturnValue>0</ReturnValue><Ta0>5</Ta0></x>") },
	{ 200, ENVELOPE("<x><Status>0</Status><HostName>PC</HostName></x>") },
	{ 200, ENVELOPE("<x><ReturnValue>32</ReturnValue></x>") },
	{ 200, ENVELOPE("<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code></e:Fault>") },
	{ 200, "hello" },
	{ 302, "" },
	{ 404, "" },
	{ 500, "" },
	/* Of TLS of the machine's own: bytes with 0x10 and without 0x80. */
	{ 200, ENVELOPE("<x><KeyPair><ReferenceParameters><SelectorSet><Selector>K</Selector>"
			"</SelectorSet></ReferenceParameters></KeyPair><ReturnValue>0</ReturnValue>"
			"</x>") },
	{ 200, ENVELOPE("<x><EnumerationContext>1</EnumerationContext></x>") },
	{ 200, ENVELOPE("<x><Items><AMT_PublicPrivateKeyPair><DERKey>MIIB</DERKey><InstanceID>K"
			"</InstanceID></AMT_PublicPrivateKeyPair></Items></x>") },
	{ 200, ENVELOPE("<x><CreatedCertificate><ReferenceParameters><SelectorSet><Selector>C"
			"</Selector></SelectorSet></ReferenceParameters></CreatedCertificate>"
			"<ReturnValue>0</ReturnValue></x>") },
	{ 200, ENVELOPE("<x><Items><AMT_TLSCredentialContext><a>1</a></AMT_TLSCredentialContext>"
			"</Items></x>") },
	{ 400, ENVELOPE("<e:Fault><e:Code><e:Value>e:Sender</e:Value></e:Code></e:Fault>") },
};
#define PLAIN	16
#define OF_TLS	(sizeof(answers) / sizeof(*answers) - PLAIN)

static size_t answer_of(uint8_t choice)
{
	return (choice & 0x90) == 0x10 ? PLAIN + choice % 16 % OF_TLS : choice % PLAIN;
}

/* A request before the plan may only read; the names of all that changes. */
static bool changes(const struct amt_request *q)
{
	static const char *const orders[] = { "SetAdminAclEntryEx", "SetHighAccuracyTimeSynch",
		"SetHostName", "SetDomainName", "SetMEBxPassword", "SetTLSPSK", "CommitChanges",
		"ExtendProvisioningPeriod", "transfer/Put<", "GenerateKeyPair",
		"AddCertificate", "transfer/Create<" };

	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (memmem(q->body, q->size, orders[i], strlen(orders[i])))
			return true;
	return false;
}

/* How a machine is set up: by its key; by certificate; or, so, only let wait. */
enum setup_way { BY_KEY, BY_CERTIFICATE, WAIT, WAYS };

struct setup_run {
	enum setup_way way;
	bool planned, noted, committed, reopened, certified;
	enum amt_login last;		/* what the newest answer said of the login */
};

static void ask(struct setup *s, struct setup_run *run, const struct amt_request *q, uint8_t choice)
{
	bool commits = memmem(q->body, q->size, "CommitChanges", 13) != NULL;
	struct amt_reply reply = { .status = answers[answer_of(choice)].status,
				   .body = answers[answer_of(choice)].body };

	if (q->changes != changes(q) || (q->changes && !run->planned) || (commits && !run->noted))
		abort();
	if (memmem(q->body, q->size, "AddCertificate", 14) && !run->certified)
		abort();
	if (!q->user != !q->password)
		abort();
	reply.size = strlen(reply.body);
	reply.login = q->user ? AMT_LOGIN_TAKEN : AMT_LOGIN_NONE;
	if (choice >= 0xc0)
		reply.login = !q->user ? AMT_LOGIN_ASKED
			    : choice >= 0xe0 ? AMT_LOGIN_UNCLEAR : AMT_LOGIN_REFUSED;
	else if (choice >= 0x80)
		reply.login = AMT_LOGIN_NONE;
	if (choice >= 0xc0)
		reply.status = 401;
	run->last = reply.login;
	run->committed |= commits;
	/* The connection ends at the commit: that is for certificates alone, and once. */
	if (commits && answer_of(choice) == PLAIN - 1 && setup_commit_lost(s)) {
		if (run->way == BY_KEY || setup_commit_lost(s))
			abort();
		return;
	}
	setup_answer(s, &reply, 1700000000);
}

/* What was committed is read back over a connection of its own, and not before. */
static void reopen(struct setup *s, struct setup_run *run)
{
	if (run->way != BY_CERTIFICATE || !run->committed || setup_is_read_back(s))
		abort();
	setup_reopened(s);
	run->reopened = true;
}

/* There is a certificate for its key, or none. */
static void certify(struct setup *s, struct setup_run *run, uint8_t choice)
{
	size_t size;

	setup_public_key(s, &size);
	if (!run->planned || !size)
		abort();
	run->certified = !(choice & 0x40);
	setup_certified(s, run->certified ? "MIIB" : NULL);
}

static void set_up(enum setup_way way, const uint8_t *data, size_t size)
{
	static const struct setup_login logins[2] = { { "admin", "New-Secret1!" },
						      { "admin", "P@ssw0rd" } };
	struct setup_target target = { .admin = { "admin", "Other-Pw1!" }, .host = "pc",
				       .domain = "example.com", .set_clock = true,
				       .mebx_password = "Mebx-Pw12!",
				       .pair = { "0000037M", "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ" } };
	struct uuid uuid = { { 0, 0, 0, 1 } };
	struct setup_run run = { .way = way, .last = AMT_LOGIN_NONE };
	struct fault fault = { 0 };
	struct amt_request q;
	struct setup *s;
	size_t at = 0;

	if (setup_new(&s, &uuid, logins, 2, &fault))
		return;
	if (way != BY_KEY)
		setup_by_certificate(s, true);
	target.wait_hours = way == WAIT ? 24 : 0;
	target.tls = size && data[0] & 0x20;
	for (int i = 0;; i++) {
		enum setup_action action = setup_next(s, 1700000000, &q);

		if (i == STEPS)
			abort();
		if (action == SETUP_PLAN) {
			setup_plan(s, &target);
			run.planned = true;
		} else if (action == SETUP_CERTIFY) {
			certify(s, &run, data[0]);
		} else if (action == SETUP_PAUSE) {
			if (!run.planned)
				abort();
		} else if (action == SETUP_COMMIT) {
			setup_commit(s);
			run.noted = true;
		} else if (action == SETUP_REOPEN) {
			reopen(s, &run);
		} else if (action == SETUP_FAILED && run.reopened && at < size && i < STEPS / 2) {
			setup_reopened(s);
			at++;
		} else if (action != SETUP_SEND) {
			if (action == SETUP_FAILED && !*setup_fault(s)->what)
				abort();
			if (action == SETUP_DONE && run.committed != (way != WAIT))
				abort();
			if (setup_account(s) != SETUP_ACCOUNT_UNKNOWN &&
			    (!run.committed || run.last != AMT_LOGIN_TAKEN))
				abort();
			break;
		} else if (at == size) {
			break;
		} else {
			ask(s, &run, &q, data[at++]);
		}
	}
	setup_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	for (enum setup_way way = BY_KEY; way < WAYS; way++)
		set_up(way, data, size);
	return 0;
}
