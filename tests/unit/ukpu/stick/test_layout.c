/* The layouts on a stick, as other programs read them: dosfstools, mtools, sleuthkit, sfdisk. */
#include <check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/log.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"

static struct content content, old_content;

/* Run a shell command; its exit status. What it printed is in the file "out". */
__attribute__((format(printf, 1, 2)))
static int run(const char *format, ...)
{
	char command[1600], all[2000];
	va_list ap;
	int status;

	va_start(ap, format);
	vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	snprintf(all, sizeof(all),
		 "cd %s && PATH=$PATH:/usr/sbin:/sbin && ( %s ) >out 2>err </dev/null",
		 stick_folder(), command);
	status = system(all);
	ck_assert_msg(WIFEXITED(status), "%s", command);
	return WEXITSTATUS(status);
}

static const char *printed(void)
{
	static char text[4000];
	size_t size;
	uint8_t *data = stick_load(stick_path("out"), &size);

	snprintf(text, sizeof(text), "%.*s", (int)size, (const char *)data);
	free(data);
	return text;
}

/* Said once for each program, by the first of a loop of tests. */
static bool installed(const char *program, int i)
{
	if (!run("command -v %s", program))
		return true;
	if (!i)
		printf("skipped: not installed: %s\n", program);
	return false;
}

static void begin(void)
{
	content = stick_content(7, 2, 1);
	old_content = stick_content(4, 1, 2);
}

static void end(void)
{
	content_wipe(&content);
	content_wipe(&old_content);
	stick_clean();
}

static const uint64_t sizes[] = { 17, 35, 64, 256, 2048, 32768 };
#define SIZES	((int)(sizeof(sizes) / sizeof(sizes[0])))

static bool make(int i, struct layout *l)
{
	enum layout_kind kind = (enum layout_kind)(i / SIZES);
	uint64_t bytes = sizes[i % SIZES] * LAYOUT_MIB;

	if (kind == LAYOUT_FAT32 && bytes < LAYOUT_MIN_FAT32)
		return false;
	stick_make(stick_path("s.img"), kind, bytes, &content);
	stick_store(stick_path("wanted"), content.data, content.size);
	ck_assert_int_eq(layout_make(l, kind, bytes, FAT_SECTOR, content.size, NULL), 0);
	return true;
}

START_TEST(dosfstools_find_nothing_to_complain_of)
{
	struct layout l;

	if (!make(_i, &l) || !installed("fsck.fat", _i))
		return;
	ck_assert_int_eq(run("dd if=s.img of=v.img bs=1M skip=%u count=%u conv=sparse",
			     l.start / 2048, (l.g.sectors + 2047) / 2048),
			 0);
	ck_assert_int_eq(truncate(stick_path("v.img"), (off_t)l.g.sectors * FAT_SECTOR), 0);
	ck_assert_msg(run("fsck.fat -n -v v.img") == 0, "%s, %d MiB:\n%s", layout_name(l.kind),
		      (int)sizes[_i % SIZES], printed());
	/* It also says what it took it for. */
	ck_assert_msg(strstr(printed(), "1 files") != NULL, "%s", printed());
	ck_assert_int_eq(run("fsck.fat -n -v v.img | grep -q '%u data clusters\\|%u clusters\\|/%u "
			     "clusters'", l.g.clusters, l.g.clusters, l.g.clusters), 0);
}
END_TEST

START_TEST(mtools_read_the_same_bytes)
{
	struct layout l;

	if (!make(_i, &l) || !installed("mcopy", _i))
		return;
	ck_assert_int_eq(run("mcopy -i s.img@@%llu ::SETUP.BIN copy",
			     (unsigned long long)layout_volume_offset(&l)), 0);
	ck_assert_int_eq(run("cmp copy wanted"), 0);
	/* Nothing else is there: no label, no second entry. */
	ck_assert_int_eq(run("mdir -b -a -i s.img@@%llu ::",
			     (unsigned long long)layout_volume_offset(&l)), 0);
	ck_assert_str_eq(printed(), "::/SETUP.BIN\n");
	ck_assert_int_eq(run("mattrib -i s.img@@%llu ::SETUP.BIN | grep -q '^  A        '",
			     (unsigned long long)layout_volume_offset(&l)), 0);
}
END_TEST

