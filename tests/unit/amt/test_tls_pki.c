/*
 * A session by certificate, against a machine of another TLS stack: what is shown to it, how it
 * refuses, and what its own certificates say.
 */
#include <arpa/inet.h>
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "amt/bundle.h"
#include "amt/chain.h"
#include "amt/ondie.h"
#include "amt/pem.h"
#include "amt/session.h"
#include "server/core/authority.h"
#include "tests/support/suite.h"

#define DEPTH	3	/* certificates of the longest chain here */
#define P384	GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1)

static struct fault fault;

/* ---- this server's chain ---- */

static struct authority *authority;
static struct chain *chain;
static gnutls_x509_privkey_t rsa;	/* of machines: such keys take long to make */

static void make_chain(void)
{
	const struct authority_algorithm algorithm = { 2048, 256 };
	struct authority_issued issued;
	struct bundle *bundle;
	char *text;

	ck_assert_int_eq(authority_new(&authority, AUTHORITY_SERVER, "example.com", &algorithm, 30,
				       time(NULL), &fault), 0);
	ck_assert_int_eq(authority_issue_server(authority, "provision.example.com", &algorithm, 30,
						time(NULL), &text, &issued, &fault), 0);
	ck_assert_int_eq(bundle_new(&bundle, &fault), 0);
	ck_assert_int_eq(bundle_read(bundle, "leaf.pem", text, strlen(text), true, NULL,
				     &fault), 0);
	ck_assert_int_eq(chain_make(&chain, bundle, NULL, 0, &fault), 0);
	bundle_free(&bundle);
	pem_free(text);
	gnutls_x509_privkey_init(&rsa);
	ck_assert_int_eq(gnutls_x509_privkey_generate(rsa, GNUTLS_PK_RSA, 2048, 0), 0);
}

static void drop_chain(void)
{
	chain_free(&chain);
	authority_free(authority);
	gnutls_x509_privkey_deinit(rsa);
}

/* ---- the machine ---- */

enum pki_manner { TAKES, ALERTS, CLOSES, ASKS_NOT, CLOSES_LATER };

static struct {
	enum pki_manner manner;
	const char *priority;
	int alert;
	int socket;
	uint16_t port;
	pthread_t thread;
	/* Its own certificates, leaf first. */
	gnutls_x509_crt_t own[DEPTH];
	gnutls_x509_privkey_t key[DEPTH];
	unsigned depth;
	/* What it was shown. */
	unsigned shown;
	uint8_t last[32];	/* SHA-256 of the last one */
	unsigned connections, requests;
} machine;

static void add_own(gnutls_pk_algorithm_t kind, const char *name, bool ca)
{
	unsigned i = machine.depth++;
	gnutls_x509_crt_t c;

	gnutls_x509_privkey_init(&machine.key[i]);
	if (kind == GNUTLS_PK_RSA)
		gnutls_x509_privkey_cpy(machine.key[i], rsa);
	else
		ck_assert_int_eq(gnutls_x509_privkey_generate(machine.key[i], kind, P384, 0), 0);
	gnutls_x509_crt_init(&c);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\001", 1);
	/* Of a clock that was never set. */
	gnutls_x509_crt_set_activation_time(c, 1000);
	gnutls_x509_crt_set_expiration_time(c, 2000000);
	gnutls_x509_crt_set_dn_by_oid(c, GNUTLS_OID_X520_COMMON_NAME, 0, name,
				      (unsigned)strlen(name));
	gnutls_x509_crt_set_key(c, machine.key[i]);
	gnutls_x509_crt_set_basic_constraints(c, ca, -1);
	machine.own[i] = c;
}

/* Each is signed by the next, the last by itself. */
static void sign_own(void)
{
	for (unsigned i = 0; i < machine.depth; i++) {
		unsigned by = i + 1 < machine.depth ? i + 1 : i;

		ck_assert_int_eq(gnutls_x509_crt_sign2(machine.own[i], machine.own[by],
						       machine.key[by], GNUTLS_DIG_SHA256, 0), 0);
	}
	/* GnuTLS puts only what it has read into the order of a chain. */
	for (unsigned i = 0; i < machine.depth; i++) {
		gnutls_datum_t der;

		ck_assert_int_eq(gnutls_x509_crt_export2(machine.own[i], GNUTLS_X509_FMT_DER, &der),
				 0);
		gnutls_x509_crt_deinit(machine.own[i]);
		gnutls_x509_crt_init(&machine.own[i]);
		ck_assert_int_eq(gnutls_x509_crt_import(machine.own[i], &der, GNUTLS_X509_FMT_DER),
				 0);
		gnutls_free(der.data);
	}
}

