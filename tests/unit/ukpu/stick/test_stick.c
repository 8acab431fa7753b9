/* Writing a stick: what is seen when it is pulled after any write, and media that lie. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/log.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/stick/find.h"
#include "ukpu/stick/plan.h"
#include "ukpu/stick/stick.h"
#include "ukpu/stick/verify.h"

#define SECTOR	FAT_SECTOR
#define SMALL	(18 * LAYOUT_MIB)
#define LARGER	(40 * LAYOUT_MIB)

/* ---- what is on the stick before ---- */

static struct content old_content, new_content;

static void blank(const char *path)
{
	struct target *t;

	unlink(path);
	ck_assert_int_eq(target_create(&t, path, SMALL, NULL), 0);
	target_close(&t);
}

static void larger_blank(const char *path)
{
	blank(path);
	ck_assert_int_eq(truncate(path, LARGER), 0);
}

static void old_fat16(const char *path)
{
	stick_make(path, LAYOUT_FAT16, SMALL, &old_content);
}

/* A file whose chain passes through the sector where FAT32 would have its second boot sector. */
static void long_chain(const char *path)
{
	content_wipe(&old_content);
	old_content = stick_content(2800, 2, 1);
	old_fat16(path);
}

static void old_fat32(const char *path)
{
	stick_make(path, LAYOUT_FAT32, LARGER, &old_content);
}

static void larger_fat16(const char *path)
{
	stick_make(path, LAYOUT_FAT16, LARGER, &old_content);
}

static void old_superfloppy(const char *path)
{
	stick_make(path, LAYOUT_SUPERFLOPPY, SMALL, &old_content);
}

/* Both the table and the boot sector are gone; FAT32 has another of these. */
static void backup_left(const char *path)
{
	uint8_t zeros[SECTOR] = { 0 };

	old_fat32(path);
	stick_put(path, 0, zeros, sizeof(zeros));
	stick_put(path, 2048 * SECTOR, zeros, sizeof(zeros));
}

/* A volume where other tools begin it, by an old table with two partitions. */
static void old_elsewhere(const char *path)
{
	uint8_t mbr[SECTOR] = { 0 };
	struct fat_geometry g;

	blank(path);
	ck_assert_int_eq(fat_make(&g, FAT16, 20000, 63), 0);
	stick_format(path, 63 * SECTOR, &g, &old_content);
	mbr[446 + 4] = 0x06;
	put_le32(mbr + 446 + 8, 63);
	put_le32(mbr + 446 + 12, 20000);
	ck_assert_int_eq(fat_make(&g, FAT16, 12000, 20063), 0);
	stick_format(path, 20063 * SECTOR, &g, &old_content);
	mbr[462 + 4] = 0x04;
	put_le32(mbr + 462 + 8, 20063);
	put_le32(mbr + 462 + 12, 12000);
	put_le16(mbr + 510, 0xAA55);
	stick_put(path, 0, mbr, sizeof(mbr));
}

/* Somebody cleared the first sector, which is called wiping; the volume is all there. */
static void mbr_gone(const char *path)
{
	uint8_t zeros[SECTOR] = { 0 };

	old_fat16(path);
	stick_put(path, 0, zeros, sizeof(zeros));
}

/* What "mkfs.fat -I -F 32" on the whole stick makes: its second boot sector is sector 6. */
static void fat32_floppy(const char *path)
{
	struct fat_geometry g;

	larger_blank(path);
	ck_assert_int_eq(fat_make(&g, FAT32, LARGER / SECTOR, 0), 0);
	stick_format(path, 0, &g, &old_content);
}

/* A logical drive; between the links of such a chain lies a track. */
static void old_logical(const char *path)
{
	uint8_t mbr[SECTOR] = { 0 };
	struct fat_geometry g;

	blank(path);
	ck_assert_int_eq(fat_make(&g, FAT16, 20000, 63), 0);
	stick_format(path, 163 * SECTOR, &g, &old_content);
	put_le16(mbr + 510, 0xAA55);
	mbr[446 + 4] = 0x06;
	put_le32(mbr + 446 + 8, 63);
	put_le32(mbr + 446 + 12, 20000);
	stick_put(path, 100 * SECTOR, mbr, sizeof(mbr));
	mbr[446 + 4] = 0x0F;
	put_le32(mbr + 446 + 8, 100);
	put_le32(mbr + 446 + 12, 30000);
	stick_put(path, 0, mbr, sizeof(mbr));
}