START_TEST(sleuthkit_sees_one_volume_one_file_and_the_same_bytes)
{
	struct layout l;

	if (!make(_i, &l) || !installed("fls", _i))
		return;
	ck_assert_int_eq(run("fsstat -o %u s.img | grep -q 'File System Type: FAT%d'", l.start,
			     l.g.type), 0);
	/* Deleted entries, long names and labels would show here. */
	ck_assert_int_eq(run("fls -o %u s.img | grep -v '\\$\\(MBR\\|FAT1\\|FAT2\\|OrphanFiles\\)'",
			     l.start), 0);
	ck_assert_msg(!strncmp(printed(), "r/r ", 4) && strstr(printed(), ":\tSETUP.BIN\n") &&
		      strchr(printed(), '\n')[1] == '\0', "%s", printed());
	ck_assert_int_eq(run("icat -o %u s.img $(fls -o %u s.img | sed -n 's,^r/r "
			     "\\([0-9]*\\):.*SETUP.*,"
			     "\\1,p') | cmp - wanted",
			     l.start, l.start),
			 0);
	if (l.type) {
		ck_assert_int_eq(run("mmls -t dos s.img | grep -c '^[0-9]*:  [0-9][0-9][0-9]:'"),
				 0);
		ck_assert_str_eq(printed(), "1\n");
		/* Not fooled into another table. */
		ck_assert_int_eq(run("mmls s.img | grep -q 'DOS Partition Table'"), 0);
	}
}
END_TEST

START_TEST(sfdisk_reads_the_table_as_it_was_meant)
{
	struct layout l;

	if (!make(_i, &l) || !installed("sfdisk", _i))
		return;
	if (!l.type) {
		/* A boot sector has 55AA too; there must be no partition in it. */
		run("sfdisk -d s.img | grep -c '^s.img[0-9]'");
		ck_assert_str_eq(printed(), "0\n");
		return;
	}
	ck_assert_int_eq(run("sfdisk -d s.img | grep -q '^s.img1 : start= *%u, size= *%u, "
			     "type=%x$'",
			     l.start, l.g.sectors, l.type),
			 0);
	ck_assert_int_eq(run("sfdisk -d s.img | grep -c '^s.img[0-9]'"), 0);
	ck_assert_str_eq(printed(), "1\n");
	ck_assert_int_eq(run("sfdisk --verify s.img"), 0);
}
END_TEST

START_TEST(seven_zip_and_grub_agree_where_they_are_installed)
{
	struct layout l;

	if (!make(_i, &l))
		return;
	/* Debian's p7zip-full has 7z, its 7zip only 7zz. */
	if (installed("7z || command -v 7zz", _i)) {
		ck_assert_int_eq(run("dd if=s.img of=v.img bs=1M skip=%u count=%u conv=sparse",
				     l.start / 2048, (l.g.sectors + 2047) / 2048),
				 0);
		ck_assert_int_eq(truncate(stick_path("v.img"), (off_t)l.g.sectors * FAT_SECTOR), 0);
		ck_assert_int_eq(run("$(command -v 7z || command -v 7zz) x -tFAT -so v.img "
				     "SETUP.BIN | cmp - wanted"), 0);
	}
	if (installed("grub-fstest", _i))
		ck_assert_int_eq(run("grub-fstest $PWD/s.img cmp '(loop0%s)/SETUP.BIN' $PWD/wanted",
				     l.type ? ",msdos1" : ""), 0);
}
END_TEST