static int look(gnutls_session_t tls)
{
	const gnutls_datum_t *list = gnutls_certificate_get_peers(tls, &machine.shown);

	if (list && machine.shown)
		gnutls_hash_fast(GNUTLS_DIG_SHA256, list[machine.shown - 1].data,
				 list[machine.shown - 1].size, machine.last);
	return machine.manner == ALERTS || machine.manner == CLOSES;
}

static void answer(gnutls_session_t tls)
{
	static const char out[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npong";
	char in[4096];
	size_t n = 0;

	for (;;) {
		ssize_t got = gnutls_record_recv(tls, in + n, sizeof(in) - 1 - n);

		if (got <= 0)
			return;
		n += (size_t)got;
		if (n < 4 || memcmp(in + n - 4, "ping", 4) != 0)
			continue;
		n = 0;
		machine.requests++;
		if (machine.manner == CLOSES_LATER && machine.requests == 2)
			return;
		gnutls_record_send(tls, out, sizeof(out) - 1);
	}
}

static void serve_one(int fd, gnutls_certificate_credentials_t own)
{
	gnutls_session_t tls;
	int rc;

	gnutls_init(&tls, GNUTLS_SERVER);
	gnutls_priority_set_direct(tls, machine.priority, NULL);
	gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, own);
	if (machine.manner != ASKS_NOT)
		gnutls_certificate_server_set_request(tls, GNUTLS_CERT_REQUIRE);
	gnutls_transport_set_int(tls, fd);
	rc = gnutls_handshake(tls);
	if (!rc && machine.manner == ASKS_NOT)
		rc = 1;
	if (!rc)
		answer(tls);
	else if (machine.manner == ALERTS)
		gnutls_alert_send(tls, GNUTLS_AL_FATAL, (gnutls_alert_description_t)machine.alert);
	gnutls_deinit(tls);
	/* What is unread would make a reset of the end, and drop the alert. */
	shutdown(fd, SHUT_WR);
	for (char rest[256]; recv(fd, rest, sizeof(rest), 0) > 0;)
		;
	close(fd);
}

static void *serve(void *unused)
{
	gnutls_certificate_credentials_t own;

	gnutls_certificate_allocate_credentials(&own);
	gnutls_certificate_set_x509_key(own, machine.own, (int)machine.depth, machine.key[0]);
	gnutls_certificate_set_verify_function(own, look);
	for (;;) {
		int fd = accept(machine.socket, NULL, NULL);

		if (fd < 0)
			break;
		machine.connections++;
		serve_one(fd, own);
	}
	gnutls_certificate_free_credentials(own);
	return NULL;
}

static void start_machine(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);

	sign_own();
	machine.socket = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(machine.socket, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(machine.socket, 4), 0);
	ck_assert_int_eq(getsockname(machine.socket, (struct sockaddr *)&a, &size), 0);
	machine.port = ntohs(a.sin_port);
	ck_assert_int_eq(pthread_create(&machine.thread, NULL, serve, NULL), 0);
}

/* ---- the session ---- */

static struct amt_session *s;
static struct amt_reply reply;
static struct ondie *ondie;

static void begin(void)
{
	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	memset(&machine, 0, sizeof(machine));
	fault_clear(&fault);
	machine.priority = "NORMAL";
}

static void end(void)
{
	amt_session_close(&s);
	shutdown(machine.socket, SHUT_RDWR);
	pthread_join(machine.thread, NULL);
	close(machine.socket);
	for (unsigned i = 0; i < machine.depth; i++) {
		gnutls_x509_crt_deinit(machine.own[i]);
		gnutls_x509_privkey_deinit(machine.key[i]);
	}
	ondie_free(&ondie);
}

static int post(void)
{
	const struct amt_request q = { .path = "/wsman", .content_type = "text/plain",
				       .body = "ping", .size = 4 };
	const struct amt_limits limits = { 5000, 5000, AMT_ANSWER_BYTES };
	struct amt_target target = { { .kind = AMT_TLS_PKI, .chain = chain, .ondie = ondie },
				     "127.0.0.1", machine.port };

	if (!s)
		ck_assert_int_eq(amt_session_open(&s, &target, &limits, &fault), 0);
	return amt_session_post(s, &q, &reply);
}

/* Firmware of each time, by the TLS that it speaks. */
static const struct {
	const char *priority, *version;
	gnutls_pk_algorithm_t kind;
} times[] = {
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:%DISABLE_SAFE_RENEGOTIATION", "TLS 1.0",
	  GNUTLS_PK_RSA },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.1:-KX-ALL:+RSA", "TLS 1.1", GNUTLS_PK_RSA },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", "TLS 1.2", GNUTLS_PK_RSA },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.2", "TLS 1.2", GNUTLS_PK_EC },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.3", "TLS 1.3", GNUTLS_PK_RSA },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.3", "TLS 1.3", GNUTLS_PK_EC },
};

