/* Runs the suite of the test file that it is linked with. */
#include <stdlib.h>

#include "tests/support/suite.h"

/*
 * The environment variables of Check (CK_FORK, CK_RUN_CASE, CK_VERBOSITY...) count as usual. A test
 * that hangs is ended after a minute: Check's own 4 seconds are too few on a busy machine.
 */
int main(void)
{
	Suite *suite = suite_create(test_suite_name);
	SRunner *runner;
	int failed;

	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	test_suite_fill(suite);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
