/* Tests of the verify rules: sound sticks pass them all, each trap fails the right one. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/format/fatread.h"
#include "ukpu/stick/verify-private.h"

static struct content content;

static void begin(void)
{
	content = stick_content(4, 1, 1);
}

static void end(void)
{
	content_wipe(&content);
	stick_clean();
}

/* The verdict on one rule among all. */
struct sought {
	const char *rule;
	struct verify_result result;
	bool found;
	char bad[2000];		/* all that did not pass */
};

static void look(void *context, const struct verify_result *r)
{
	struct sought *s = context;

	if (s->rule && !strcmp(r->rule, s->rule)) {
		s->result = *r;
		s->found = true;
	}
	if (r->verdict == VERIFY_WARN || r->verdict == VERIFY_FAIL) {
		size_t n = strlen(s->bad);

		snprintf(s->bad + n, sizeof(s->bad) - n, "\n  %s: %s", r->rule, r->text);
		/* Whatever is wrong, it says what to do about it. */
		ck_assert_msg(r->fix[0], "%s: no advice", r->rule);
	}
}

static struct sought verify(const char *path, const char *rule, struct verify_summary *summary,
			    struct verify_input *in)
{
	struct verify_input plain = { .target = "--image stick.img", .image = true };
	struct sought s = { .rule = rule };
	struct fault fault = { 0 };
	struct disk_fd state;
	struct disk disk;
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(disk_open_fd(&disk, &state, fd, "stick", &fault), 0);
	in = in ? in : &plain;
	in->disk = &disk;
	ck_assert_msg(!verify_run(in, look, &s, summary, &fault), "%s", fault.what);
	close(fd);
	return s;
}

START_TEST(a_sound_stick_of_every_layout_and_size_passes_every_rule)
{
	static const uint64_t mib[] = { 17, 18, 35, 64, 66, 256, 600 };
	const char *path = stick_path("sound.img");
	struct verify_summary summary;

	for (int kind = LAYOUT_FAT16; kind <= LAYOUT_SUPERFLOPPY; kind++) {
		for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
			struct sought s;

			if (kind == LAYOUT_FAT32 && mib[i] < 35)
				continue;
			stick_make(path, (enum layout_kind)kind, mib[i] * LAYOUT_MIB, &content);
			s = verify(path, NULL, &summary, NULL);
			ck_assert_msg(!summary.failed && !summary.warned && !summary.skipped,
				      "%s, %d MiB:%s", layout_name((enum layout_kind)kind),
				      (int)mib[i], s.bad);
			ck_assert_uint_ge(summary.passed, 47);
			ck_assert(summary.has_file && summary.layout_known);
			ck_assert_int_eq(summary.layout, kind);
			ck_assert_uint_eq(summary.contents.valid, 3);
			ck_assert_uint_eq(summary.contents.next, 2);
			ck_assert_uint_eq(summary.file_bytes, content.size);
		}
	}
}
END_TEST

START_TEST(a_spoiled_stick_fails_the_rule_that_names_its_trap)
{
	const struct stick_spoil *spoil = &stick_spoils[_i];
	const char *path = stick_path("spoiled.img");
	struct verify_summary summary;
	struct sought s;

	stick_spoiled(path, spoil, &content);
	s = verify(path, spoil->rule, &summary, NULL);
	ck_assert_msg(s.found && s.result.verdict == spoil->verdict,
		      "%s: %s is %s (%s); bad are:%s", spoil->name, spoil->rule,
		      verify_verdict_name(s.result.verdict), s.result.text, s.bad);
	/* A trap that only warns fails nothing else either. */
	if (spoil->verdict == VERIFY_WARN)
		ck_assert_msg(!summary.failed, "%s:%s", spoil->name, s.bad);
	else
		ck_assert_uint_gt(summary.failed, 0);
}
END_TEST

/* What repair fixes is tried: a new rule comes with the image that breaks it. */
START_TEST(each_rule_that_repair_fixes_has_a_stick_that_fails_it)
{
	const struct verify_rule *const tables[] = { verify_stick_rules, verify_volume_rules };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct verify_rule *rule = tables[i]; rule->name; rule++) {
			const struct stick_spoil *spoil = stick_spoils;

			while (spoil->name && strcmp(spoil->rule, rule->name))
				spoil++;
			ck_assert_msg(rule->fix || spoil->name,
				      "%s: nothing in stick_spoils[] breaks it", rule->name);
		}
	}
}
END_TEST