START_TEST(firmware_of_each_time_is_shown_leaf_and_root)
{
	machine.priority = times[_i].priority;
	add_own(times[_i].kind, "AMT", false);
	start_machine();
	for (int i = 0; i < 3; i++)
		ck_assert_msg(post() == 0, "%s", reply.fault.what);
	ck_assert_str_eq(reply.body, "pong");
	ck_assert_uint_eq(machine.connections, 1);
	ck_assert_uint_eq(machine.shown, 2);
	ck_assert_mem_eq(machine.last, chain_facts(chain)->root_sha256, 32);
	ck_assert_str_eq(amt_session_tls(s), times[_i].version);
	ck_assert(amt_session_chain_taken(s));
	ck_assert_int_eq(amt_session_machine(s), ONDIE_NOT_SHOWN);
	/* That proves us to the machine, and nothing of the machine. */
	ck_assert(!amt_session_proved(s));
}
END_TEST

static const struct {
	int alert, code;
	const char *what, *hint;
} alerts[] = {
	{ 40, KIT_ERR_REFUSED, "(TLS alert 40, handshake failure)", "DNS suffix" },
	{ 42, KIT_ERR_REFUSED, "does not accept this server's certificate provision.example.com "
			       "(TLS alert 42, bad certificate)", "DNS suffix" },
	{ 43, KIT_ERR_REFUSED, "unsupported certificate", "SHA-1" },
	{ 45, KIT_ERR_REFUSED, "certificate expired", "certificates renew" },
	{ 46, KIT_ERR_REFUSED, "certificate unknown", "DNS suffix" },
	{ 48, KIT_ERR_REFUSED, "unknown CA", "certificates match" },
	{ 49, KIT_ERR_REFUSED, "access denied", "DNS suffix" },
	{ 50, KIT_ERR_REFUSED, "decode error", "DNS suffix" },
	{ 116, KIT_ERR_REFUSED, "certificate required", "DNS suffix" },
	{ 80, KIT_ERR_NETWORK, "broke during the TLS handshake", "" },
};
#define N_ALERTS	((int)(sizeof(alerts) / sizeof(*alerts)))

/* TLS 1.2 says so in the handshake, 1.3 when it seems to be done. */
static const char *const refuse_by[] = {
	"NORMAL:-VERS-ALL:+VERS-TLS1.0", "NORMAL:-VERS-ALL:+VERS-TLS1.2",
	"NORMAL:-VERS-ALL:+VERS-TLS1.3",
};
#define N_REFUSE_BY	((int)(sizeof(refuse_by) / sizeof(*refuse_by)))

START_TEST(an_alert_says_that_the_chain_is_refused_and_what_to_do)
{
	int i = _i % N_ALERTS;

	machine.manner = ALERTS;
	machine.priority = refuse_by[_i / N_ALERTS];
	machine.alert = alerts[i].alert;
	add_own(GNUTLS_PK_RSA, "AMT", false);
	start_machine();
	ck_assert_msg(post() == alerts[i].code, "%d: %s", reply.code, reply.fault.what);
	ck_assert_msg(strstr(reply.fault.what, alerts[i].what), "%s", reply.fault.what);
	ck_assert_msg(strstr(reply.fault.hint, alerts[i].hint), "%s", reply.fault.hint);
	ck_assert_int_eq(reply.chain_refused, alerts[i].code == KIT_ERR_REFUSED);
	ck_assert(reply.connected);
	ck_assert(!reply.silent || alerts[i].code == KIT_ERR_NETWORK);
	ck_assert(!amt_session_chain_taken(s));
}
END_TEST

START_TEST(an_end_without_a_word_may_be_a_refusal_too)
{
	machine.manner = CLOSES;
	machine.priority = refuse_by[_i];
	add_own(GNUTLS_PK_RSA, "AMT", false);
	start_machine();
	ck_assert_int_eq(post(), KIT_ERR_NETWORK);
	ck_assert_msg(strstr(reply.fault.what, "when it had seen this server's certificate"),
		      "%s", reply.fault.what);
	ck_assert(reply.chain_refused);
	ck_assert(!reply.silent);
}
END_TEST

START_TEST(once_it_has_answered_an_end_is_not_a_refusal)
{
	machine.manner = CLOSES_LATER;
	machine.priority = refuse_by[_i];
	add_own(GNUTLS_PK_RSA, "AMT", false);
	start_machine();
	ck_assert_int_eq(post(), 0);
	post();
	ck_assert(!reply.chain_refused);
	ck_assert(amt_session_chain_taken(s));
}
END_TEST

