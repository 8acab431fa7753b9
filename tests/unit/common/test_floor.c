/* Tests of the floor: faults, bounded bytes, secrets from files, output files, tables. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/cli.h"
#include "common/error.h"
#include "common/outfile.h"
#include "common/secret.h"
#include "common/table.h"
#include "tests/support/suite.h"

static char folder[64], path[128];

static void setup(void)
{
	strcpy(folder, "/tmp/kit-floor-XXXXXX");
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

START_TEST(the_first_fault_is_kept)
{
	struct fault f = { 0 };

	ck_assert_int_eq(fault_sys(&f, EROFS, "cannot write %s", "x"), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(fault_set(&f, KIT_ERR_FORMAT, "later"), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(f.sys, EROFS);
	ck_assert_str_eq(f.what, "cannot write x: Read-only file system");
	fault_hint(&f, "move the switch");
	fault_hint(&f, "something else");
	ck_assert_str_eq(f.hint, "move the switch");
	fault_context(&f, "stick");
	ck_assert_str_eq(f.what, "stick: cannot write x: Read-only file system");
	ck_assert_int_eq(fault_set(NULL, KIT_ERR_RANGE, "nobody listens"), KIT_ERR_RANGE);
	ck_assert_int_lt(fault_hint(NULL, "nobody listens"), 0);
	ck_assert_int_lt(fault_context(NULL, "nobody listens"), 0);
}
END_TEST

START_TEST(a_fault_that_was_kept_aside_gives_way_to_an_earlier_one)
{
	struct fault aside = { 0 }, f = { 0 };

	fault_sys(&aside, EROFS, "cannot write x\n"
		  "move the switch");
	ck_assert_int_eq(fault_pass(NULL, &aside), KIT_ERR_READ_ONLY);
	ck_assert_int_eq(fault_pass(&f, &aside), KIT_ERR_READ_ONLY);
	ck_assert_mem_eq(&f, &aside, sizeof(f));
	fault_clear(&f);
	fault_set(&f, KIT_ERR_FORMAT, "earlier");
	ck_assert_int_eq(fault_pass(&f, &aside), KIT_ERR_READ_ONLY);
	ck_assert_str_eq(f.what, "earlier");
	ck_assert_str_eq(f.hint, "");
}
END_TEST

START_TEST(every_error_has_words_of_its_own)
{
	for (int a = 0; a >= KIT_ERR_VERIFY; a--)
		for (int b = a - 1; b >= KIT_ERR_VERIFY - 1; b--)
			ck_assert_str_ne(error_text(a), error_text(b));
}
END_TEST

START_TEST(a_reader_stops_at_the_end_and_stays_stopped)
{
	static const uint8_t data[7] = { 1, 2, 3, 4, 5, 6, 7 };
	struct reader r;

	reader_init(&r, data, sizeof(data));
	ck_assert_uint_eq(read_le32(&r), 0x04030201);
	ck_assert_uint_eq(read_le32(&r), 0);
	ck_assert_int_eq(r.error, KIT_ERR_TRUNCATED);
	ck_assert_uint_eq(r.error_at, 4);
	ck_assert_uint_eq(read_u8(&r), 0);
	ck_assert_uint_eq(read_left(&r), 0);
	reader_init(&r, data, sizeof(data));
	ck_assert_ptr_null(read_bytes(&r, SIZE_MAX));
}
END_TEST

START_TEST(a_writer_counts_what_it_would_have_needed)
{
	uint8_t data[6];
	struct writer w;

	writer_init(&w, data, sizeof(data));
	write_le16(&w, 0x0201);
	write_le32(&w, 0x06050403);
	ck_assert_int_eq(w.error, 0);
	ck_assert_mem_eq(data, "\1\2\3\4\5\6", 6);
	write_u8(&w, 9);
	write_zeros(&w, 10);
	ck_assert_int_eq(w.error, KIT_ERR_RANGE);
	ck_assert_uint_eq(w.at, 17);
}
END_TEST

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
		ck_assert_int_eq(secret_read(path, "password", secret, sizeof(secret), &f),
				 cases[i].rc);
		ck_assert_str_eq(secret, cases[i].rc ? "" : "P@ssw0rd");
		ck_assert_ptr_null(strstr(f.what, "P@"));
		unlink(path);
	}
}
END_TEST

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

START_TEST(sizes_are_powers_of_1024)
{
	uint64_t n = 0;

	ck_assert_int_eq(cli_parse_size("256M", &n), 0);
	ck_assert_uint_eq(n, UINT64_C(256) << 20);
	ck_assert_int_eq(cli_parse_size("17", &n), 0);
	ck_assert_uint_eq(n, 17);
	for (const char *const *p = (const char *const[]){ "", "M", "-1", "1MB", "99999999999G",
							   " 1", "18446744073709551616", NULL };
	     *p; p++)
		ck_assert_msg(cli_parse_size(*p, &n) < 0, "taken: \"%s\"", *p);
}
END_TEST

START_TEST(tables_line_up_and_do_not_write_to_the_terminal)
{
	char text[256] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	struct table *t = table_new(out, "NAME|>N|STATE");

	table_cell(t, "a\033[2J");
	table_cell(t, "%d", 17);
	table_cell(t, "well");
	table_cell(t, "b\xc3\xa4");
	table_cell(t, "%d", 5);
	table_cell(t, "%s", "");
	ck_assert_uint_eq(table_end(t), 2);
	fclose(out);
	ck_assert_str_eq(text, "NAME    N  STATE\na?[2J  17  well\nb\xc3\xa4      5  \n");
}
END_TEST

START_TEST(a_long_table_is_printed_as_it_comes)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	struct table *t = table_new(out, "A|B");

	for (int i = 0; i < 5000; i++)
		table_cell(t, "%d", i);
	ck_assert_uint_eq(table_end(t), 2500);
	fclose(out);
	ck_assert_ptr_nonnull(strstr(text, "\n4998  4999\n"));
	free(text);
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

TEST_SUITE("floor")
{
	TCase *tcase = tcase_create("floor");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, the_first_fault_is_kept);
	tcase_add_test(tcase, a_fault_that_was_kept_aside_gives_way_to_an_earlier_one);
	tcase_add_test(tcase, every_error_has_words_of_its_own);
	tcase_add_test(tcase, a_reader_stops_at_the_end_and_stays_stopped);
	tcase_add_test(tcase, a_writer_counts_what_it_would_have_needed);
	tcase_add_test(tcase, a_secret_is_one_private_line);
	tcase_add_test(tcase, an_output_file_appears_whole_or_not_at_all);
	tcase_add_test(tcase, an_existing_file_is_replaced_only_by_force_and_a_link_never_followed);
	tcase_add_test(tcase, folders_on_the_way_to_a_file_are_made);
	tcase_add_test(tcase, sizes_are_powers_of_1024);
	tcase_add_test(tcase, tables_line_up_and_do_not_write_to_the_terminal);
	tcase_add_test(tcase, a_long_table_is_printed_as_it_comes);
	tcase_add_test(tcase, a_protected_process_dumps_no_core_and_is_not_traced_by_its_own_user);
	suite_add_tcase(suite, tcase);
}
