/* Addresses as text. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/core/address.h"
#include "tests/support/suite.h"

static struct sockaddr_in6 v6(const char *text)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6 };

	ck_assert_int_eq(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

START_TEST(addresses_are_shown_as_people_write_them)
{
	struct sockaddr_in6 a = v6("::ffff:192.0.2.1"), b = v6("2001:db8::1");
	char text[ADDRESS_TEXT + 1];

	address_show((struct sockaddr *)&a, text);
	ck_assert_str_eq(text, "192.0.2.1");
	address_show((struct sockaddr *)&b, text);
	ck_assert_str_eq(text, "2001:db8::1");
	a = v6("fe80::1");
	a.sin6_scope_id = 1;
	address_show((struct sockaddr *)&a, text);
	ck_assert_str_eq(text, "fe80::1%lo");
}
END_TEST

START_TEST(a_socket_says_where_it_is_bound)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	char text[ADDRESS_TEXT + 1];
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_uint_ne(address_local(fd, text), 0);
	ck_assert_str_eq(text, "127.0.0.1");
	close(fd);
	fd = open("/dev/null", O_RDONLY);
	ck_assert_uint_eq(address_local(fd, text), 0);
	close(fd);
}
END_TEST

TEST_SUITE("address")
{
	TCase *t = tcase_create("text");

	tcase_add_test(t, addresses_are_shown_as_people_write_them);
	tcase_add_test(t, a_socket_says_where_it_is_bound);
	suite_add_tcase(suite, t);
}