START_TEST(firmware_finds_setup_bin_unless_the_trap_hides_it)
{
	const struct stick_spoil *spoil = &stick_spoils[_i];
	const char *path = stick_path("spoiled.img");
	struct fatread_file file;
	struct disk_fd state;
	struct disk disk;
	int fd, rc;

	stick_spoiled(path, spoil, &content);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(disk_open_fd(&disk, &state, fd, "stick", NULL), 0);
	rc = fatread_find(&file, &disk, SBIN_NAME, NULL);
	close(fd);
	if (spoil->unseen)
		ck_assert_msg(rc == KIT_ERR_NOT_FOUND, "%s: %d", spoil->name, rc);
	else if (!strcmp(spoil->rule, "file-chain"))
		ck_assert_int_eq(rc, KIT_ERR_FORMAT);
	else
		ck_assert_msg(!rc, "%s: %d", spoil->name, rc);
	fatread_file_close(&file);
}
END_TEST

START_TEST(what_is_known_of_the_device_is_judged)
{
	const char *path = stick_path("device.img");
	struct verify_input in = { .target = "/dev/sdx", .usb = true };
	struct probe_signatures signatures = { .n = 1, .s[0] = { 65600, 8, "btrfs" } };
	struct verify_summary summary;
	struct sought s;

	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "device-usb", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_PASS);
	in.usb = false;
	s = verify(path, "device-usb", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	in.usb = true;
	in.mounted = "/media/x";
	s = verify(path, "device-mounted", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_WARN);
	ck_assert_ptr_nonnull(strstr(s.result.text, "/media/x"));
	in.mounted = NULL;
	in.read_only = true;
	s = verify(path, "device-writable", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	s = verify(path, "contents-consume", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	/* "Do not consume" bears a lock switch. */
	content.data[26] = SBIN_DO_NOT_CONSUME;
	put_le32(content.data + 32, 0);
	put_le32(content.data + SBIN_CHUNK + 4, SBIN_VALID);
	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "device-writable", &summary, &in);
	ck_assert_msg(s.result.verdict == VERIFY_PASS, "%s", s.bad);
	in.read_only = false;
	in.signatures = &signatures;
	s = verify(path, "table-remains", &summary, &in);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	ck_assert_ptr_nonnull(strstr(s.result.text, "btrfs"));
}
END_TEST

START_TEST(a_stick_of_other_sectors_or_a_wrong_size_is_said_so)
{
	const char *path = stick_path("device.img");
	struct verify_input in = { .target = "/dev/sdx", .usb = true };
	struct sought s = { .rule = "device-sectors" };
	struct verify_summary summary;
	struct disk_memory state;
	struct disk disk;
	uint8_t *data;
	size_t size;

	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	data = stick_load(path, &size);
	disk_open_memory(&disk, &state, data, size, "stick");
	disk.sector_bytes = 4096;
	in.disk = &disk;
	ck_assert_int_eq(verify_run(&in, look, &s, &summary, NULL), 0);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	disk.sector_bytes = DISK_SECTOR;
	disk.size = 16 * LAYOUT_MIB;
	s.rule = "device-size";
	ck_assert_int_eq(verify_run(&in, look, &s, &summary, NULL), 0);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	free(data);
	/* 2 GiB are known to work, more are not. */
	stick_make(path, LAYOUT_FAT16, 2048 * LAYOUT_MIB, &content);
	s = verify(path, "device-size", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_PASS);
	stick_make(path, LAYOUT_FAT16, 2049 * LAYOUT_MIB, &content);
	s = verify(path, "device-size", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_WARN);
	ck_assert_uint_eq(summary.failed, 0);
}
END_TEST

/* A record that no machine takes away may be read-only. */
START_TEST(a_read_only_file_is_borne_when_nothing_is_consumed)
{
	const char *path = stick_path("kept.img");
	struct verify_summary summary;
	struct layout l;
	struct sought s;

	content.data[26] = SBIN_DO_NOT_CONSUME;
	put_le32(content.data + 32, 0);
	put_le32(content.data + SBIN_CHUNK + 4, SBIN_VALID);
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, STICK_BYTES, FAT_SECTOR, content.size, NULL),
			 0);
	stick_put_byte(path, layout_volume_offset(&l) + (uint64_t)l.g.root_sector * FAT_SECTOR + 11,
		       FAT_READ_ONLY | FAT_ARCHIVE);
	s = verify(path, "root-attributes", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_WARN);
	s = verify(path, "contents-consume", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_PASS);
	ck_assert_msg(!summary.failed, "%s", s.bad);
}
END_TEST