/* A GPT, and FAT32 where its first partition may begin. */
static void old_gpt(const char *path)
{
	struct fat_geometry g;

	larger_blank(path);
	ck_assert_int_eq(fat_make(&g, FAT32, 75000, 34), 0);
	stick_format(path, 34 * SECTOR, &g, &old_content);
	stick_put_gpt(path, LARGER / SECTOR, 34, 75000);
}

/* Spoiled, as repair finds it: a deleted file behind a chain that is forgotten. */
static void spoiled(const char *path)
{
	stick_make(path, LAYOUT_FAT16, SMALL, &old_content);
	stick_put_byte(path, (2048 + 1 + 2 * 64) * SECTOR, 0xE5);
}

/* A root directory that was full once. */
static void full_root(const char *path)
{
	uint64_t root = (2048 + 1 + 2 * 64) * SECTOR;
	uint8_t slots[512 * FAT_ENTRY];

	old_fat16(path);
	memset(slots, 0xE5, sizeof(slots));
	stick_put(path, root + FAT_ENTRY, slots, sizeof(slots) - FAT_ENTRY);
}

struct before {
	const char *name;
	void (*make)(const char *path);
	enum layout_kind kind;		/* of what is then written */
	bool same;			/* the same bytes again, as repair does */
};

static const struct before befores[] = {
	{ "blank, fat16", blank, LAYOUT_FAT16, false },
	{ "blank, superfloppy", blank, LAYOUT_SUPERFLOPPY, false },
	{ "blank, fat32", larger_blank, LAYOUT_FAT32, false },
	{ "fat16 again", old_fat16, LAYOUT_FAT16, false },
	{ "fat16 over a long chain", long_chain, LAYOUT_FAT16, false },
	{ "fat32 again", old_fat32, LAYOUT_FAT32, false },
	{ "superfloppy again", old_superfloppy, LAYOUT_SUPERFLOPPY, false },
	{ "fat16 over fat32", old_fat32, LAYOUT_FAT16, false },
	{ "fat32 over fat16", larger_fat16, LAYOUT_FAT32, false },
	{ "superfloppy over fat16", old_fat16, LAYOUT_SUPERFLOPPY, false },
	{ "fat16 over superfloppy", old_superfloppy, LAYOUT_FAT16, false },
	{ "fat16 over two partitions", old_elsewhere, LAYOUT_FAT16, false },
	{ "fat16 over a logical drive", old_logical, LAYOUT_FAT16, false },
	{ "fat16 over GPT", old_gpt, LAYOUT_FAT16, false },
	{ "fat32 over GPT", old_gpt, LAYOUT_FAT32, false },
	{ "fat16 over a FAT32 superfloppy", fat32_floppy, LAYOUT_FAT16, false },
	{ "superfloppy over a FAT32 one", fat32_floppy, LAYOUT_SUPERFLOPPY, false },
	{ "fat16 where the table is gone", mbr_gone, LAYOUT_FAT16, false },
	{ "fat16 where a second boot sector is left", backup_left, LAYOUT_FAT16, false },
	{ "superfloppy where the table is gone", mbr_gone, LAYOUT_SUPERFLOPPY, false },
	{ "repair of a sound stick", old_fat16, LAYOUT_FAT16, true },
	{ "repair of a spoiled stick", spoiled, LAYOUT_FAT16, true },
	{ "repair of a full root directory", full_root, LAYOUT_FAT16, true },
	{ "repair of fat32", old_fat32, LAYOUT_FAT32, true },
	{ "repair of a superfloppy", old_superfloppy, LAYOUT_SUPERFLOPPY, true },
	{ "repair of two partitions", old_elsewhere, LAYOUT_FAT16, true },
	{ "repair of GPT", old_gpt, LAYOUT_FAT16, true },
	{ "repair where the table is gone", mbr_gone, LAYOUT_FAT16, true },
};
#define BEFORES ((int)(sizeof(befores) / sizeof(befores[0])))

