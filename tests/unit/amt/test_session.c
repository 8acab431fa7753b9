/*
 * The session that blocks: against a simulated machine over TLS-PSK, and against a listener of a
 * few lines for connections and logins of every kind.
 */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "amt/session.h"
#include "samples/amt-sim/sim-boot.h"
#include "samples/amt-sim/sim-service.h"
#include "tests/support/suite.h"

#define PID		"0000037M"
#define PPS		"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"
#define PASSWORD	"Str0ng!Pass"

static const struct amt_limits limits = { 5000, 5000, AMT_ANSWER_BYTES };
static struct fault fault;
static struct amt_session *s;
static struct amt_reply reply;

/* ---- the simulated machine ---- */

static struct sim_fleet fleet;
static struct sim_service *service;
static uint16_t port;

static uint16_t free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &size), 0);
	close(fd);
	return ntohs(a.sin_port);
}

static void say_nothing(void *context, const char *text)
{
}

static void begin_machine(void)
{
	struct keyentry e = { .pair = { PID, PPS }, .current_password = "admin",
			      .new_password = PASSWORD };
	struct sim_address first;

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fault_clear(&fault);
	port = free_port();
	ck_assert_int_eq(sim_address_parse("127.0.0.1", port, &first, &fault), 0);
	ck_assert_int_eq(sim_fleet_init(&fleet, 1, &first, &fault), 0);
	fleet.event = say_nothing;
	ck_assert_int_eq(sim_device_factory(&fleet.devices[0], NULL,
					    (struct sim_device_firmware){ 7, 1, 20 }, NULL, &fault),
			 0);
	ck_assert_int_eq(sim_boot_take_entry(&fleet.devices[0], &e, &fault), 0);
	fleet.habits.which = SIM_MODERN;
	ck_assert_msg(sim_service_start(&service, &fleet, port, 0, &fault) == 0, "%s", fault.what);
}

static void end_machine(void)
{
	amt_session_close(&s);
	sim_service_stop(&service);
	sim_fleet_clear(&fleet);
}

static void open_machine(const char *pid, const char *pps)
{
	struct amt_target target = { { AMT_TLS_PSK, pid, pps }, "127.0.0.1", port };

	ck_assert_msg(amt_session_open(&s, &target, &limits, &fault) == 0, "%s", fault.what);
}

/* Get CLASS. */
static int get(const char *class_name, const char *user, const char *password)
{
	char body[1024];
	struct amt_request q = { .path = "/wsman", .body = body, .user = user,
				 .content_type = "application/soap+xml;charset=UTF-8",
				 .password = password };

	q.size = (size_t)snprintf(body, sizeof(body),
		"<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\""
		" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\""
		" xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>"
		"http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action><a:To>/wsman</a:To>"
		"<w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/%s</w:ResourceURI>"
		"<a:MessageID>1</a:MessageID></s:Header><s:Body/></s:Envelope>", class_name);
	return amt_session_post(s, &q, &reply);
}

