/*
 * Runs every script of tests/cli/ as a test of its own, in a temporary folder of its own. Most of
 * the time they wait, so that several lanes of them run side by side: lane "1/3" (from 0) takes
 * every third one.
 */
#include <check.h>
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED	77

static glob_t scripts;
static char top[PATH_MAX], bin[PATH_MAX];

static void remove_folder(const char *folder)
{
	char command[PATH_MAX + 16];

	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "cannot remove %s\n", folder);
}

START_TEST(a_script_of_the_command_line_passes)
{
	char folder[] = "/tmp/kit-test-XXXXXX", journal[64], script[2 * PATH_MAX];
	int status;
	pid_t child;

	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(script, sizeof(script), "%s/%s", top, scripts.gl_pathv[_i]);
	snprintf(journal, sizeof(journal), "%s/sticks.db", folder);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (chdir(folder) || setenv("BIN", bin, 1) || setenv("TOP", top, 1) ||
		    setenv("HOME", folder, 1) || setenv("XDG_STATE_HOME", folder, 1) ||
		    setenv("UKPU_JOURNAL", journal, 1) ||
		    !freopen("/dev/null", "r", stdin) || !freopen("log", "w", stdout) ||
		    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(2);
		execlp("bash", "bash", "-eu", script, NULL);
		_exit(2);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		printf("skipped: %s\n", scripts.gl_pathv[_i]);
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		printf("---- %s failed; its last lines:\n", scripts.gl_pathv[_i]);
	fflush(stdout);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		snprintf(script, sizeof(script), "tail -n 30 '%s/log'", folder);
		if (system(script) != 0)
			printf("(it left no log)\n");
	}
	remove_folder(folder);
	ck_assert_msg(WIFEXITED(status) &&
		      (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == SKIPPED),
		      "%s failed", scripts.gl_pathv[_i]);
}
END_TEST

int main(int argc, char **argv)
{
	const char *pattern = argc > 2 ? argv[2] : "tests/cli/*/*.sh";
	unsigned lane = 0, lanes = 1;
	Suite *suite = suite_create("command lines");
	TCase *tcase = tcase_create("scripts");
	SRunner *runner;
	int failed;

	if (argc > 3 && (sscanf(argv[3], "%u/%u", &lane, &lanes) != 2 || lane >= lanes))
		argc = 0;
	if (argc < 2 || !realpath(argv[1], bin) || !getcwd(top, sizeof(top)) ||
	    glob(pattern, 0, NULL, &scripts)) {
		fprintf(stderr, "usage: test_commands FOLDER-OF-PROGRAMS [PATTERN [LANE/LANES]], "
				"from the top\n");
		return 2;
	}
	tcase_set_timeout(tcase, 300);
	for (unsigned i = lane; i < scripts.gl_pathc; i += lanes)
		tcase_add_loop_test(tcase, a_script_of_the_command_line_passes, (int)i, (int)i + 1);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	globfree(&scripts);
	return failed ? 1 : 0;
}