/* ---- readers ---- */

enum judgement { NOTHING, OLD, NEW, WRONG };

static enum judgement judge(const uint8_t *data, size_t size, const struct content *now)
{
	if (size == now->size && !memcmp(data, now->data, size))
		return NEW;
	if (size == old_content.size && !memcmp(data, old_content.data, size))
		return OLD;
	return WRONG;
}

/* What one volume shows to a reader that takes the boot sector at BOOT for it. */
static enum judgement look_at(const struct disk *disk, uint64_t start, uint64_t boot,
			      const struct content *now)
{
	static struct fatread v;
	static struct fatread_dir dir;
	static struct fatread_entry e;
	struct fatread_file file;
	enum judgement seen = NOTHING;

	if (boot + SECTOR > disk->size ||
	    fatread_open_by(&v, disk, start, boot, FATREAD_LENIENT, NULL))
		return NOTHING;
	fatread_dir_begin(&dir, &v, 0);
	while (seen == NOTHING && fatread_dir_next(&dir, &e, NULL) == 1) {
		uint8_t *data;

		if (!fatread_is_file(&e) || memcmp(e.raw, SBIN_NAME, 11))
			continue;
		if (fatread_file_open(&file, &v, &e, NULL))
			return WRONG;
		data = malloc(file.size + 1);
		ck_assert_ptr_nonnull(data);
		seen = fatread_file_read(&file, 0, data, file.size, NULL) ? WRONG :
			judge(data, file.size, now);
		free(data);
		fatread_file_close(&file);
	}
	return seen;
}

/*
 * Readers that go by no table but look where volumes like to begin, and at FAT32's backup boot
 * sectors: they may see what was or what will be, never anything between.
 */
static void look_everywhere(const struct disk *disk, const struct content *now, const char *name,
			    size_t at)
{
	static const uint32_t starts[] = { 0, 34, 63, 163, 2048, 20063 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		uint64_t start = (uint64_t)starts[i] * SECTOR;

		ck_assert_msg(look_at(disk, start, start, now) != WRONG,
			      "%s, cut at sector write %zu: a half-written key at LBA %u", name, at,
			      starts[i]);
		ck_assert_msg(look_at(disk, start, start + 6 * SECTOR, now) != WRONG,
			      "%s, cut at sector write %zu: a half-written key by the backup at "
			      "LBA %u",
			      name, at, starts[i]);
	}
}

/* Firmware: by the table, or sector 0. */
static enum judgement look_as_firmware(const struct disk *disk, const struct content *now)
{
	struct fatread_file file;
	uint8_t *data;
	enum judgement seen;
	int rc = fatread_find(&file, disk, SBIN_NAME, NULL);

	if (rc)
		return rc == KIT_ERR_NOT_FOUND ? NOTHING : WRONG;
	data = malloc(file.size + 1);
	ck_assert_ptr_nonnull(data);
	seen = fatread_file_read(&file, 0, data, file.size, NULL) ? WRONG :
		judge(data, file.size, now);
	free(data);
	fatread_file_close(&file);
	return seen;
}

/* What firmware may see: what was, until the first phase is done; what will be, at the end. */
enum moment {
	BEGINNING = 1,
	BETWEEN = 2,
	FINISHING = 4,
	FINISHED = 8,
};

static void check_state(const uint8_t *image, size_t size, const struct content *now,
			const char *name, size_t at, unsigned moment)
{
	struct disk_memory state;
	struct disk disk;
	enum judgement seen;

	disk_open_memory(&disk, &state, image, size, "stick");
	seen = look_as_firmware(&disk, now);
	ck_assert_msg(seen != WRONG,
		      "%s, cut at sector write %zu: firmware sees a half-written key", name, at);
	ck_assert_msg(moment & (BEGINNING | FINISHING | FINISHED) || seen == NOTHING,
		      "%s, cut at sector write %zu: a key is offered that is not complete", name,
		      at);
	ck_assert_msg(moment & BEGINNING || seen != OLD || now == &old_content,
		      "%s, cut at sector write %zu: the old key is still offered", name, at);
	ck_assert_msg(moment & (FINISHING | FINISHED) || seen != NEW || now == &old_content,
		      "%s, cut at sector write %zu: the new key is offered already", name, at);
	ck_assert_msg(moment != FINISHED || seen == NEW,
		      "%s: all is written and firmware does not see it", name);
	look_everywhere(&disk, now, name, at);
}

