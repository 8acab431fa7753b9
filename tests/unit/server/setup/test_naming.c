/* Names from inventory, script and reverse DNS: in order, in time, and with reasons. */
#include <check.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/hostname.h"
#include "server/setup/naming.h"
#include "tests/support/map.h"
#include "tests/support/nameserver.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct naming_service *service;
static struct config config;
static struct naming_question question;
static struct naming_answer answer;
static bool done;
static struct fault fault;
static char folder[128];

static void begin(void)
{
	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	base = event_base_new();
	config_init(&config);
	question = (struct naming_question){ .uuid = scratch_uuid(1), .pid = "0000037M",
					     .address = "192.0.2.7", .inventory_fqdn = "",
					     .inventory_profile = "" };
	ck_assert_int_eq(naming_service_new(&service, base, &config, &fault), 0);
}

static void end(void)
{
	naming_service_free(&service);
	event_base_free(base);
	scratch_leave();
}

static void on_answer(void *context, const struct naming_answer *a)
{
	answer = *a;
	done = true;
}

static int ask(void)
{
	struct naming *n;

	done = false;
	naming_start(&n, service, &question, on_answer, NULL);
	while (!done)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_ptr_null(n);
	return answer.code;
}

/* Make TEXT the properties script. */
static void script(const char *text)
{
	int fd = open("script", O_WRONLY | O_CREAT | O_TRUNC, 0700);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	config.use_props_script = true;
	config.props_script_timeout = 10;
	snprintf(config.props_script, sizeof(config.props_script), "%s/script", folder);
}

START_TEST(the_inventory_knows_first)
{
	question.inventory_fqdn = "pc1.example.com";
	question.inventory_profile = "lab";
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(answer.fqdn, "pc1.example.com");
	ck_assert_str_eq(answer.profile, "lab");
	ck_assert_str_eq(answer.source, "the inventory");
}
END_TEST

START_TEST(without_any_source_there_is_no_name)
{
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "no FQDN"));
	ck_assert_ptr_nonnull(strstr(answer.fault.hint, "inventory import"));
}
END_TEST

START_TEST(an_inventory_with_the_uuid_in_the_other_byte_order_is_the_hint)
{
	question.inventory_swapped = true;
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(answer.fault.hint, "--swap-uuid"));
}
END_TEST

START_TEST(the_script_gets_what_is_known_and_its_answer_counts)
{
	/* It runs in "/". */
	script("#!/bin/sh\ncat > $(dirname $0)/input\n"
	       "echo '{\"fqdn\": \"pc2.example.com\", \"profile\": \"lab\"}'\n");
	question.inventory_fqdn = "pc1.example.com";
	ck_assert_msg(ask() == 0, "%s", answer.fault.what);
	ck_assert_str_eq(answer.fqdn, "pc2.example.com");
	ck_assert_str_eq(answer.profile, "lab");
	ck_assert_str_eq(answer.source, "the script");
	ck_assert(scratch_holds("\"uuid\":\"939b524b-13d4-1d18-e487-000001000000\","
				"\"uuid_swapped\":\"4b529b93-d413-181d-e487-000001000000\",", 100));
	ck_assert(scratch_holds("\"pid\":\"0000-037M\",\"address\":\"192.0.2.7\",\"fqdn\":"
				"\"pc1.example.com\",\"profile\":\"\"}", 73));
}
END_TEST