/* What a program got out of the stick: nothing, the old bytes or the new ones; never others. */
static void assert_old_or_new(size_t at, const char *reader)
{
	size_t size;
	uint8_t *data;

	if (access(stick_path("got"), F_OK))
		return;
	data = stick_load(stick_path("got"), &size);
	ck_assert_msg(!size ||
		      (size == content.size && !memcmp(data, content.data, size)) ||
		      (size == old_content.size && !memcmp(data, old_content.data, size)),
		      "%s sees a half-written key after write %zu", reader, at);
	free(data);
}

START_TEST(a_stick_that_is_cut_shows_them_no_half_key)
{
	static const struct { enum layout_kind before, after; } cases[] = {
		{ LAYOUT_FAT16, LAYOUT_FAT16 }, { LAYOUT_FAT32, LAYOUT_FAT16 },
		{ LAYOUT_SUPERFLOPPY, LAYOUT_FAT16 }, { LAYOUT_FAT16, LAYOUT_SUPERFLOPPY },
		{ LAYOUT_FAT32, LAYOUT_FAT32 },
	};
	struct stick_log log = { .fail_at = SIZE_MAX };
	bool mtools = installed("mcopy", _i), kit = installed("fls", _i);
	uint8_t *image;
	size_t size;

	stick_make(stick_path("s.img"), cases[_i].before, 40 * LAYOUT_MIB, &old_content);
	image = stick_load(stick_path("s.img"), &size);
	ck_assert_int_eq(stick_rewrite(stick_path("s.img"), cases[_i].after, &content, &log, NULL),
			 0);
	stick_store(stick_path("c.img"), image, size);
	free(image);
	for (size_t i = 0; i < log.n; i++) {
		if (!log.event[i].data)
			continue;
		stick_put(stick_path("c.img"), log.event[i].offset, log.event[i].data,
			  log.event[i].size);
		/* After every single sector, and where a longer row of writes ends. */
		if (log.event[i].size > FAT_SECTOR && log.event[i + 1].data)
			continue;
		for (unsigned start = 0; start <= 2048 && mtools; start += 2048) {
			run("rm -f got; mcopy -i c.img@@%u ::SETUP.BIN got", start * FAT_SECTOR);
			assert_old_or_new(i, "mtools");
		}
		/* By the table: what the kit's tools find on their own. */
		if (kit) {
			run("rm -f got; o=$(mmls -t dos c.img | sed -n 's/^[0-9]*:  [0-9]*:[0-9]* "
			    "*0*\\([1-9][0-9]*\\) "
			    ".*/\\1/p' | head -1); "
			    "n=$(fls -o ${o:-0} c.img | sed -n 's,^r/r "
			    "\\([0-9]*\\):.*SETUP.BIN,\\1,p'); "
			    "[ -z \"$n\" ] || icat -o ${o:-0} c.img $n >got");
			assert_old_or_new(i, "sleuthkit");
		}
	}
	/* In the end all of them see the new one. */
	if (mtools) {
		run("rm -f got; mcopy -i c.img@@%u ::SETUP.BIN got",
		    cases[_i].after == LAYOUT_SUPERFLOPPY ? 0 : 2048 * FAT_SECTOR);
		image = stick_load(stick_path("got"), &size);
		ck_assert_uint_eq(size, content.size);
		free(image);
	}
	stick_log_free(&log);
}
END_TEST

TEST_SUITE("layout")
{
	TCase *t = tcase_create("other readers");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, dosfstools_find_nothing_to_complain_of, 0, 3 * SIZES);
	tcase_add_loop_test(t, mtools_read_the_same_bytes, 0, 3 * SIZES);
	tcase_add_loop_test(t, sleuthkit_sees_one_volume_one_file_and_the_same_bytes, 0, 3 * SIZES);
	tcase_add_loop_test(t, sfdisk_reads_the_table_as_it_was_meant, 0, 3 * SIZES);
	tcase_add_loop_test(t, seven_zip_and_grub_agree_where_they_are_installed, 0, 3 * SIZES);
	tcase_add_loop_test(t, a_stick_that_is_cut_shows_them_no_half_key, 0, 5);
	suite_add_tcase(suite, t);
}
