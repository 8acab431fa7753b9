/* What is said of TLS handshakes that fail, against a listener that answers with given bytes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/sslerr.h>

#include "amt/session.h"
#include "amt/tls-psk.h"
#include "tests/support/suite.h"

#define PID	"0000037M"
#define PPS	"NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"

/* A ServerHello of TLS 1.0 without a session and extensions, with the suite 0x00SUITE. */
#define SERVER_HELLO(SUITE) "\x16\x03\x01\x00\x2a\x02\x00\x00\x26\x03\x01" \
	"0123456789abcdef0123456789abcdef" "\x00\x00" SUITE "\x00"
#define HELLO_BYTES	47
#define ALERT(NUMBER)	"\x15\x03\x01\x00\x02\x02" NUMBER

static const struct {
	const char *answer;
	size_t size;
	int code;
	const char *says, *never;
} failures[] = {
	{ SERVER_HELLO("\x8a"), HELLO_BYTES, KIT_ERR_PROTOCOL,
	  "encrypts with RC4 (TLS suite 0x008a), which the OpenSSL of this server lacks", "PPS" },
	{ SERVER_HELLO("\x8b"), HELLO_BYTES, KIT_ERR_PROTOCOL, "encrypts with 3DES", "PPS" },
	{ ALERT("\x28"), 7, KIT_ERR_PROTOCOL, "accepts none of the TLS suites that this server",
	  "PPS" },
	{ "\x16\x03\x00\x00\x2a\x02\x00\x00\x26\x03\x00" "0123456789abcdef0123456789abcdef"
	  "\x00\x00\x8c\x00", HELLO_BYTES, KIT_ERR_PROTOCOL, "a version of TLS other than", "PPS" },
	{ "220 mail.example.com\r\n", 22, KIT_ERR_PROTOCOL, "does not speak TLS", "PPS" },
};

static int listening;
static const char *answer;
static size_t answer_size;

static void *serve(void *unused)
{
	char hello[1024];
	int fd = accept(listening, NULL, NULL);

	if (fd < 0)
		return NULL;
	if (recv(fd, hello, sizeof(hello), 0) > 0)
		send(fd, answer, answer_size, MSG_NOSIGNAL);
	while (recv(fd, hello, sizeof(hello), 0) > 0)
		;
	close(fd);
	return NULL;
}

START_TEST(a_handshake_that_fails_is_explained)
{
	struct amt_limits limits = { 5000, 5000, AMT_ANSWER_BYTES };
	struct amt_target target = { { AMT_TLS_PSK, PID, PPS }, "127.0.0.1", 0 };
	struct amt_request q = { .path = "/wsman", .content_type = "text/plain", .body = "ping",
				 .size = 4 };
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t size = sizeof(a);
	struct fault fault = { 0 };
	struct amt_session *s;
	struct amt_reply reply;
	pthread_t thread;

	signal(SIGPIPE, SIG_IGN);
	answer = failures[_i].answer;
	answer_size = failures[_i].size;
	listening = socket(AF_INET, SOCK_STREAM, 0);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)&a, size), 0);
	ck_assert_int_eq(listen(listening, 4), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)&a, &size), 0);
	target.port = ntohs(a.sin_port);
	ck_assert_int_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	ck_assert_int_eq(amt_session_open(&s, &target, &limits, &fault), 0);
	ck_assert_msg(amt_session_post(s, &q, &reply) == failures[_i].code, "%d: %s", reply.code,
		      reply.fault.what);
	ck_assert_msg(strstr(reply.fault.what, failures[_i].says), "%s", reply.fault.what);
	ck_assert_msg(!strstr(reply.fault.what, failures[_i].never), "%s",
		      reply.fault.what);
	ck_assert(reply.connected);
	ck_assert(!amt_session_proved(s));
	amt_session_close(&s);
	pthread_join(thread, NULL);
	close(listening);
}
END_TEST

/* What OpenSSL's configuration forbids here is no error of the machine, and no proof failed. */
START_TEST(a_rule_of_this_server_is_not_blamed_on_the_machine)
{
	static const int reasons[] = {
		SSL_R_UNSAFE_LEGACY_RENEGOTIATION_DISABLED, SSL_R_NO_PROTOCOLS_AVAILABLE,
		SSL_R_NO_CIPHERS_AVAILABLE,
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		struct tls_psk t;
		struct fault f = { .code = 0 };

		tls_psk_init(&t, "0000037M", "00000000000000000000000000000000");
		t.reason = reasons[i];
		/* It may have come as far as the key. */
		t.asked = i == 0;
		ck_assert_int_eq(tls_psk_explain(&t, "192.0.2.1", "its words", &f),
				 KIT_ERR_PROTOCOL);
		ck_assert_str_eq(f.what, "OpenSSL on this server refuses the TLS that 192.0.2.1 "
				 "speaks: its words");
		ck_assert_ptr_nonnull(strstr(f.hint, "a rule of this server, not an error of the "
					     "machine"));
		ck_assert_ptr_null(strstr(f.hint, "firmware"));
		tls_psk_wipe(&t);
	}
}
END_TEST

TEST_SUITE("tls-psk")
{
	TCase *t = tcase_create("handshakes");

	tcase_add_loop_test(t, a_handshake_that_fails_is_explained, 0,
			    sizeof(failures) / sizeof(*failures));
	tcase_add_test(t, a_rule_of_this_server_is_not_blamed_on_the_machine);
	suite_add_tcase(suite, t);
}