static void begin(void)
{
	old_content = stick_content(4, 2, 1);
	new_content = stick_content(6, 0, 2);
}

static void end(void)
{
	content_wipe(&old_content);
	content_wipe(&new_content);
	stick_clean();
}

START_TEST(a_stick_cut_at_any_sector_shows_the_old_or_the_new_or_nothing)
{
	const struct before *b = &befores[_i];
	const struct content *now = b->same ? &old_content : &new_content;
	const char *path = stick_path("cut.img");
	struct stick_log log = { .fail_at = SIZE_MAX };
	struct fault fault = { 0 };
	size_t size, after_size, sectors = 0;
	uint8_t *image, *after;

	b->make(path);
	image = stick_load(path, &size);
	ck_assert_msg(!stick_rewrite(path, b->kind, now, &log, &fault), "%s: %s", b->name,
		      fault.what);
	check_state(image, size, now, b->name, 0, BEGINNING);
	after = stick_load(path, &after_size);
	ck_assert_uint_eq(size, after_size);
	for (size_t i = 0; i < log.n; i++) {
		const struct stick_event *e = &log.event[i];

		for (size_t at = 0; e->data && at < e->size; at += SECTOR) {
			/* The last sector of all is the one that lets the key appear. */
			bool last = i + 2 == log.n && at + SECTOR == e->size;

			ck_assert_uint_eq(e->size % SECTOR, 0);
			ck_assert_uint_eq(e->offset % SECTOR, 0);
			memcpy(image + e->offset + at, e->data + at, SECTOR);
			check_state(image, size, now, b->name, ++sectors,
				    last ? FINISHED : BETWEEN);
		}
	}
	/* The log is all there is: nobody wrote past it. */
	ck_assert_msg(!memcmp(image, after, size), "%s: something was written past the log",
		      b->name);
	/* The last thing before the end is a flush, and there is one between any two phases. */
	ck_assert_ptr_null(log.event[log.n - 1].data);
	free(image);
	free(after);
	stick_log_free(&log);
}
END_TEST

/* A device may store what comes between two flushes in any order, or some of it only. */
START_TEST(what_comes_between_two_flushes_may_arrive_in_any_order)
{
	const struct before *b = &befores[_i];
	const struct content *now = b->same ? &old_content : &new_content;
	const char *path = stick_path("order.img");
	struct stick_log log = { .fail_at = SIZE_MAX };
	struct fault fault = { 0 };
	size_t size, i = 0;
	uint8_t *image, *torn;

	srand(4711);
	b->make(path);
	image = stick_load(path, &size);
	torn = malloc(size);
	ck_assert_ptr_nonnull(torn);
	ck_assert_msg(!stick_rewrite(path, b->kind, now, &log, &fault), "%s: %s", b->name,
		      fault.what);
	while (i < log.n) {
		size_t next = i;

		while (next < log.n && log.event[next].data)
			next++;
		for (int round = 0; round < 12; round++) {
			memcpy(torn, image, size);
			for (size_t k = i; k < next; k++) {
				const struct stick_event *e = &log.event[k];

				for (size_t at = 0; at < e->size; at += SECTOR) {
					if (rand() & 1)
						memcpy(torn + e->offset + at, e->data + at, SECTOR);
				}
			}
			check_state(torn, size, now, b->name, next,
				    (i ? 0 : BEGINNING) | (next + 1 < log.n ? 0 : FINISHING) |
				    BETWEEN);
		}
		for (size_t k = i; k < next; k++)
			memcpy(image + log.event[k].offset, log.event[k].data, log.event[k].size);
		i = next + 1;
	}
	free(image);
	free(torn);
	stick_log_free(&log);
}
END_TEST

