/* Running a program: what of its words gets out, and that it does not outlive this process. */
#include <check.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "server/core/script.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct event_base *base;
static struct script_pool *pool;
static struct script_job job;
static struct fault fault;
static char folder[128], path[160];

static struct {
	unsigned times;
	int code;
	struct fault fault;
} got;

static void on_done(void *context, const struct script_result *r)
{
	got.times++;
	got.code = r->code;
	got.fault = r->fault;
}

static void begin(void)
{
	scratch_enter();
	ck_assert_ptr_nonnull(getcwd(folder, sizeof(folder)));
	snprintf(path, sizeof(path), "%s/script", folder);
	base = event_base_new();
	ck_assert_int_eq(script_pool_new(&pool, base, &fault), 0);
	memset(&got, 0, sizeof(got));
	job = (struct script_job){ .path = path, .input = "", .seconds = 20, .limit = 1,
				   .done = on_done };
}

static void end(void)
{
	script_pool_free(&pool);
	event_base_free(base);
	scratch_leave();
}

static void write_script(const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0700);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int run(const char *text)
{
	struct script *s;
	unsigned before = got.times;

	write_script(text);
	ck_assert_int_eq(script_run(&s, pool, &job, &fault), 0);
	while (got.times == before)
		event_base_loop(base, EVLOOP_ONCE);
	return got.code;
}

/* A number that a script wrote to the file "pid", once it is there. */
static pid_t read_pid(void)
{
	for (int i = 0; i < 1000; i++) {
		struct timespec pause = { .tv_nsec = 10000000 };
		FILE *f = fopen("pid", "r");
		int pid = 0;
		bool good = f && fscanf(f, "%d\n", &pid) == 1;

		if (f)
			fclose(f);
		if (good)
			return pid;
		nanosleep(&pause, NULL);
	}
	return 0;
}

START_TEST(secrets_of_the_machine_are_cut_out_of_its_words)
{
	static const char *const secrets[] = {
		"GDAJ-BXWA-UVMM-1234-ABCD-EF56-7890-WXYZ", "", NULL, "P@ssw0rd!",
	};

	job.secrets = secrets;
	job.n_secrets = 4;
	ck_assert_int_eq(run("#!/bin/sh\necho 'pps GDAJ-BXWA-UVMM-1234-ABCD-EF56-7890-WXYZ or "
			     "gdajbxwauvmm1234abcdef567890wxyz, p@ssw0rd!:P@ssw0rd!' >&2\n"
			     "exit 3\n"),
			 KIT_ERR_REFUSED);
	ck_assert_msg(strstr(got.fault.what, "status 3: pps *** or ***, ***:*** ") != NULL,
		      "got: %s", got.fault.what);
}
END_TEST

START_TEST(a_secret_that_begins_another_is_cut_out_with_the_rest_of_that)
{
	static const char *const secrets[] = { "P@ssw0rd", "P@ssw0rd2026", "26xyz" };

	job.secrets = secrets;
	job.n_secrets = 3;
	ck_assert_int_eq(run("#!/bin/sh\necho 'took P@ssw0rd2026xyz, or P@ssw0rd' >&2\nexit 3\n"),
			 KIT_ERR_REFUSED);
	ck_assert_msg(strstr(got.fault.what, "status 3: took ***, or *** ") != NULL, "got: %s",
		      got.fault.what);
}
END_TEST

START_TEST(a_secret_at_the_end_of_what_is_shown_is_cut_out_whole)
{
	static const char *const secrets[] = { "P@ssw0rd!" };
	char text[400];

	job.secrets = secrets;
	job.n_secrets = 1;
	/* Bytes before it, so that the limit of 200 falls at each byte of it. */
	snprintf(text, sizeof(text), "#!/bin/sh\nprintf '%%0%dd%%s' 0 'P@ssw0rd!' >&2\nexit 3\n",
		 200 - _i);
	ck_assert_int_eq(run(text), KIT_ERR_REFUSED);
	ck_assert_msg(!strstr(got.fault.what, "P@"), "got: %s", got.fault.what);
	ck_assert_msg(!strchr(got.fault.what, 'P'), "got: %s", got.fault.what);
	ck_assert_uint_le(strlen(strchr(got.fault.what, ':')), 202);
}
END_TEST