START_TEST(a_script_that_says_nothing_new_leaves_the_inventorys_name)
{
	script("#!/bin/sh\necho '{\"fqdn\": null}'\n");
	question.inventory_fqdn = "pc1.example.com";
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(answer.fqdn, "pc1.example.com");
	question.inventory_fqdn = "";
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_dot_at_the_end_of_the_scripts_name_is_dropped)
{
	script("#!/bin/sh\necho '{\"fqdn\": \"pc1.example.com.\"}'\n");
	ck_assert_int_eq(ask(), 0);
	ck_assert_str_eq(answer.fqdn, "pc1.example.com");
	ck_assert_str_eq(answer.source, "the script");
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *says;
} failing[] = {
	{ "#!/bin/sh\necho 'no such\nmachine' >&2\nexit 3\n", KIT_ERR_REFUSED,
	  "status 3: no such machine" },
	{ "#!/bin/sh\nkill -9 $$\n", KIT_ERR_REFUSED, "signal 9" },
	{ "#!/bin/sh\necho hello\n", KIT_ERR_PROTOCOL, "is not a JSON object" },
	{ "#!/bin/sh\necho '[1]'\n", KIT_ERR_PROTOCOL, "is not a JSON object" },
	{ "#!/bin/sh\necho '{\"fqdn\": 5}'\n", KIT_ERR_PROTOCOL,
	  "\"fqdn\" in the answer of the properties script is not a text" },
	{ "#!/bin/sh\necho '{\"fqdn\": \"a b.c\"}'\n", KIT_ERR_PROTOCOL, "not a fully qualified" },
	{ "#!/bin/sh\nhead -c 70000 /dev/zero\n", KIT_ERR_RANGE, "more than 65536 bytes" },
};

static void fails_with(const char *text, int code, const char *says)
{
	script(text);
	ck_assert_int_eq(ask(), code);
	ck_assert_msg(strstr(answer.fault.what, says) != NULL, "got: %s", answer.fault.what);
	ck_assert_msg(*answer.fault.hint, "no advice: %s", answer.fault.what);
}

START_TEST(a_script_that_fails_says_why)
{
	fails_with(failing[_i].text, failing[_i].code, failing[_i].says);
}
END_TEST

START_TEST(a_script_whose_interpreter_is_missing_says_so)
{
	fails_with("#!/no/such/interpreter\n", KIT_ERR_NOT_FOUND,
		   "cannot run the properties script");
}
END_TEST

START_TEST(a_script_out_of_time_is_killed_with_its_children)
{
	time_t before = time(NULL);

	script("#!/bin/sh\nsleep 60 &\nsleep 60\n");
	config.props_script_timeout = 1;
	ck_assert_int_eq(ask(), KIT_ERR_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "did not end within 1 s"));
	ck_assert_int_lt(time(NULL) - before, 25);
}
END_TEST

START_TEST(a_child_left_behind_does_not_hold_the_answer)
{
	time_t before = time(NULL);

	script("#!/bin/sh\nsleep 60 &\necho '{\"fqdn\": \"pc2.example.com\"}'\n");
	ck_assert_msg(ask() == 0, "%s", answer.fault.what);
	ck_assert_int_lt(time(NULL) - before, 25);
}
END_TEST

START_TEST(a_child_in_a_session_of_its_own_does_not_hold_the_answer_either)
{
	time_t before = time(NULL);

	script("#!/bin/sh\nsetsid sleep 20 &\necho '{\"fqdn\": \"pc3.example.com\"}'\n");
	ck_assert_msg(ask() == 0, "%s", answer.fault.what);
	ck_assert_str_eq(answer.fqdn, "pc3.example.com");
	/* Nor one that complains for ever. */
	script("#!/bin/sh\nsetsid timeout 20 yes >&2 &\nsleep 0.2\nexit 3\n");
	ck_assert_int_eq(ask(), KIT_ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "status 3"));
	ck_assert_int_lt(time(NULL) - before, 18);
}
END_TEST

START_TEST(the_environment_is_empty_but_for_path_and_language)
{
	setenv("KIT_TEST_MARK", "1", 1);
	script("#!/bin/sh\nenv > $(dirname $0)/input\necho '{}'\n");
	ask();
	ck_assert(scratch_holds("LANG=C.UTF-8", 12));
	ck_assert(!scratch_holds("KIT_TEST_MARK", 13));
	unsetenv("KIT_TEST_MARK");
}
END_TEST

static int ended;

static void on_counted(void *context, const struct naming_answer *a)
{
	ck_assert_msg(a->code == 0, "%s", a->fault.what);
	ended++;
}