static void name_bad(void *context, const struct verify_result *r)
{
	if (r->verdict != VERIFY_PASS)
		snprintf(context, 400, "%s: %s", r->rule, r->text);
}

/* Every rule passes, and the bytes are the old ones. */
static void assert_complete(const char *path, const char *name, size_t at)
{
	struct verify_input in = { .target = "--image stick.img", .image = true };
	struct verify_summary summary;
	int fd = open(path, O_RDONLY);
	struct disk_fd state;
	char bad[400] = "";
	struct disk disk;

	ck_assert_int_eq(disk_open_fd(&disk, &state, fd, "stick", NULL), 0);
	in.disk = &disk;
	ck_assert_int_eq(verify_run(&in, name_bad, bad, &summary, NULL), 0);
	ck_assert_msg(!bad[0], "%s, rebuilt after a cut at sector write %zu: %s", name, at, bad);
	ck_assert_int_eq(look_as_firmware(&disk, &old_content), NEW);
	close(fd);
}

START_TEST(from_every_cut_a_rebuild_from_the_backup_ends_complete)
{
	const struct before *b = &befores[_i];
	const struct content *now = b->same ? &old_content : &new_content;
	const char *path = stick_path("again.img"), *first = stick_path("first.img");
	struct stick_log log = { .fail_at = SIZE_MAX };
	struct fault fault = { 0 };
	size_t size, sectors = 0, rebuilt = 0;
	uint8_t *image;

	b->make(first);
	image = stick_load(first, &size);
	ck_assert_int_eq(stick_rewrite(first, b->kind, now, &log, &fault), 0);
	for (size_t i = 0; i < log.n; i++) {
		const struct stick_event *e = &log.event[i];

		for (size_t at = 0; e->data && at < e->size; at += SECTOR) {
			bool last = at + SECTOR >= e->size;

			memcpy(image + e->offset + at, e->data + at, SECTOR);
			/* Every write whole, and some torn in the middle: each takes a rebuild. */
			if (!last && (++sectors % 151 || !b->same))
				continue;
			/* Where something else is written than is rebuilt, every second one. */
			if (!b->same && i % 2)
				continue;
			stick_store(path, image, size);
			fault_clear(&fault);
			ck_assert_msg(!stick_rewrite(path, b->kind, &old_content, NULL, &fault),
				      "%s: %s", b->name, fault.what);
			assert_complete(path, b->name, sectors);
			rebuilt++;
		}
	}
	ck_assert_uint_ge(rebuilt, b->same ? 15 : 5);
	free(image);
	stick_log_free(&log);
}
END_TEST

START_TEST(an_error_in_any_write_or_flush_is_reported_and_ends_the_writing)
{
	static const int errors[] = { EIO, ENOSPC, EROFS, ENODEV };
	const char *path = stick_path("error.img");
	struct stick_log log = { .fail_at = SIZE_MAX };
	struct fault fault = { 0 };
	size_t events, size;

	old_fat16(path);
	ck_assert_int_eq(stick_rewrite(path, LAYOUT_FAT16, &new_content, &log, &fault), 0);
	events = log.n;
	ck_assert_uint_gt(events, 20);
	stick_log_free(&log);
	for (size_t i = 0; i < events; i++) {
		struct disk_memory state;
		struct disk disk;
		uint8_t *image;

		old_fat16(path);
		log.fail_at = i;
		log.err = errors[i % 4];
		fault_clear(&fault);
		ck_assert_msg(stick_rewrite(path, LAYOUT_FAT16, &new_content, &log, &fault) < 0,
			      "event %zu of %zu failed and nobody noticed", i, events);
		ck_assert_uint_eq(log.after_failure, 0);
		ck_assert_uint_eq(log.n, i + 1);
		ck_assert_int_ne(fault.code, 0);
		ck_assert_ptr_nonnull(strstr(fault.what, "error.img"));
		/* Until the table is there, firmware sees nothing of it. */
		image = stick_load(path, &size);
		disk_open_memory(&disk, &state, image, size, "stick");
		ck_assert_int_ne(look_as_firmware(&disk, &new_content), WRONG);
		free(image);
		stick_log_free(&log);
	}
}
END_TEST

