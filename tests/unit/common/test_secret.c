/* Tests of secrets from files, and of a process that protects its own. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/secret.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static void put_file(const char *bytes, size_t n, mode_t mode)
{
	int fd = open("secret", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(a_secret_is_one_private_line)
{
	static const struct {
		const char *bytes;
		size_t n;
		mode_t mode;
		int rc;
	} cases[] = {
		{ "P@ssw0rd", 8, 0600, 0 }, { "P@ssw0rd\n", 9, 0400, 0 },
		{ "P@ssw0rd\r\n", 10, 0600, 0 }, { "P@ssw0rd", 8, 0640, KIT_ERR_PERMISSION },
		{ "", 0, 0600, KIT_ERR_FORMAT }, { "\n", 1, 0600, KIT_ERR_FORMAT },
		{ "P@ss\nw0rd\n", 10, 0600, KIT_ERR_FORMAT }, { "P@\0s", 4, 0600, KIT_ERR_FORMAT },
		{ "P@ssw0rd!", 9, 0600, KIT_ERR_RANGE },
	};
	char secret[9];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault f = { 0 };

		put_file(cases[i].bytes, cases[i].n, cases[i].mode);
		ck_assert_int_eq(secret_read("secret", "password", secret, sizeof(secret), &f),
				 cases[i].rc);
		ck_assert_str_eq(secret, cases[i].rc ? "" : "P@ssw0rd");
		ck_assert_ptr_null(strstr(f.what, "P@"));
		unlink("secret");
	}
}
END_TEST

/* Another process of the same user tries to trace one that is protected or not: 0 or errno. */
static int traced(bool protect)
{
	int ready[2], status;
	pid_t child, tracer;
	char byte;

	ck_assert_int_eq(pipe(ready), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		/* Root may trace everything. */
		if (geteuid() == 0 && setuid(65534))
			_exit(1);
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
		if (protect)
			secret_protect_process();
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	tracer = fork();
	ck_assert_int_ge(tracer, 0);
	if (tracer == 0) {
		if (geteuid() == 0 && setuid(65534))
			_exit(255);
		if (ptrace(PTRACE_ATTACH, child, NULL, NULL))
			_exit(errno);
		waitpid(child, NULL, __WALL);
		ptrace(PTRACE_DETACH, child, NULL, NULL);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(tracer, &status, 0), tracer);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(a_protected_process_dumps_no_core_and_is_not_traced_by_its_own_user)
{
	int status = traced(false);
	pid_t child;

	ck_assert_int_eq(traced(true), EPERM);
	/* Where nobody may trace anything, the line above shows nothing. */
	if (status)
		fprintf(stderr, "tracing is forbidden here: %s\n", strerror(status));
	/* A child, as what looks for leaks at the end of a test traces it. */
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct rlimit core;

		secret_protect_process();
		_exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || getrlimit(RLIMIT_CORE, &core) ||
		      core.rlim_cur || core.rlim_max);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

TEST_SUITE("secret")
{
	TCase *t = tcase_create("secret");

	tcase_add_checked_fixture(t, scratch_enter, scratch_leave);
	tcase_add_test(t, a_secret_is_one_private_line);
	tcase_add_test(t, a_protected_process_dumps_no_core_and_is_not_traced_by_its_own_user);
	suite_add_tcase(suite, t);
}
