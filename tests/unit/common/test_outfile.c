/* Tests of output files. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/outfile.h"
#include "tests/support/suite.h"

static char folder[64], path[128];

static void setup(void)
{
	strcpy(folder, "/tmp/kit-outfile-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/file", folder);
}

static void teardown(void)
{
	unlink(path);
	ck_assert_int_eq(rmdir(folder), 0);	/* nothing but the file may have been left */
}

static void put_file(const char *bytes, size_t n, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, bytes, n), (ssize_t)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(an_output_file_appears_whole_or_not_at_all)
{
	struct outfile *o = NULL;
	struct fault f = { 0 };
	struct stat st;
	char buffer[16] = "";
	int fd;

	ck_assert_int_eq(outfile_open(&o, path, 0, &f), 0);
	ck_assert_int_eq(outfile_write(o, "????, world", 11, &f), 0);
	ck_assert_int_eq(outfile_patch(o, 0, "all ", 4, &f), 0);
	ck_assert_int_ne(access(path, F_OK), 0);
	outfile_discard(&o);
	ck_assert_int_ne(access(path, F_OK), 0);

	ck_assert_int_eq(outfile_open(&o, path, 0, &f), 0);
	ck_assert_int_eq(outfile_write(o, "????, world", 11, &f), 0);
	ck_assert_int_eq(outfile_patch(o, 0, "gone", 4, &f), 0);
	ck_assert_int_eq(outfile_commit(&o, &f), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(read(fd, buffer, sizeof(buffer)), 11);
	close(fd);
	ck_assert_str_eq(buffer, "gone, world");
}
END_TEST

START_TEST(an_existing_file_is_replaced_only_by_force_and_a_link_never_followed)
{
	struct outfile *o = NULL;
	struct fault f = { 0 };
	struct stat st;

	ck_assert_int_eq(outfile_open(&o, path, 0, &f), 0);
	put_file("late", 4, 0644);
	ck_assert_int_eq(outfile_commit(&o, &f), KIT_ERR_EXISTS);
	fault_clear(&f);
	ck_assert_int_eq(outfile_open(&o, path, 0, &f), KIT_ERR_EXISTS);
	fault_clear(&f);
	ck_assert_int_eq(outfile_open(&o, path, OUTFILE_FORCE, &f), 0);
	ck_assert_int_eq(outfile_write(o, "secret", 6, &f), 0);
	ck_assert_int_eq(outfile_commit(&o, &f), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 6);
	unlink(path);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(outfile_open(&o, path, OUTFILE_FORCE, &f), KIT_ERR_EXISTS);
}
END_TEST

START_TEST(folders_on_the_way_to_a_file_are_made)
{
	char top[200], deep[300], before[300];
	struct fault f = { 0 };
	struct stat st;

	snprintf(top, sizeof(top), "%s.d", path);
	snprintf(deep, sizeof(deep), "%s/a/b/file", top);
	strcpy(before, deep);
	/* The second time all are there. */
	for (int i = 0; i < 2; i++) {
		ck_assert_msg(!outfile_make_folders(deep, 1, 0700, &f), "%s", f.what);
		ck_assert_str_eq(deep, before);
	}
	*strrchr(deep, '/') = '\0';
	ck_assert(!stat(deep, &st) && S_ISDIR(st.st_mode));
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	/* Where a file is in the way. */
	ck_assert_int_eq(rmdir(deep), 0);
	close(open(deep, O_WRONLY | O_CREAT, 0600));
	snprintf(deep, sizeof(deep), "%s/a/b/c/file", top);
	ck_assert_int_lt(outfile_make_folders(deep, strlen(top), 0700, &f), 0);
	ck_assert_msg(strstr(f.what, "/a/b/c") != NULL, "%s", f.what);
	snprintf(deep, sizeof(deep), "%s/a/b", top);
	ck_assert_int_eq(unlink(deep), 0);
	*strrchr(deep, '/') = '\0';
	ck_assert(!rmdir(deep) && !rmdir(top));
}
END_TEST

START_TEST(a_group_may_read_what_it_is_given)
{
	struct outfile *o = NULL;
	struct fault f = { 0 };
	struct stat st;

	umask(077);
	ck_assert_int_eq(outfile_open(&o, path, 0, &f), 0);
	ck_assert_int_eq(outfile_group(o, getegid(), &f), 0);
	ck_assert_int_eq(outfile_commit(&o, &f), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_gid, getegid());
	ck_assert_int_eq(outfile_open(&o, "-", 0, &f), 0);
	ck_assert_int_eq(outfile_group(o, getegid(), &f), 0);
	outfile_discard(&o);
}
END_TEST

START_TEST(a_descriptor_knows_whether_its_file_still_has_the_name)
{
	char other[140];
	int fd;

	snprintf(other, sizeof(other), "%s-2", path);
	put_file("x", 1, 0600);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert(outfile_is_at(fd, path));
	ck_assert(!outfile_is_at(fd, other));
	ck_assert_int_eq(symlink(path, other), 0);
	ck_assert(!outfile_is_at(fd, other));
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert(!outfile_is_at(fd, path));
	ck_assert(outfile_is_at(fd, other));
	put_file("x", 1, 0600);
	ck_assert(!outfile_is_at(fd, path));
	close(fd);
	unlink(other);
}
END_TEST

TEST_SUITE("outfile")
{
	TCase *t = tcase_create("outfile");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_output_file_appears_whole_or_not_at_all);
	tcase_add_test(t, an_existing_file_is_replaced_only_by_force_and_a_link_never_followed);
	tcase_add_test(t, folders_on_the_way_to_a_file_are_made);
	tcase_add_test(t, a_group_may_read_what_it_is_given);
	tcase_add_test(t, a_descriptor_knows_whether_its_file_still_has_the_name);
	suite_add_tcase(suite, t);
}