/* The MBR must be the last sector that is written, and the boot sectors the last before it. */
START_TEST(nothing_is_written_after_the_table)
{
	const char *path = stick_path("order.img");
	struct stick_log log = { .fail_at = SIZE_MAX };
	size_t table = 0, boot = 0, body = 0, flushes = 0;

	old_fat16(path);
	ck_assert_int_eq(stick_rewrite(path, LAYOUT_FAT16, &new_content, &log, NULL), 0);
	for (size_t i = 0; i < log.n; i++) {
		const struct stick_event *e = &log.event[i];

		if (!e->data)
			flushes++;
		else if (!e->offset && get_le16(e->data + 510) == 0xAA55)
			table = i;
		else if (e->offset == 2048 * SECTOR && e->data[0] == 0xEB)
			boot = i;
		else if (e->offset > 2048 * SECTOR)
			body = i;
	}
	ck_assert_uint_eq(table, log.n - 2);
	ck_assert_uint_lt(boot, table);
	ck_assert_uint_lt(body, boot);
	/* Between body and boot sector, and between that and the table, all is flushed. */
	ck_assert_ptr_null(log.event[table - 1].data);
	ck_assert_uint_eq(flushes, 5);
	/* The first write takes the table away. */
	ck_assert_uint_eq(log.event[0].offset, 0);
	ck_assert_uint_eq(log.event[0].size, SECTOR);
	stick_log_free(&log);
}
END_TEST

/* What the kit flushes passes through here: how many of these were folders is counted. */
static unsigned folders_flushed;

int fsync(int fd)
{
	struct stat st;

	folders_flushed += !fstat(fd, &st) && S_ISDIR(st.st_mode);
	return (int)syscall(SYS_fsync, fd);
}

START_TEST(the_name_of_a_new_image_is_made_durable_with_it)
{
	const char *path = stick_path("named.img");

	folders_flushed = 0;
	unlink(path);
	for (int i = 0; i < 2; i++) {
		struct target *t;

		ck_assert_int_eq(target_create(&t, path, SMALL, NULL), 0);
		for (int j = 0; j < 2; j++)
			ck_assert_int_eq(target_flush(t, NULL), 0);
		target_close(&t);
		/* Once: the second time it was there already. */
		ck_assert_uint_eq(folders_flushed, 1);
	}
}
END_TEST

START_TEST(little_is_written_on_a_stick_of_any_size)
{
	static const uint64_t mib[] = { 17, 35, 64, 256, 2048, 32768, 65536 };
	const char *path = stick_path("size.img");

	for (size_t i = 0; i < sizeof(mib) / sizeof(mib[0]); i++) {
		for (int kind = LAYOUT_FAT16; kind <= LAYOUT_SUPERFLOPPY; kind++) {
			struct plan_request rq = {
				.kind = (enum layout_kind)kind, .file = new_content.data,
				.file_bytes = new_content.size,
			};
			struct target *t;
			struct plan plan;

			if (kind == LAYOUT_FAT32 && mib[i] < 35)
				continue;
			unlink(path);
			ck_assert_int_eq(target_create(&t, path, mib[i] * LAYOUT_MIB, NULL), 0);
			ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
			ck_assert_int_eq(stick_write(&plan, t, NULL, NULL), 0);
			/* Never more than was planned, and that is 5 MB at most. */
			ck_assert_uint_le(target_written(t), plan.bytes);
			ck_assert_uint_eq(target_reached(t), target_written(t));
			ck_assert_uint_le(plan.bytes, 5000000);
			plan_free(&plan);
			target_close(&t);
		}
	}
}
END_TEST

START_TEST(old_files_are_wiped_and_read_back_as_zeros)
{
	const char *path = stick_path("wipe.img");
	struct content large = stick_content(200, 0, 3);
	size_t size;
	uint8_t *image;

	stick_make(path, LAYOUT_FAT16, SMALL, &large);
	ck_assert_int_eq(stick_rewrite(path, LAYOUT_FAT16, &new_content, NULL, NULL), 0);
	image = stick_load(path, &size);
	/* Nothing of the longer file shows behind the shorter one. */
	ck_assert_ptr_null(memmem(image, size, large.data + 150 * SECTOR + 24, 100));
	ck_assert_ptr_nonnull(memmem(image, size, new_content.data + SECTOR + 24, 100));
	free(image);
	content_wipe(&large);
}
END_TEST