START_TEST(a_file_that_is_no_whole_records_is_no_good)
{
	static const struct { uint32_t bytes; const char *says; } cases[] = {
		{ 5 * SBIN_CHUNK - 100, "not a multiple of 512" }, { SBIN_CHUNK, "1,024" },
	};
	const char *path = stick_path("odd.img");
	struct verify_summary summary;
	struct layout l;
	struct sought s;
	uint8_t raw[4];

	ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, STICK_BYTES, FAT_SECTOR, content.size, NULL),
			 0);
	for (size_t i = 0; i < 2; i++) {
		stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
		put_le32(raw, cases[i].bytes);
		stick_put(path, layout_volume_offset(&l) + (uint64_t)l.g.root_sector * FAT_SECTOR +
			  28, raw, sizeof(raw));
		s = verify(path, "file-size", &summary, NULL);
		ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
		ck_assert_msg(strstr(s.result.text, cases[i].says) != NULL, "%s", s.result.text);
	}
}
END_TEST

/* Seen on a Lenovo M700: with a zero at 10h or 24h of the header it passes the stick over. */
START_TEST(a_header_whose_chunk_counts_are_zero_is_no_good)
{
	static const unsigned counts[] = { 0x10, 0x24 };
	const char *path = stick_path("zero.img");
	struct verify_summary summary;
	struct sought s;

	for (size_t i = 0; i < 2; i++) {
		uint8_t was = content.data[counts[i]];

		ck_assert_uint_eq(was, 1);
		content.data[counts[i]] = 0;
		stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
		s = verify(path, "contents-check", &summary, NULL);
		ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
		ck_assert_msg(strstr(s.result.text, "chunk") != NULL, "%s", s.result.text);
		content.data[counts[i]] = was;
	}
}
END_TEST

START_TEST(what_only_delays_or_is_odd_warns)
{
	const char *path = stick_path("long.img");
	struct content many = stick_content(14000, 0, 3);
	struct verify_summary summary;
	struct sought s;

	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &many);
	s = verify(path, "contents-records", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_WARN);
	ck_assert_ptr_nonnull(strstr(s.result.text, "14000 records"));
	ck_assert_msg(!summary.failed, "%s", s.bad);
	content_wipe(&many);
	content.data[20] = 1;		/* the header's own number */
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	s = verify(path, "contents-check", &summary, NULL);
	ck_assert_msg(!summary.failed, "%s", s.bad);
	ck_assert_msg(s.result.verdict == VERIFY_WARN, "%s", s.result.text);
}
END_TEST

START_TEST(a_stick_whose_records_are_all_used_is_no_good)
{
	const char *path = stick_path("used.img");
	struct content used = stick_content(3, 3, 2);
	struct verify_summary summary;
	struct sought s;

	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &used);
	s = verify(path, "contents-next", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	ck_assert_uint_eq(summary.failed, 1);
	content_wipe(&used);
}
END_TEST

START_TEST(a_file_of_an_odd_size_is_no_good)
{
	const char *path = stick_path("odd.img");
	struct verify_summary summary;
	struct sought s;

	content.size -= 100;
	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "file-size", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	content.size = SBIN_CHUNK;
	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "file-size", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
}
END_TEST

START_TEST(a_stick_that_delays_machines_for_minutes_is_warned_of)
{
	const char *path = stick_path("long.img");
	struct content many = stick_content(20000, 0, 3);
	struct verify_summary summary;
	struct sought s;

	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &many);
	s = verify(path, "contents-records", &summary, NULL);
	ck_assert_msg(s.result.verdict == VERIFY_WARN && !summary.failed, "%s", s.bad);
	content_wipe(&many);
}
END_TEST

START_TEST(a_stick_with_a_broken_setup_bin_is_no_good)
{
	const char *path = stick_path("broken.img");
	struct verify_summary summary;
	struct sought s;

	content.data[SBIN_CHUNK + 20] ^= 0xFF;		/* number of record 1 */
	content.data[2 * SBIN_CHUNK + 16] = 9;		/* chunks of record 2 */
	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "contents-check", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	/* And one of no kind at all. */
	content.data[0] ^= 1;
	stick_make(path, LAYOUT_FAT16, 20 * LAYOUT_MIB, &content);
	s = verify(path, "contents-check", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_FAIL);
	s = verify(path, "contents-next", &summary, NULL);
	ck_assert_int_eq(s.result.verdict, VERIFY_SKIP);
}
END_TEST