START_TEST(no_more_scripts_run_at_a_time_than_allowed)
{
	struct naming *n[6];

	/* Each counts who else is there, and fails when there are more than two. */
	script("#!/bin/sh\nd=$(dirname $0)\ntouch $d/run.$$\nsleep 0.2\n"
	       "[ $(ls $d/run.* | wc -l) -le 2 ] || exit 1\nrm $d/run.$$\n"
	       "echo '{\"fqdn\": \"pc.example.com\"}'\n");
	config.props_script_parallel = 2;
	ended = 0;
	for (int i = 0; i < 6; i++)
		naming_start(&n[i], service, &question, on_counted, NULL);
	while (ended < 6)
		event_base_loop(base, EVLOOP_ONCE);
}
END_TEST

START_TEST(a_cancelled_script_is_gone_and_the_next_runs)
{
	struct naming *n;

	script("#!/bin/sh\nsleep 60\n");
	config.props_script_parallel = 1;
	done = false;
	naming_start(&n, service, &question, on_answer, NULL);
	event_base_loop(base, EVLOOP_ONCE);
	naming_cancel(&n);
	ck_assert(!done);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);	/* no child is left */
	script("#!/bin/sh\necho '{\"fqdn\": \"pc.example.com\"}'\n");
	ck_assert_int_eq(ask(), 0);
}
END_TEST

/* ---- DNS ---- */

static struct nameserver name_server;

static const char *answer_dns(const char *name, unsigned type, unsigned *rcode)
{
	static const struct {
		const char *name, *answer;
		unsigned rcode;
	} known[] = {
		{ "7.2.0.192.in-addr.arpa", "pc7.example.com", 0 },
		{ "pc7.example.com", "192.0.2.7", 0 },
		{ "8.2.0.192.in-addr.arpa", "stale.example.com", 0 },
		{ "stale.example.com", "192.0.2.99", 0 },
		{ "66.2.0.192.in-addr.arpa", NULL, NAMESERVER_REFUSED },
		{ "67.2.0.192.in-addr.arpa", "broken.example.com", 0 },
		{ "broken.example.com", NULL, NAMESERVER_REFUSED },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strcmp(name, known[i].name) == 0) {
			*rcode = known[i].rcode;
			return known[i].answer;
		}
	*rcode = NAMESERVER_NO_NAME;
	return NULL;
}

static void begin_dns(void)
{
	char servers[32];

	begin();
	memset(&name_server, 0, sizeof(name_server));
	name_server.answer = answer_dns;
	nameserver_start(&name_server, base, servers);
	config.dns_fallback = true;
	strcpy(config.dns_servers, servers);
}

static void end_dns(void)
{
	nameserver_stop(&name_server);
	end();
}

START_TEST(reverse_dns_that_is_confirmed_gives_the_name)
{
	ck_assert_msg(ask() == 0, "%s", answer.fault.what);
	ck_assert_str_eq(answer.fqdn, "pc7.example.com");
	ck_assert_str_eq(answer.source, "reverse DNS");
	ck_assert(answer.from_dns);
}
END_TEST

START_TEST(a_name_that_does_not_point_back_is_not_taken)
{
	question.address = "192.0.2.8";
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(
		strstr(answer.fault.what, "stale.example.com, but that name does not"));
}
END_TEST

START_TEST(an_address_without_name_has_none)
{
	question.address = "192.0.2.9";
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_silent_name_server_is_given_up_in_time)
{
	time_t before = time(NULL);

	name_server.silent = true;
	config.dns_seconds = 1;
	/* Which is no proof that there is no name: it is asked again, where a name is a must. */
	ck_assert_int_eq(ask(), KIT_ERR_TIMEOUT);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "in time"));
	ck_assert_int_le(time(NULL) - before, 3);
	config.fqdn_required = false;
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_name_server_that_does_not_know_is_asked_again)
{
	question.address = "192.0.2.66";
	ck_assert_int_eq(ask(), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "cannot give the name of 192.0.2.66: "));
	ck_assert_ptr_nonnull(strstr(answer.fault.hint, "see that the name servers"));
	/* The name is known, but not its address. */
	question.address = "192.0.2.67";
	ck_assert_int_eq(ask(), KIT_ERR_NETWORK);
	ck_assert_ptr_nonnull(strstr(answer.fault.what, "the address of broken.example.com: "));
}
END_TEST