/* ---- a medium that lies ---- */

/* Changes a sector behind the writer's back, at the flush after the body has been written. */
struct spoiler {
	const char *path;
	uint64_t at;
	int when;		/* at the flush of this number, from 1 on */
	int flushes;
};

static int spoil_later(void *context, uint64_t offset, const void *data, size_t size)
{
	struct spoiler *s = context;

	(void)offset;
	(void)size;
	if (!data && ++s->flushes == s->when)
		stick_put_byte(s->path, s->at, 0x77);
	return 0;
}

START_TEST(bytes_that_come_back_different_are_noticed)
{
	static const uint64_t spots[] = {
		2048 * SECTOR + 20,		/* boot sector */
		2049 * SECTOR + 3,		/* FATs, root, file */
		(2049 + 64) * SECTOR + 3,
		(2049 + 2 * 64) * SECTOR + 100,
		(2048 + 1 + 2 * 64 + 32) * SECTOR + 700,
	};
	const char *path = stick_path("liar.img");

	for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		struct plan_request rq = {
			.kind = LAYOUT_FAT16,
			.file = new_content.data,
			.file_bytes = new_content.size,
		};
		/* The flush after the table is the last one: what is spoiled there is seen. */
		struct spoiler spoiler = { path, spots[i], 4, 0 };
		struct target_hook hook = { spoil_later, &spoiler };
		struct fault fault = { 0 };
		struct target *t;
		struct plan plan;

		blank(path);
		ck_assert_int_eq(target_open(&t, path, TARGET_WRITE | TARGET_IMAGE, NULL), 0);
		ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
		ck_assert_uint_eq(plan.layout.g.fat_sectors, 64);
		target_set_hook(t, &hook);
		ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_VERIFY);
		ck_assert_ptr_nonnull(strstr(fault.what, "came back different"));
		plan_free(&plan);
		target_close(&t);
	}
}
END_TEST

START_TEST(an_old_file_that_is_still_there_after_its_wipe_is_noticed)
{
	const char *path = stick_path("wipe.img");
	struct fatread_run run = { 5 * LAYOUT_MIB, 3000 };
	struct plan_request rq = {
		.kind = LAYOUT_FAT16, .file = new_content.data, .file_bytes = new_content.size,
		.wipe = &run, .n_wipe = 1,
	};
	/* The capacity marks' flush serves the wipe, too. */
	struct spoiler spoiler = { path, run.offset + run.bytes - 1, 2, 0 };
	struct target_hook hook = { spoil_later, &spoiler };
	struct fault fault = { 0 };
	struct target *t;
	struct plan plan;

	stick_make(path, LAYOUT_FAT16, SMALL, &old_content);
	ck_assert_int_eq(target_open(&t, path, TARGET_WRITE | TARGET_IMAGE, NULL), 0);
	ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
	target_set_hook(t, &hook);
	ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_VERIFY);
	ck_assert_msg(strstr(fault.what, "old setup.bin") != NULL, "%s", fault.what);
	plan_free(&plan);
	target_close(&t);
}
END_TEST

/* A stick that wraps around at CAPACITY: what is written above comes out below. */
struct wrapper {
	const char *path;
	uint64_t capacity;
	bool loses;		/* instead: it forgets what lies above */
	bool front_last;	/* what is written below comes out above */
};

static int wrap(void *context, uint64_t offset, const void *data, size_t size)
{
	struct wrapper *w = context;
	static uint8_t zeros[SECTOR];
	static uint64_t lost;

	if (w->front_last) {
		/* The system may write in any order: here the sectors at the beginning last. */
		for (uint64_t at = 0; !data && at < LAYOUT_MIB; at += SECTOR) {
			uint8_t below[SECTOR];

			stick_get(w->path, at, below, sizeof(below));
			stick_put(w->path, w->capacity + at, below, sizeof(below));
		}
	} else if (w->loses) {
		if (data && offset >= w->capacity)
			lost = offset;
		else if (!data && lost)
			stick_put(w->path, lost, zeros, sizeof(zeros));
	} else if (data && offset >= w->capacity) {
		stick_put(w->path, offset % w->capacity, data, size);
	}
	return 0;
}