START_TEST(a_machine_is_asked_and_answers_in_one_session)
{
	open_machine(PID, PPS);
	ck_assert(!amt_session_proved(s));
	ck_assert_msg(get("AMT_SetupAndConfigurationService", NULL, NULL) == 0, "%s",
		      reply.fault.what);
	ck_assert(amt_session_proved(s));
	ck_assert_int_eq(reply.status, 401);
	ck_assert_int_eq(reply.login, AMT_LOGIN_ASKED);
	ck_assert_int_eq(get("AMT_SetupAndConfigurationService", "admin", PASSWORD), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
	ck_assert_ptr_nonnull(strstr(reply.body, "ProvisioningState>1<"));
	/* The nonce serves further requests. */
	ck_assert_int_eq(get("AMT_GeneralSettings", "admin", PASSWORD), 0);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_int_eq(get("AMT_GeneralSettings", "admin", "Wr0ng!Pass"), 0);
	ck_assert_int_eq(reply.status, 401);
	ck_assert_int_eq(reply.login, AMT_LOGIN_REFUSED);
}
END_TEST

START_TEST(a_wrong_pps_is_forged_and_a_wrong_pid_too)
{
	open_machine(PID, "AAAXAAAXAAAXAAAXAAAXAAAXAAAXAAAX");
	ck_assert_int_eq(get("AMT_GeneralSettings", NULL, NULL), KIT_ERR_FORGED);
	ck_assert(reply.connected);
	ck_assert(!amt_session_proved(s));
	amt_session_close(&s);
	open_machine("0000048O", PPS);
	ck_assert_int_eq(get("AMT_GeneralSettings", NULL, NULL), KIT_ERR_FORGED);
	ck_assert(!amt_session_proved(s));
}
END_TEST

START_TEST(nobody_there_is_a_network_error)
{
	struct amt_target target = { { AMT_PLAIN }, "127.0.0.1", 1 };

	ck_assert_int_eq(amt_session_open(&s, &target, &limits, &fault), 0);
	ck_assert_int_eq(get("AMT_GeneralSettings", NULL, NULL), KIT_ERR_NETWORK);
	ck_assert(!reply.connected);
	ck_assert_ptr_nonnull(strstr(reply.fault.what, "Connection refused"));
}
END_TEST

/* ---- a listener of a few lines ---- */

enum listener_manner {
	KEEPS,			/* one nonce for all, connections are kept */
	CLOSES,			/* each connection ends after its answer, without a word */
	NONCE_EACH,		/* each connection has a nonce of its own, and two answers */
	NONCE_EACH_CLOSES,	/* the same, and one answer */
	STALE,			/* a nonce serves three requests, then it is stale */
	AUTH_INT,
	SHA_512,
	BASIC,
	DROPS,			/* the second request of each connection ends it, unanswered */
};

static struct {
	int socket;
	uint16_t port;
	enum listener_manner manner;
	bool refuses;		/* every login */
	pthread_t thread;
	unsigned connections, requests, with_login, bodies;
} listener;

static void challenge(char *out, unsigned nonce)
{
	static const char *const more[DROPS + 1] = {
		[AUTH_INT] = ", qop=\"auth-int\"", [SHA_512] = ", qop=\"auth\", algorithm=SHA-512",
		[BASIC] = "",
	};
	const char *last = more[listener.manner] ? more[listener.manner] : ", qop=\"auth\"";

	if (listener.manner == BASIC)
		sprintf(out, "WWW-Authenticate: Basic realm=\"r\"\r\n");
	else
		sprintf(out, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n%u\"%s%s\r\n", nonce,
			last, listener.manner == STALE && nonce > 1 ? ", stale=true" : "");
}

/* The answer to the text of one request; CONNECTION and COUNT are its numbers. */
static void answer_to(const char *text, unsigned connection, char *out)
{
	static unsigned nonce = 1, uses;
	char with[32], head[200] = "";
	bool in = strstr(text, "Authorization: Digest") != NULL;
	bool good;

	if (listener.requests == 1) {
		nonce = 1;
		uses = 0;
	}
	if (listener.manner == NONCE_EACH || listener.manner == NONCE_EACH_CLOSES)
		nonce = connection;
	listener.with_login += in;
	sprintf(with, "nonce=\"n%u\"", nonce);
	good = in && strstr(text, with) && !listener.refuses;
	if (good && listener.manner == STALE && ++uses % 3 == 0) {
		nonce++;
		good = false;
	}
	if (!good)
		challenge(head, nonce);
	sprintf(out, "HTTP/1.1 %s\r\n%sContent-Length: 4\r\n\r\npong",
		good ? "200 OK" : "401 Unauthorized", head);
}

static void serve_connection(int fd, unsigned connection)
{
	char in[8192], out[1024];
	size_t n = 0;
	unsigned count = 0;

	for (;;) {
		ssize_t got = recv(fd, in + n, sizeof(in) - 1 - n, 0);

		if (got <= 0)
			return;
		n += (size_t)got;
		in[n] = '\0';
		if (n < 4 || memcmp(in + n - 4, "ping", 4) != 0)
			continue;
		n = 0;
		listener.requests++;
		count++;
		if (listener.manner == DROPS && count == 2)
			return;
		answer_to(in, connection, out);
		send(fd, out, strlen(out), MSG_NOSIGNAL);
		if (listener.manner == CLOSES || listener.manner == NONCE_EACH_CLOSES ||
		    (listener.manner == NONCE_EACH && count == 2))
			return;
	}
}

static void *serve(void *unused)
{
	for (;;) {
		int fd = accept(listener.socket, NULL, NULL);

		if (fd < 0)
			return NULL;
		serve_connection(fd, ++listener.connections);
		close(fd);
	}
}

static void begin_listener(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	struct amt_target target = { { AMT_PLAIN }, "127.0.0.1" };

	signal(SIGPIPE, SIG_IGN);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	fault_clear(&fault);
	memset(&listener, 0, sizeof(listener));
	listener.socket = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listener.socket, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(listener.socket, 16), 0);
	ck_assert_int_eq(getsockname(listener.socket, (struct sockaddr *)&a, &size), 0);
	target.port = ntohs(a.sin_port);
	ck_assert_int_eq(pthread_create(&listener.thread, NULL, serve, NULL), 0);
	ck_assert_int_eq(amt_session_open(&s, &target, &limits, &fault), 0);
}

static void end_listener(void)
{
	amt_session_close(&s);
	shutdown(listener.socket, SHUT_RDWR);
	pthread_join(listener.thread, NULL);
	close(listener.socket);
}

static int post(const char *user, bool changes)
{
	struct amt_request q = { .path = "/wsman", .content_type = "text/plain", .body = "ping",
				 .size = 4, .user = user, .password = "p", .changes = changes };

	return amt_session_post(s, &q, &reply);
}

START_TEST(a_login_is_asked_for_once_and_refused_once)
{
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(post("u", false), 0);
		ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
		ck_assert_str_eq(reply.body, "pong");
	}
	ck_assert_uint_eq(listener.requests, 4);
	ck_assert_uint_eq(listener.connections, 1);
	listener.refuses = true;
	ck_assert_int_eq(post("u", false), 0);
	ck_assert_int_eq(reply.login, AMT_LOGIN_REFUSED);
	ck_assert_uint_eq(listener.requests, 6);
}
END_TEST