START_TEST(a_disk_that_cannot_be_read_is_no_verdict)
{
	struct verify_input in = { .target = "x", .image = true };
	struct verify_summary summary;
	struct sought s = { 0 };
	struct disk_memory state;
	struct disk disk;
	uint8_t few[100] = { 0 };

	disk_open_memory(&disk, &state, few, sizeof(few), "stick");
	in.disk = &disk;
	ck_assert_int_eq(verify_run(&in, look, &s, &summary, NULL), KIT_ERR_TRUNCATED);
}
END_TEST

/* A disk on which a sector cannot be read. */
struct bad_sector {
	struct disk_fd state;
	struct disk good;
	uint64_t at;
};

static int read_or_fail(void *context, uint64_t offset, void *buffer, size_t size,
			struct fault *f)
{
	struct bad_sector *bad = context;

	if (offset <= bad->at && bad->at < offset + size)
		return fault_sys(f, EIO, "cannot read byte %llu", (unsigned long long)bad->at);
	return disk_read(&bad->good, offset, buffer, size, f);
}

START_TEST(a_sector_that_a_rule_cannot_read_is_no_verdict)
{
	struct verify_input in = { .target = "x", .image = true };
	const char *path = stick_path("bad.img");
	struct verify_summary summary;
	struct sought s = { 0 };
	struct fault fault = { 0 };
	struct bad_sector bad;
	struct layout l;
	struct disk disk;
	int fd;

	/* Clusters of 4 KiB: of the last one most is behind the file's end. */
	stick_make(path, LAYOUT_FAT32, 512 * LAYOUT_MIB, &content);
	ck_assert_int_eq(layout_make(&l, LAYOUT_FAT32, 512 * LAYOUT_MIB, FAT_SECTOR, 0, NULL), 0);
	ck_assert_uint_gt(fat_cluster_bytes(&l.g), content.size + FAT_SECTOR);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(disk_open_fd(&bad.good, &bad.state, fd, "stick", &fault), 0);
	bad.at = _i == 0 ? layout_file_offset(&l) + content.size : _i == 1 ? 32769 :
		layout_volume_offset(&l) + (_i == 2 ? 1 : FAT_BACKUP_SECTOR) * FAT_SECTOR;
	disk = bad.good;
	disk.read = read_or_fail;
	disk.context = &bad;
	in.disk = &disk;
	ck_assert_int_eq(verify_run(&in, look, &s, &summary, &fault), KIT_ERR_SYSTEM);
	ck_assert_int_eq(fault.sys, EIO);
	close(fd);
}
END_TEST

TEST_SUITE("verify")
{
	TCase *t = tcase_create("rules");
	int spoils = 0;

	while (stick_spoils[spoils].name)
		spoils++;
	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_sound_stick_of_every_layout_and_size_passes_every_rule);
	tcase_add_loop_test(t, a_spoiled_stick_fails_the_rule_that_names_its_trap, 0, spoils);
	tcase_add_test(t, each_rule_that_repair_fixes_has_a_stick_that_fails_it);
	tcase_add_loop_test(t, firmware_finds_setup_bin_unless_the_trap_hides_it, 0, spoils);
	tcase_add_test(t, what_is_known_of_the_device_is_judged);
	tcase_add_test(t, a_stick_of_other_sectors_or_a_wrong_size_is_said_so);
	tcase_add_test(t, a_read_only_file_is_borne_when_nothing_is_consumed);
	tcase_add_test(t, a_file_that_is_no_whole_records_is_no_good);
	tcase_add_test(t, a_header_whose_chunk_counts_are_zero_is_no_good);
	tcase_add_test(t, what_only_delays_or_is_odd_warns);
	tcase_add_test(t, a_stick_whose_records_are_all_used_is_no_good);
	tcase_add_test(t, a_file_of_an_odd_size_is_no_good);
	tcase_add_test(t, a_stick_that_delays_machines_for_minutes_is_warned_of);
	tcase_add_test(t, a_stick_with_a_broken_setup_bin_is_no_good);
	tcase_add_test(t, a_disk_that_cannot_be_read_is_no_verdict);
	tcase_add_loop_test(t, a_sector_that_a_rule_cannot_read_is_no_verdict, 0, 4);
	suite_add_tcase(suite, t);
}