START_TEST(a_machine_that_asks_for_no_certificate_is_named_as_that)
{
	machine.manner = ASKS_NOT;
	machine.priority = refuse_by[_i];
	add_own(GNUTLS_PK_RSA, "AMT", false);
	start_machine();
	ck_assert_int_eq(post(), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(reply.fault.what, "does not ask for this server's"));
	ck_assert(!reply.chain_refused);
}
END_TEST

/* ---- on-die chains ---- */

static void make_ondie(bool trusted)
{
	gnutls_datum_t pem;

	if (!trusted) {
		ck_assert_int_eq(ondie_new(&ondie, NULL, 0, &fault), 0);
		return;
	}
	ck_assert_int_eq(gnutls_x509_crt_export2(machine.own[machine.depth - 1],
						 GNUTLS_X509_FMT_PEM, &pem), 0);
	ck_assert_int_eq(ondie_new(&ondie, pem.data, pem.size, &fault), 0);
	gnutls_free(pem.data);
}

static const struct {
	const char *leaf;
	unsigned depth;
	bool trusted;
	enum ondie_verdict verdict;
} ondies[] = {
	{ "AMT RCFG", 3, true, ONDIE_GENUINE },
	{ "iAMT CSME IDevID RCFG", 3, true, ONDIE_GENUINE },
	{ "AMT RCFG", 3, false, ONDIE_UNKNOWN },
	{ "PTT EK", 3, true, ONDIE_UNKNOWN },
	{ "AMT RCFG", 1, true, ONDIE_NOT_SHOWN },
};

START_TEST(a_chain_of_the_chip_is_judged_and_proves_no_identity)
{
	add_own(GNUTLS_PK_EC, ondies[_i].leaf, false);
	for (unsigned i = 1; i < ondies[_i].depth; i++)
		add_own(GNUTLS_PK_EC, i == 1 ? "Issuing CA" : "On-Die Root", true);
	start_machine();
	make_ondie(ondies[_i].trusted);
	ck_assert_msg(post() == 0, "%s", reply.fault.what);
	ck_assert_int_eq(amt_session_machine(s), ondies[_i].verdict);
	ck_assert(!amt_session_proved(s));
}
END_TEST

START_TEST(a_chain_that_another_key_signed_is_not_genuine)
{
	gnutls_x509_privkey_t real;

	for (int i = 0; i < DEPTH; i++)
		add_own(GNUTLS_PK_EC, i == 0 ? "AMT RCFG" : i == 1 ? "Issuing CA" : "On-Die Root",
			i > 0);
	sign_own();
	make_ondie(true);
	/* The forger has all names, and not the root's key. */
	real = machine.key[DEPTH - 1];
	gnutls_x509_privkey_init(&machine.key[DEPTH - 1]);
	gnutls_x509_privkey_generate(machine.key[DEPTH - 1], GNUTLS_PK_EC, P384, 0);
	gnutls_x509_privkey_deinit(real);
	gnutls_x509_crt_set_key(machine.own[DEPTH - 1], machine.key[DEPTH - 1]);
	start_machine();
	ck_assert_msg(post() == 0, "%s", reply.fault.what);
	ck_assert_int_eq(amt_session_machine(s), ONDIE_UNKNOWN);
}
END_TEST

START_TEST(roots_that_are_none_are_refused)
{
	ck_assert_int_eq(ondie_new(&ondie, "no certificate", 14, &fault), KIT_ERR_FORMAT);
	ck_assert_ptr_null(ondie);
	add_own(GNUTLS_PK_RSA, "AMT", false);
	start_machine();
}
END_TEST

TEST_SUITE("tls-pki")
{
	TCase *t = tcase_create("chain");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_chain, drop_chain);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, firmware_of_each_time_is_shown_leaf_and_root, 0,
			    sizeof(times) / sizeof(*times));
	tcase_add_loop_test(t, an_alert_says_that_the_chain_is_refused_and_what_to_do, 0,
			    N_ALERTS * N_REFUSE_BY);
	tcase_add_loop_test(t, an_end_without_a_word_may_be_a_refusal_too, 0, N_REFUSE_BY);
	tcase_add_loop_test(t, once_it_has_answered_an_end_is_not_a_refusal, 0, N_REFUSE_BY);
	tcase_add_loop_test(t, a_machine_that_asks_for_no_certificate_is_named_as_that, 0,
			    N_REFUSE_BY);
	suite_add_tcase(suite, t);

	t = tcase_create("on-die");
	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, make_chain, drop_chain);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_loop_test(t, a_chain_of_the_chip_is_judged_and_proves_no_identity, 0,
			    sizeof(ondies) / sizeof(*ondies));
	tcase_add_test(t, a_chain_that_another_key_signed_is_not_genuine);
	tcase_add_test(t, roots_that_are_none_are_refused);
	suite_add_tcase(suite, t);
}