START_TEST(a_stick_of_fake_capacity_is_found_and_named)
{
	static const struct wrapper wrappers[] = {
		{ NULL, 16 * LAYOUT_MIB, false }, { NULL, 64 * LAYOUT_MIB, false },
		{ NULL, 512 * LAYOUT_MIB, false }, { NULL, 100 * LAYOUT_MIB, true },
		{ NULL, 64 * LAYOUT_MIB, false, true },
	};
	const char *path = stick_path("fake.img");
	struct plan_request rq = {
		.kind = LAYOUT_FAT16, .file = new_content.data, .file_bytes = new_content.size,
	};
	struct wrapper w = wrappers[_i];
	struct target_hook hook = { wrap, &w };
	struct fault fault = { 0 };
	struct target *t;
	struct plan plan;

	w.path = path;
	unlink(path);
	ck_assert_int_eq(target_create(&t, path, 1024 * LAYOUT_MIB, NULL), 0);
	ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
	target_set_hook(t, &hook);
	ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_UNFIT);
	ck_assert_msg(strstr(fault.what, "fake capacity") != NULL, "%s", fault.what);
	if (w.capacity == 64 * LAYOUT_MIB)
		ck_assert_msg(strstr(fault.what, "64.0 MiB") != NULL, "%s", fault.what);
	plan_free(&plan);
	target_close(&t);
}
END_TEST

START_TEST(a_time_from_outside_has_to_be_one)
{
	static const char *const bad[] = { "abc", "12x", "-1", " 1", "99999999999999999999999" };
	struct plan_request rq = {
		.kind = LAYOUT_FAT16, .file = new_content.data, .file_bytes = new_content.size,
	};
	struct target *t;
	struct plan plan;

	ck_assert_int_eq(target_create(&t, stick_path("epoch.img"), 1024 * LAYOUT_MIB, NULL), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fault fault = { 0 };

		setenv("SOURCE_DATE_EPOCH", bad[i], 1);
		ck_assert_int_eq(plan_make(&plan, t, &rq, &fault), KIT_ERR_ARGUMENT);
		ck_assert_ptr_nonnull(strstr(fault.what, "SOURCE_DATE_EPOCH is not a number"));
	}
	setenv("SOURCE_DATE_EPOCH", "1700000000", 1);
	ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
	ck_assert_int_eq(plan.when, 1700000000);
	unsetenv("SOURCE_DATE_EPOCH");
	plan_free(&plan);
	target_close(&t);
}
END_TEST

TEST_SUITE("stick")
{
	TCase *t = tcase_create("write order");

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, a_stick_cut_at_any_sector_shows_the_old_or_the_new_or_nothing, 0,
			    BEFORES);
	tcase_add_loop_test(t, what_comes_between_two_flushes_may_arrive_in_any_order, 0, BEFORES);
	tcase_add_loop_test(t, from_every_cut_a_rebuild_from_the_backup_ends_complete, 0, BEFORES);
	tcase_add_test(t, an_error_in_any_write_or_flush_is_reported_and_ends_the_writing);
	tcase_add_test(t, nothing_is_written_after_the_table);
	tcase_add_test(t, the_name_of_a_new_image_is_made_durable_with_it);
	tcase_add_test(t, little_is_written_on_a_stick_of_any_size);
	tcase_add_test(t, old_files_are_wiped_and_read_back_as_zeros);
	tcase_add_test(t, a_time_from_outside_has_to_be_one);
	suite_add_tcase(suite, t);
	t = tcase_create("a medium that lies");
	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, bytes_that_come_back_different_are_noticed);
	tcase_add_test(t, an_old_file_that_is_still_there_after_its_wipe_is_noticed);
	tcase_add_loop_test(t, a_stick_of_fake_capacity_is_found_and_named, 0, 5);
	suite_add_tcase(suite, t);
}