START_TEST(its_words_are_one_line_without_control_characters)
{
	ck_assert_int_eq(run("#!/bin/sh\nprintf 'a\\nb\\033[2Jc\\001d' >&2\nexit 3\n"),
			 KIT_ERR_REFUSED);
	ck_assert_msg(strstr(got.fault.what, "status 3: a b [2Jc d") != NULL, "got: %s",
		      got.fault.what);
}
END_TEST

START_TEST(it_has_a_session_of_its_own)
{
	pid_t pid;

	/* Field 6 of its stat: the session. */
	ck_assert_int_eq(run("#!/bin/sh\necho $$ >$(dirname $0)/pid\n"
			     "[ $(cut -d' ' -f6 /proc/$$/stat) = $$ ]\n"), 0);
	pid = read_pid();
	ck_assert_int_ne(pid, getsid(0));
}
END_TEST

/* A zombie is gone, too: where nobody adopts orphans it stays one. */
static bool is_running(pid_t pid)
{
	char name[64], text[128] = "";
	FILE *f;

	snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	f = fopen(name, "r");
	if (f && !fgets(text, sizeof(text), f))
		*text = '\0';
	if (f)
		fclose(f);
	return *text && !strstr(text, ") Z ");
}

static void __attribute__((noreturn)) run_for_ever(void)
{
	struct script *s;

	if (script_run(&s, pool, &job, NULL))
		_exit(1);
	event_base_dispatch(base);
	_exit(2);
}

START_TEST(it_does_not_outlive_a_server_that_is_killed)
{
	pid_t server, script;

	write_script("#!/bin/sh\necho $$ >$(dirname $0)/pid\nexec sleep 60\n");
	server = fork();
	ck_assert_int_ge(server, 0);
	if (server == 0) {
		event_reinit(base);
		run_for_ever();
	}
	script = read_pid();
	ck_assert_int_gt(script, 0);
	ck_assert(is_running(script));
	kill(server, SIGKILL);
	ck_assert_int_eq(waitpid(server, NULL, 0), server);
	for (int i = 0; is_running(script); i++) {
		struct timespec pause = { .tv_nsec = 10000000 };

		ck_assert_msg(i < 500, "the script still runs");
		nanosleep(&pause, NULL);
	}
}
END_TEST

START_TEST(a_stop_drops_what_waits)
{
	struct script *first, *second;

	write_script("#!/bin/sh\nsleep 60\n");
	ck_assert_int_eq(script_run(&first, pool, &job, &fault), 0);
	ck_assert_int_eq(script_run(&second, pool, &job, &fault), 0);
	event_base_loop(base, EVLOOP_ONCE);
	/* The second one has its turn in the loop when the first is gone; but there is none. */
	script_cancel(&first);
	script_cancel(&second);
	script_pool_free(&pool);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_uint_eq(got.times, 0);
}
END_TEST

TEST_SUITE("script")
{
	TCase *t = tcase_create("script");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, secrets_of_the_machine_are_cut_out_of_its_words);
	tcase_add_test(t, a_secret_that_begins_another_is_cut_out_with_the_rest_of_that);
	tcase_add_loop_test(t, a_secret_at_the_end_of_what_is_shown_is_cut_out_whole, 0, 10);
	tcase_add_test(t, its_words_are_one_line_without_control_characters);
	tcase_add_test(t, it_has_a_session_of_its_own);
	tcase_add_test(t, it_does_not_outlive_a_server_that_is_killed);
	tcase_add_test(t, a_stop_drops_what_waits);
	suite_add_tcase(suite, t);
}