START_TEST(a_question_can_be_cancelled)
{
	struct naming *n;

	name_server.silent = true;
	done = false;
	naming_start(&n, service, &question, on_answer, NULL);
	naming_cancel(&n);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert(!done);
	name_server.silent = false;
	ck_assert_int_eq(ask(), 0);
}
END_TEST

START_TEST(dns_is_not_asked_unless_allowed)
{
	config.dns_fallback = false;
	ck_assert_int_eq(ask(), KIT_ERR_NOT_FOUND);
	ck_assert_str_eq(answer.fqdn, "");
}
END_TEST

static const struct {
	const char *name;
	bool good;
} fqdns[] = {
	{ "pc1.example.com", true }, { "a.b", true }, { "1-2.x3", true }, { "pc1", false },
	{ "", false }, { ".com", false }, { "a..b", false }, { "a.b.", false }, { "-a.b", false },
	{ "a-.b", false }, { "a.b-", false }, { "a_b.c", false }, { "a b.c", false },
	{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.com", false },
};

START_TEST(a_fully_qualified_name_is_told_from_others)
{
	ck_assert_msg(hostname_is_fqdn(fqdns[_i].name) == fqdns[_i].good, "%s", fqdns[_i].name);
}
END_TEST

TEST_SUITE("naming")
{
	TCase *t = tcase_create("inventory and script"), *dns = tcase_create("reverse DNS");
	TCase *no_exec = tcase_create("a failing exec");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_inventory_knows_first);
	tcase_add_test(t, without_any_source_there_is_no_name);
	tcase_add_test(t, an_inventory_with_the_uuid_in_the_other_byte_order_is_the_hint);
	tcase_add_test(t, the_script_gets_what_is_known_and_its_answer_counts);
	tcase_add_test(t, a_script_that_says_nothing_new_leaves_the_inventorys_name);
	tcase_add_test(t, a_dot_at_the_end_of_the_scripts_name_is_dropped);
	tcase_add_loop_test(t, a_script_that_fails_says_why, 0,
			    sizeof(failing) / sizeof(*failing));
	tcase_add_test(t, a_script_out_of_time_is_killed_with_its_children);
	tcase_add_test(t, a_child_left_behind_does_not_hold_the_answer);
	tcase_add_test(t, the_environment_is_empty_but_for_path_and_language);
	tcase_add_test(t, a_child_in_a_session_of_its_own_does_not_hold_the_answer_either);
	tcase_add_test(t, no_more_scripts_run_at_a_time_than_allowed);
	tcase_add_test(t, a_cancelled_script_is_gone_and_the_next_runs);
	tcase_add_loop_test(t, a_fully_qualified_name_is_told_from_others, 0,
			    sizeof(fqdns) / sizeof(*fqdns));
	suite_add_tcase(suite, t);
	/* Valgrind gives up where an exec fails late, as that of the missing interpreter does. */
	tcase_set_tags(no_exec, "exec-fails");
	tcase_add_checked_fixture(no_exec, begin, end);
	tcase_add_test(no_exec, a_script_whose_interpreter_is_missing_says_so);
	suite_add_tcase(suite, no_exec);
	tcase_add_checked_fixture(dns, begin_dns, end_dns);
	tcase_add_test(dns, reverse_dns_that_is_confirmed_gives_the_name);
	tcase_add_test(dns, a_name_that_does_not_point_back_is_not_taken);
	tcase_add_test(dns, an_address_without_name_has_none);
	tcase_add_test(dns, a_silent_name_server_is_given_up_in_time);
	tcase_add_test(dns, a_name_server_that_does_not_know_is_asked_again);
	tcase_add_test(dns, a_question_can_be_cancelled);
	tcase_add_test(dns, dns_is_not_asked_unless_allowed);
	suite_add_tcase(suite, dns);
}