START_TEST(the_machine_has_to_ask_anew_when_that_is_wanted)
{
	struct amt_request q = { .path = "/wsman", .content_type = "text/plain", .body = "ping",
				 .size = 4, .user = "u", .password = "p", .new_login = true };

	ck_assert_int_eq(post("u", false), 0);
	listener.requests = listener.with_login = 0;
	ck_assert_int_eq(amt_session_post(s, &q, &reply), 0);
	ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
	ck_assert_uint_eq(listener.requests, 2);
	ck_assert_uint_eq(listener.with_login, 1);
}
END_TEST

START_TEST(a_new_connection_with_a_new_nonce_is_not_a_wrong_password)
{
	listener.manner = NONCE_EACH;
	for (int i = 0; i < 5; i++) {
		ck_assert_int_eq(post("u", false), 0);
		ck_assert_int_eq(reply.status, 200);
		ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
	}
	ck_assert_uint_ge(listener.connections, 5);
}
END_TEST

START_TEST(a_nonce_that_never_lives_long_enough_does_not_blame_the_password)
{
	listener.manner = NONCE_EACH_CLOSES;
	ck_assert_int_eq(post("u", false), 0);
	ck_assert_int_eq(reply.login, AMT_LOGIN_UNCLEAR);
}
END_TEST

START_TEST(a_stale_nonce_is_replaced)
{
	listener.manner = STALE;
	for (int i = 0; i < 9; i++) {
		ck_assert_int_eq(post("u", true), 0);
		ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
	}
}
END_TEST

START_TEST(auth_int_alone_is_answered)
{
	listener.manner = AUTH_INT;
	ck_assert_int_eq(post("u", false), 0);
	ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
}
END_TEST

START_TEST(a_login_by_other_ways_is_named_and_the_password_is_not_sent)
{
	listener.manner = _i ? BASIC : SHA_512;
	ck_assert_int_eq(post("u", false), KIT_ERR_PROTOCOL);
	ck_assert_ptr_nonnull(strstr(reply.fault.what, _i ? "not by Digest" : "SHA-512"));
	ck_assert_ptr_nonnull(strstr(reply.fault.what, "was not tried"));
	ck_assert_uint_eq(listener.with_login, 0);
}
END_TEST

START_TEST(connections_that_end_after_each_answer_serve_any_number_of_requests)
{
	listener.manner = CLOSES;
	for (int i = 0; i < 40; i++) {
		ck_assert_msg(post("u", false) == 0, "%s", reply.fault.what);
		ck_assert_int_eq(reply.login, AMT_LOGIN_TAKEN);
	}
}
END_TEST

START_TEST(a_changing_request_is_sent_once_only)
{
	listener.manner = DROPS;
	ck_assert_int_eq(post(NULL, true), 0);
	/* Its connection ends instead of an answer: libcurl alone would send it again. */
	ck_assert_int_eq(post(NULL, true), KIT_ERR_NETWORK);
	ck_assert(reply.silent);
	ck_assert_ptr_nonnull(strstr(reply.fault.what, "closed the connection without an answer"));
	ck_assert_uint_eq(listener.requests, 2);
	/* One that only reads is sent again. */
	ck_assert_int_eq(post(NULL, false), 0);
	ck_assert(!amt_session_one_each(s));
	ck_assert_int_eq(post(NULL, false), 0);
	ck_assert_uint_eq(listener.requests, 5);
	/* Twice is a habit: from here on each has a connection of its own. */
	ck_assert(amt_session_one_each(s));
	listener.connections = 0;
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(post(NULL, true), 0);
	ck_assert_uint_ge(listener.connections, 3);
}
END_TEST

TEST_SUITE("session")
{
	TCase *t = tcase_create("machine"), *l = tcase_create("listener");

	tcase_add_checked_fixture(t, begin_machine, end_machine);
	tcase_add_test(t, a_machine_is_asked_and_answers_in_one_session);
	tcase_add_test(t, a_wrong_pps_is_forged_and_a_wrong_pid_too);
	tcase_add_test(t, nobody_there_is_a_network_error);
	suite_add_tcase(suite, t);
	tcase_add_checked_fixture(l, begin_listener, end_listener);
	tcase_add_test(l, a_login_is_asked_for_once_and_refused_once);
	tcase_add_test(l, the_machine_has_to_ask_anew_when_that_is_wanted);
	tcase_add_test(l, a_new_connection_with_a_new_nonce_is_not_a_wrong_password);
	tcase_add_test(l, a_nonce_that_never_lives_long_enough_does_not_blame_the_password);
	tcase_add_test(l, a_stale_nonce_is_replaced);
	tcase_add_test(l, auth_int_alone_is_answered);
	tcase_add_loop_test(l, a_login_by_other_ways_is_named_and_the_password_is_not_sent, 0, 2);
	tcase_add_test(l, connections_that_end_after_each_answer_serve_any_number_of_requests);
	tcase_add_test(l, a_changing_request_is_sent_once_only);
	suite_add_tcase(suite, l);
}
