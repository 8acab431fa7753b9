/* The state folder, and the copies of setup.bin that are kept there. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/stick/state.h"

static struct content content;
static struct fault fault;

static void begin(void)
{
	content = stick_content(10, 3, 1);
	fault_clear(&fault);
}

static void end(void)
{
	content_wipe(&content);
	stick_clean();
}

START_TEST(the_state_folder_follows_the_environment)
{
	char path[300], want[300];
	struct stat st;

	setenv("XDG_STATE_HOME", stick_path("xdg/deep"), 1);
	ck_assert_int_eq(state_path("journal", path, sizeof(path), &fault), 0);
	snprintf(want, sizeof(want), "%s/ukpu/journal", stick_path("xdg/deep"));
	ck_assert_str_eq(path, want);
	*strrchr(path, '/') = '\0';
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	/* A relative path in it is none. */
	setenv("XDG_STATE_HOME", "relative", 1);
	setenv("HOME", stick_path("home"), 1);
	ck_assert_int_eq(state_path("journal", path, sizeof(path), &fault), 0);
	snprintf(want, sizeof(want), "%s/.local/state/ukpu/journal", stick_path("home"));
	ck_assert_str_eq(path, want);
	setenv("XDG_STATE_HOME", "/proc/nonexistent", 1);
	ck_assert_int_lt(state_path("journal", path, sizeof(path), &fault), 0);
	ck_assert_ptr_nonnull(strstr(fault.hint, "XDG_STATE_HOME"));
}
END_TEST

START_TEST(backups_are_private_whole_and_never_overwrite)
{
	char first[300], second[300];
	struct stat st;
	uint8_t *copy;
	size_t size;

	setenv("XDG_STATE_HOME", stick_folder(), 1);
	ck_assert_int_eq(
		state_backup(&content, NULL, "../../SERIAL 1", 0, first, sizeof(first), &fault), 0);
	ck_assert_int_eq(state_backup(&content, NULL, "../../SERIAL 1", 0, second, sizeof(second),
				      &fault), 0);
	ck_assert_str_ne(first, second);
	ck_assert_ptr_nonnull(strstr(first, "/ukpu/backup--.-..-SERIAL-1-"));
	ck_assert_int_eq(stat(first, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	copy = stick_load(second, &size);
	ck_assert_uint_eq(size, content.size);
	ck_assert_mem_eq(copy, content.data, size);
	free(copy);
	ck_assert_int_eq(state_backup(&content, first, "x", 0, second, sizeof(second), &fault),
			 KIT_ERR_EXISTS);
	fault_clear(&fault);
	ck_assert_int_eq(state_backup(&content, first, "x", 1, second, sizeof(second), &fault), 0);
}
END_TEST

TEST_SUITE("state")
{
	TCase *t = tcase_create("folder and backups");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, the_state_folder_follows_the_environment);
	tcase_add_test(t, backups_are_private_whole_and_never_overwrite);
	suite_add_tcase(suite, t);
}
