/* The state folder, and the copies of setup.bin that are kept there. */
#include <check.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	/* A relative path in it does not count. */
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

START_TEST(the_journal_is_the_machines)
{
	const char *folder = stick_path("machine");
	char path[300], want[300];
	struct stat st;

	unsetenv("UKPU_JOURNAL");
	setenv("XDG_STATE_HOME", stick_folder(), 1);
	/* A person's own, or another file. */
	ck_assert_int_eq(state_journal(folder, true, path, sizeof(path), &fault), 0);
	snprintf(want, sizeof(want), "%s/ukpu/sticks.db", stick_folder());
	ck_assert_str_eq(path, want);
	setenv("UKPU_JOURNAL", "/else/where.db", 1);
	ck_assert_int_eq(state_journal(folder, false, path, sizeof(path), &fault), 0);
	ck_assert_str_eq(path, "/else/where.db");
	unsetenv("UKPU_JOURNAL");
	/* Root makes the folder; nobody else does. */
	snprintf(want, sizeof(want), "%s/sticks.db", folder);
	umask(077);
	if (!geteuid()) {
		ck_assert_msg(!state_journal(folder, false, path, sizeof(path), &fault), "%s",
			      fault.what);
		ck_assert_int_eq(stat(folder, &st), 0);
		ck_assert_int_eq(st.st_mode & 07777, 02770);
		ck_assert_uint_eq(st.st_uid, 0);
	} else {
		ck_assert_int_eq(mkdir(folder, 0770), 0);
		ck_assert_int_eq(state_journal(folder, false, path, sizeof(path), &fault), 0);
	}
	ck_assert_str_eq(path, want);
}
END_TEST

/* As a user of this machine who may do nothing here. */
static void become_nobody(void)
{
	if (!geteuid()) {
		ck_assert_int_eq(chmod(stick_folder(), 0755), 0);
		ck_assert_int_eq(setgroups(0, NULL), 0);
		ck_assert_int_eq(setresgid(65534, 65534, 65534), 0);
		ck_assert_int_eq(setresuid(65534, 65534, 65534), 0);
	}
}

START_TEST(whoever_may_not_write_the_journal_gets_the_command)
{
	char path[300], folder[300], file[320];
	FILE *f;

	unsetenv("UKPU_JOURNAL");
	if (!geteuid()) {
		/* There, but for others. */
		snprintf(folder, sizeof(folder), "%s", stick_path("closed"));
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		snprintf(file, sizeof(file), "%s/sticks.db", stick_path("open"));
		ck_assert_int_eq(mkdir(stick_path("open"), 0777), 0);
		ck_assert_int_eq(chmod(stick_path("open"), 0777), 0);
		f = fopen(file, "w");
		ck_assert_ptr_nonnull(f);
		fclose(f);
		chmod(file, 0640);
		become_nobody();
		ck_assert_int_eq(state_journal(folder, false, path, sizeof(path), &fault),
				 KIT_ERR_PERMISSION);
		ck_assert_ptr_nonnull(strstr(fault.hint, "sudo usermod -aG amt-bench nobody"));
		fault_clear(&fault);
		ck_assert_int_eq(state_journal(stick_path("open"), false, path, sizeof(path),
					       &fault), KIT_ERR_PERMISSION);
		fault_clear(&fault);
	}
	/* Not there at all. */
	ck_assert_int_eq(state_journal(stick_path("missing"), false, path, sizeof(path), &fault),
			 KIT_ERR_PERMISSION);
	ck_assert_ptr_nonnull(strstr(fault.what, "/missing: No such file or directory"));
	ck_assert_msg(strstr(fault.hint, "type once: sudo groupadd -rf amt-bench && sudo install "
			     "-d -m 2770 /var/lib/ukpu && sudo chgrp -R amt-bench /var/lib/ukpu && "
			     "sudo usermod -aG amt-bench ")
		      != NULL, "%s", fault.hint);
	ck_assert_ptr_nonnull(strstr(fault.hint, "--own-journal"));
	ck_assert_int_ne(access(stick_path("missing"), F_OK), 0);
}
END_TEST

static int note_path(void *context, const char *path, struct fault *f)
{
	char *all = context;

	snprintf(all + strlen(all), 4000 - strlen(all), "%s\n", path);
	return strstr(path, "stop") ? KIT_ERR_CANCELLED : 0;
}

START_TEST(earlier_journals_are_looked_for_in_the_home_folders)
{
	static char all[4000];
	char want[300];

	setenv("XDG_STATE_HOME", stick_folder(), 1);
	snprintf(want, sizeof(want), "%s/ukpu/journal\n%s/ukpu/sticks.db\n", stick_folder(),
		 stick_folder());
	ck_assert_int_eq(state_earlier(false, note_path, all, &fault), 0);
	ck_assert_str_eq(all, want);
	/* Looking makes nothing. */
	ck_assert_int_ne(access(stick_path("ukpu"), F_OK), 0);
	ck_assert_int_eq(state_earlier(true, note_path, all, &fault), 0);
	ck_assert_ptr_nonnull(strstr(all, "/root/.local/state/ukpu/journal\n"));
	setenv("XDG_STATE_HOME", "/stop", 1);
	ck_assert_int_eq(state_earlier(true, note_path, all, &fault), KIT_ERR_CANCELLED);
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
	tcase_add_test(t, the_journal_is_the_machines);
	tcase_add_test(t, whoever_may_not_write_the_journal_gets_the_command);
	tcase_add_test(t, earlier_journals_are_looked_for_in_the_home_folders);
	tcase_add_test(t, backups_are_private_whole_and_never_overwrite);
	suite_add_tcase(suite, t);
}
