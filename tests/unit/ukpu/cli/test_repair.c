/* Tests of "ukpu repair" and "ukpu retire" as a person runs them, on spoiled sticks. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/log.h"
#include "tests/support/stick.h"
#include "tests/support/suite.h"
#include "ukpu/format/fatread.h"

#define WORDS_MAX	24

static char program[PATH_MAX];
static struct content content;
static char output[20000];	/* of the last command, stdout and stderr together */

/* Run ukpu with these words; its exit status. */
static int ukpu(const char *word, ...)
{
	const char *argv[WORDS_MAX] = { program };
	size_t n = 1, got = 0;
	int out[2], status;
	ssize_t more;
	va_list ap;
	pid_t child;

	va_start(ap, word);
	for (; word && n + 1 < WORDS_MAX; word = va_arg(ap, const char *))
		argv[n++] = word;
	va_end(ap);
	argv[n] = NULL;
	ck_assert_int_eq(pipe(out), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		close(out[0]);
		close(out[1]);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(99);
	}
	close(out[1]);
	while ((more = read(out[0], output + got, sizeof(output) - 1 - got)) > 0)
		got += (size_t)more;
	output[got] = '\0';
	close(out[0]);
	while (waitpid(child, &status, 0) < 0)
		ck_assert_int_eq(errno, EINTR);
	ck_assert_msg(WIFEXITED(status), "ukpu was killed:\n%s", output);
	return WEXITSTATUS(status);
}

/* How many backups are in the state folder; the last one's path. */
static size_t backups(char *last, size_t size)
{
	glob_t g;
	char pattern[200];
	size_t n;

	snprintf(pattern, sizeof(pattern), "%s/state/ukpu/backup-*.bin", stick_folder());
	n = glob(pattern, 0, NULL, &g) ? 0 : g.gl_pathc;
	if (n && last)
		snprintf(last, size, "%s", g.gl_pathv[n - 1]);
	if (n)
		globfree(&g);
	return n;
}

static void begin(void)
{
	char self[PATH_MAX], state[200];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	ck_assert_int_gt(n, 0);
	self[n] = '\0';
	ck_assert_ptr_nonnull(strstr(self, "/tests/unit/"));
	*strstr(self, "/tests/unit/") = '\0';
	snprintf(program, sizeof(program), "%.*s/bin/ukpu", (int)sizeof(program) - 20, self);
	ck_assert_msg(!access(program, X_OK), "build %s first", program);
	snprintf(state, sizeof(state), "%s/state", stick_folder());
	setenv("XDG_STATE_HOME", state, 1);
	setenv("UKPU_JOURNAL", stick_path("sticks.db"), 1);
	content = stick_content(4, 1, 1);
}

static void end(void)
{
	content_wipe(&content);
	stick_clean();
}

/* SETUP.BIN as firmware finds it holds exactly WANTED. */
static void assert_on_stick(const char *path, const struct content *wanted)
{
	struct fatread_file file;
	struct fault fault = { 0 };
	struct disk_fd state;
	struct disk disk;
	uint8_t *data = malloc(wanted->size);
	int fd = open(path, O_RDONLY);

	ck_assert_int_eq(disk_open_fd(&disk, &state, fd, "stick", NULL), 0);
	ck_assert_msg(!fatread_find(&file, &disk, SBIN_NAME, &fault), "%s", fault.what);
	ck_assert_uint_eq(file.size, wanted->size);
	ck_assert_int_eq(fatread_file_read(&file, 0, data, file.size, NULL), 0);
	ck_assert_mem_eq(data, wanted->data, wanted->size);
	fatread_file_close(&file);
	free(data);
	close(fd);
}

START_TEST(a_spoiled_stick_is_repaired_with_the_same_bytes)
{
	const struct stick_spoil *s = &stick_spoils[_i];
	const char *path = stick_path("spoiled.img");
	char saved[PATH_MAX];
	struct stat st;
	uint8_t *copy;
	size_t size;
	int rc;

	stick_spoiled(path, s, &content);
	rc = ukpu("verify", "--image", "--strict", path, NULL);
	ck_assert_msg(rc == 1, "%s: verify gives %d:\n%s", s->name, rc, output);
	ck_assert_msg(strstr(output, s->rule) != NULL, "%s:\n%s", s->name, output);
	if (s->others) {
		rc = ukpu("repair", "--image", path, "--yes", NULL);
		ck_assert_msg(rc == 2 && strstr(output, "--discard-other-files"), "%s:\n%s",
			      s->name, output);
		ck_assert_uint_eq(backups(NULL, 0), 0);
	}
	rc = ukpu("repair", "--image", path, "--yes", s->others ? "--discard-other-files" : NULL,
		 NULL);
	ck_assert_msg(rc == 0, "%s: repair gives %d:\n%s", s->name, rc, output);
	rc = ukpu("verify", "--image", "--strict", path, NULL);
	ck_assert_msg(rc == 0, "%s: after the repair:\n%s", s->name, output);
	assert_on_stick(path, &content);
	/* The copy is whole and nobody else's to read. */
	ck_assert_uint_eq(backups(saved, sizeof(saved)), 1);
	ck_assert_int_eq(stat(saved, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	copy = stick_load(saved, &size);
	ck_assert_uint_eq(size, content.size);
	ck_assert_mem_eq(copy, content.data, size);
	free(copy);
}
END_TEST

START_TEST(a_dry_run_of_a_repair_changes_nothing)
{
	const struct stick_spoil *s = &stick_spoils[_i];
	const char *path = stick_path("spoiled.img");
	uint8_t *before, *after;
	size_t size, size_after;

	if (s->others)
		return;
	stick_spoiled(path, s, &content);
	before = stick_load(path, &size);
	ck_assert_msg(ukpu("repair", "--image", path, "--dry-run", NULL) == 0, "%s:\n%s", s->name,
		      output);
	ck_assert_ptr_nonnull(strstr(output, "bytes are written"));
	after = stick_load(path, &size_after);
	ck_assert_uint_eq(size, size_after);
	ck_assert_msg(!memcmp(before, after, size), "%s: the dry run wrote", s->name);
	ck_assert_uint_eq(backups(NULL, 0), 0);
	free(before);
	free(after);
}
END_TEST

START_TEST(a_sound_stick_keeps_its_layout_and_is_left_alone)
{
	const char *path = stick_path("sound.img");
	uint8_t *before, *after;
	size_t size;

	stick_make(path, (enum layout_kind)_i, STICK_BYTES, &content);
	before = stick_load(path, &size);
	ck_assert_int_eq(ukpu("repair", "--image", path, "--yes", NULL), 0);
	ck_assert_ptr_nonnull(strstr(output, "nothing to repair"));
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	/* Spoiled where the layout itself is sound, it comes back in its own. */
	stick_put_byte(path, 0, 0);
	if (_i != LAYOUT_SUPERFLOPPY) {
		/* (the code of sector 0 belongs to the layout) */
		ck_assert_int_eq(ukpu("repair", "--image", path, "--yes", "--layout",
				      layout_name((enum layout_kind)_i), NULL), 0);
		ck_assert_ptr_nonnull(strstr(output, layout_name((enum layout_kind)_i)));
		assert_on_stick(path, &content);
	}
}
END_TEST

START_TEST(a_sound_fat32_with_a_spoiled_directory_stays_fat32)
{
	static const struct stick_spoil *s;
	const char *path = stick_path("fat32.img");

	for (s = stick_spoils; strcmp(s->name, "renamed on FAT32"); s++)
		ck_assert_ptr_nonnull(s->name);
	stick_spoiled(path, s, &content);
	ck_assert_int_eq(ukpu("repair", "--image", path, "--yes", NULL), 0);
	ck_assert_msg(strstr(output, "Layout fat32") != NULL, "%s", output);
}
END_TEST

/* The stick at PATH with the contents, and behind them a deleted file with OTHER, far behind. */
static void put_deleted_beside(const char *path, const struct content *other)
{
	struct layout l;
	uint8_t e[FAT_ENTRY] = "OLD     BIN ";
	uint64_t root;

	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, STICK_BYTES, FAT_SECTOR, 4096, NULL), 0);
	root = layout_volume_offset(&l) + (uint64_t)l.g.root_sector * FAT_SECTOR;
	e[0] = 0xE5;
	e[11] = FAT_ARCHIVE;
	e[26] = 0x00;
	e[27] = 0x10;
	e[28] = (uint8_t)other->size;
	e[29] = (uint8_t)(other->size >> 8);
	stick_put(path, root + FAT_ENTRY, e, sizeof(e));
	stick_put(path, layout_volume_offset(&l) + fat_cluster_offset(&l.g, 0x1000), other->data,
		  other->size);
}

START_TEST(of_several_one_is_picked_and_the_others_are_kept)
{
	const char *path = stick_path("several.img");
	struct content other = stick_content(6, 0, 9);
	int rc;

	put_deleted_beside(path, &other);
	rc = ukpu("repair", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "--pick") && strstr(output, "1: /SETUP.BIN") &&
		      strstr(output, "2: /?LD.BIN"), "%d:\n%s", rc, output);
	rc = ukpu("repair", "--image", path, "--yes", "--pick", "3", NULL);
	ck_assert_int_eq(rc, 2);
	rc = ukpu("repair", "--image", path, "--yes", "--pick", "2", NULL);
	/* The first is a live file, so it takes consent to lose it. */
	ck_assert_msg(rc == 2 && strstr(output, "other file: /SETUP.BIN"), "%d:\n%s", rc, output);
	rc = ukpu("repair", "--image", path, "--yes", "--pick", "2", "--discard-other-files", NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
	assert_on_stick(path, &other);
	/* Both had unused records: both have their copies. */
	ck_assert_uint_eq(backups(NULL, 0), 2);
	content_wipe(&other);
}
END_TEST

START_TEST(a_deleted_file_is_not_taken_unasked_for_a_damaged_one_that_is_there)
{
	const char *path = stick_path("older.img");
	struct content older = stick_content(6, 0, 9);
	int rc;

	content.data[2 * SBIN_CHUNK + 16] = 9;
	put_deleted_beside(path, &older);
	rc = ukpu("repair", "--image", path, "--yes", "--discard-other-files", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "1: /SETUP.BIN") && strstr(output, "; damaged") &&
		      strstr(output, "2: /?LD.BIN"), "%d:\n%s", rc, output);
	rc = ukpu("repair", "--image", path, "--yes", "--pick", "1", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "damaged itself"), "%d:\n%s", rc, output);
	rc = ukpu("repair", "--image", path, "--yes", "--pick", "2", "--discard-other-files", NULL);
	ck_assert_msg(rc == 0 && strstr(output, "setup.bin: /?LD.BIN, deleted"), "%d:\n%s", rc,
		      output);
	assert_on_stick(path, &older);
	content_wipe(&older);
}
END_TEST

START_TEST(other_files_are_saved_under_safe_names)
{
	static const struct {
		const char *name, *saved;
	} odd[] = { { "A/../B  /X ", "A_.._B._X" }, { "..         ", "_" } };
	const char *path = stick_path("others.img");
	char folder[200], name[300];
	struct stick_spoil const *s;
	uint8_t *data;
	size_t size;
	int rc;

	for (s = stick_spoils; strcmp(s->name, "other files are there"); s++)
		ck_assert_ptr_nonnull(s->name);
	stick_spoiled(path, s, &content);
	snprintf(folder, sizeof(folder), "%s/rescued", stick_folder());
	rc = ukpu("repair", "--image", path, "--yes", "--save-other-files", folder, NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
	snprintf(name, sizeof(name), "%s/PHOTO.JPG", folder);
	data = stick_load(name, &size);
	ck_assert_uint_eq(size, 5);
	ck_assert_mem_eq(data, "hello", 5);
	free(data);
	/* A second time, the file that is there is not overwritten, and the stick not touched. */
	stick_spoiled(path, s, &content);
	rc = ukpu("repair", "--image", path, "--yes", "--save-other-files", folder, NULL);
	ck_assert_msg(rc == 2 && strstr(output, "PHOTO.JPG"), "%d:\n%s", rc, output);
	ck_assert_int_eq(ukpu("verify", "--image", path, NULL), 1);
	/* A name that would lead out of the folder does not; nor is its file lost for it. */
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct layout l;
		uint8_t e[FAT_ENTRY];
		uint64_t at;

		stick_spoiled(path, s, &content);
		ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, STICK_BYTES, FAT_SECTOR, 4096, NULL),
				 0);
		at = layout_volume_offset(&l) + (uint64_t)l.g.root_sector * FAT_SECTOR + FAT_ENTRY;
		stick_get(path, at, e, sizeof(e));
		memcpy(e, odd[i].name, 11);
		stick_put(path, at, e, sizeof(e));
		rc = ukpu("repair", "--image", path, "--yes", "--save-other-files", folder, NULL);
		ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
		snprintf(name, sizeof(name), "%s/%s", folder, odd[i].saved);
		ck_assert_msg(!access(name, F_OK), "%s: %s", odd[i].name, output);
	}
}
END_TEST

START_TEST(what_cannot_be_repaired_says_why_and_is_left_as_it_is)
{
	const char *path = stick_path("hopeless.img");
	uint8_t *before, *after;
	struct layout l;
	uint64_t entry;
	uint8_t field[4];
	size_t size;
	int rc;

	/* Nothing on it at all. */
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	rc = ukpu("retire", "--image", path, "--yes", "--overwrite-unused", NULL);
	ck_assert_msg(rc == 0, "%s", output);
	before = stick_load(path, &size);
	rc = ukpu("repair", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 1 && strstr(output, "no setup.bin found"), "%d:\n%s", rc,
		      output);
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	/* An image that was cut off before its file of one cluster: that is not an error. */
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	ck_assert_int_eq(layout_make(&l, LAYOUT_FAT16, STICK_BYTES, FAT_SECTOR, 0, NULL), 0);
	entry = layout_volume_offset(&l) + (uint64_t)l.g.root_sector * FAT_SECTOR;
	put_le16(field, (uint16_t)l.g.clusters);
	stick_put(path, entry + 26, field, 2);
	put_le32(field, fat_cluster_bytes(&l.g));
	stick_put(path, entry + 28, field, 4);
	ck_assert_int_eq(truncate(path, STICK_BYTES / 2), 0);
	rc = ukpu("repair", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "holds other files"), "%d:\n%s", rc, output);
	/* A setup.bin that is broken itself. */
	content.data[2 * SBIN_CHUNK + 16] = 9;
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	stick_put_byte(path, 446 + 4, 0x83);
	before = stick_load(path, &size);
	rc = ukpu("repair", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "damaged itself"), "%d:\n%s", rc, output);
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	/* On demand its bytes are kept all the same; firmware's no is then the answer. */
	rc = ukpu("repair", "--image", path, "--yes", "--force-contents", NULL);
	ck_assert_msg(rc == 1 && strstr(output, "contents-check"), "%d:\n%s", rc, output);
	assert_on_stick(path, &content);
}
END_TEST

START_TEST(a_stick_is_rebuilt_from_its_backup)
{
	const char *path = stick_path("lost.img");
	char saved[PATH_MAX];
	uint8_t *zeros;
	int rc;

	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	stick_put_byte(path, 446 + 4, 0x83);
	ck_assert_int_eq(ukpu("repair", "--image", path, "--yes", NULL), 0);
	ck_assert_uint_eq(backups(saved, sizeof(saved)), 1);
	zeros = calloc(1, STICK_BYTES);
	stick_store(path, zeros, STICK_BYTES);
	free(zeros);
	rc = ukpu("repair", "--image", path, "--yes", "--from", saved, NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
	assert_on_stick(path, &content);
	/* On another stick the same keys are asked for. */
	stick_store(stick_path("other.img"), "", 0);
	ck_assert_int_eq(truncate(stick_path("other.img"), STICK_BYTES), 0);
	rc = ukpu("repair", "--image", stick_path("other.img"), "--yes", "--from", saved, NULL);
	ck_assert_msg(rc == 2 && strstr(output, "--second-stick"), "%d:\n%s", rc, output);
	rc = ukpu("repair", "--image", stick_path("other.img"), "--yes", "--second-stick", "--from",
		 saved, NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
}
END_TEST

/* A stick that was pulled after any write of its repair, and then the command that saves it. */
START_TEST(from_every_cut_the_command_rebuilds_from_the_backup)
{
	const char *path = stick_path("cut.img"), *saved = stick_path("saved.bin");
	struct stick_log log = { .fail_at = SIZE_MAX };
	uint8_t *image;
	size_t size;
	int rc;

	stick_make(path, (enum layout_kind)_i, STICK_BYTES, &content);
	stick_store(saved, content.data, content.size);
	image = stick_load(path, &size);
	ck_assert_int_eq(stick_rewrite(path, (enum layout_kind)_i, &content, &log, NULL), 0);
	for (size_t i = 0; i < log.n; i++) {
		const struct stick_event *e = &log.event[i];

		if (!e->data)
			continue;
		memcpy(image + e->offset, e->data, e->size);
		stick_store(path, image, size);
		rc = ukpu("repair", "--image", path, "--yes", "--from", saved, "--layout",
			 layout_name((enum layout_kind)_i), "--second-stick",
			 "--discard-other-files", NULL);
		ck_assert_msg(rc == 0, "cut after write %zu: %d:\n%s", i, rc, output);
		assert_on_stick(path, &content);
		rc = ukpu("verify", "--image", path, "--strict", NULL);
		ck_assert_msg(rc == 0, "cut after write %zu: %d:\n%s", i, rc, output);
	}
	free(image);
	stick_log_free(&log);
}
END_TEST

START_TEST(a_backup_that_cannot_be_made_stops_the_repair)
{
	const char *path = stick_path("nobackup.img");
	uint8_t *before, *after;
	size_t size;
	int rc;

	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	stick_put_byte(path, 446 + 4, 0x83);
	before = stick_load(path, &size);
	rc = ukpu("repair", "--image", path, "--yes", "--backup", "/nonexistent/folder/b.bin",
		  NULL);
	ck_assert_msg(rc == 2 && strstr(output, "nothing was written"), "%d:\n%s", rc, output);
	stick_store(stick_path("there.bin"), "x", 1);
	rc = ukpu("repair", "--image", path, "--yes", "--backup", stick_path("there.bin"), NULL);
	ck_assert_msg(rc == 2 && strstr(output, "there.bin"), "%d:\n%s", rc, output);
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	rc = ukpu("repair", "--image", path, "--yes", "--force", "--backup",
		  stick_path("there.bin"), NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
}
END_TEST

START_TEST(retire_leaves_no_secret_and_an_empty_stick)
{
	const struct stick_spoil *s = &stick_spoils[_i];
	const char *path = stick_path("retired.img");
	struct disk_fd state;
	struct disk disk;
	struct fatread v;
	struct fatread_dir dir;
	struct fatread_entry e;
	uint8_t *image;
	size_t size;
	int rc, fd;

	stick_spoiled(path, s, &content);
	rc = ukpu("retire", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "unused record"), "%s: %d:\n%s", s->name, rc,
		      output);
	rc = ukpu("retire", "--image", path, "--yes", "--overwrite-unused", "--discard-other-files",
		 NULL);
	ck_assert_msg(rc == 0, "%s: %d:\n%s", s->name, rc, output);
	ck_assert_uint_ge(backups(NULL, 0), 1);
	image = stick_load(path, &size);
	for (size_t i = 1; i < content.size / SBIN_CHUNK; i++)
		ck_assert_msg(!memmem(image, size, content.data + i * SBIN_CHUNK + 24, 64),
			      "%s: record %zu still stands on the stick", s->name, i);
	free(image);
	fd = open(path, O_RDONLY);
	ck_assert_int_eq(disk_open_fd(&disk, &state, fd, "stick", NULL), 0);
	ck_assert_int_eq(fatread_open(&v, &disk, 2048 * FAT_SECTOR, 0, NULL), 0);
	fatread_dir_begin(&dir, &v, 0);
	ck_assert_int_eq(fatread_dir_next(&dir, &e, NULL), 0);
	close(fd);
}
END_TEST

/* Whatever the checker thinks of the header: what is in the records are keys. */
START_TEST(keys_behind_a_damaged_header_are_not_overwritten_unasked)
{
	/* UUID, chunks of the header, records consumed, chunks of a record */
	static const struct {
		size_t at;
		uint8_t value;
	} damage[] = { { 3, 0xFF }, { 16, 0 }, { 32, 0xFF }, { 36, 0 } };
	const char *path = stick_path("header.img"), *file = stick_path("new.bin");
	struct content fresh = stick_content(2, 0, 77);
	uint8_t *before, *after;
	size_t size;
	int rc;

	content.data[damage[_i].at] = damage[_i].value;
	stick_make(path, LAYOUT_FAT16, STICK_BYTES, &content);
	stick_store(file, fresh.data, fresh.size);
	before = stick_load(path, &size);
	rc = ukpu("prepare", "--image", path, file, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "still has 3 unused records"), "%d:\n%s", rc,
		      output);
	after = stick_load(path, &size);
	ck_assert_mem_eq(before, after, size);
	free(before);
	free(after);
	rc = ukpu("prepare", "--image", path, file, "--yes", "--overwrite-unused", NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
	ck_assert_uint_eq(backups(NULL, 0), 1);
	content_wipe(&fresh);
}
END_TEST

/* What is left of a deleted file in pieces, whose chain the FAT has forgotten. */
START_TEST(retire_wipes_records_that_are_in_no_file)
{
	const char *path = stick_path("deleted.img");
	struct content served = stick_content(9, 9, 3);
	bool beside = _i > 0;
	uint64_t end = _i == 2 ? 2048 * LAYOUT_MIB : STICK_BYTES;
	uint8_t sector[SBIN_CHUNK];
	int rc;

	if (beside)
		stick_make(path, LAYOUT_FAT16, end, &served);
	else
		stick_store(path, "", 1);
	stick_put(path, 20 * LAYOUT_MIB, content.data + 2 * SBIN_CHUNK, 2 * SBIN_CHUNK);
	stick_put(path, end - 10 * LAYOUT_MIB, content.data + 4 * SBIN_CHUNK, SBIN_CHUNK);
	stick_put_byte(path, end - 1, 0);
	rc = ukpu("retire", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "3 unused records, of which 3 "),
		      "%d:\n%s", rc, output);
	rc = ukpu("retire", "--image", path, "--yes", "--overwrite-unused", NULL);
	ck_assert_msg(rc == 0 && strstr(output, "3 of its unused records are in no file") &&
		      strstr(output, " and records in no file"), "%d:\n%s", rc, output);
	for (size_t i = 2; i < 5; i++) {
		stick_get(path, i < 4 ? 20 * LAYOUT_MIB + (i - 2) * SBIN_CHUNK :
			  end - 10 * LAYOUT_MIB, sector, sizeof(sector));
		ck_assert_msg(memcmp(sector + 24, content.data + i * SBIN_CHUNK + 24, 64),
			      "record %zu still stands on the stick", i);
	}
	content_wipe(&served);
}
END_TEST

/* An image need not end with a whole sector. */
START_TEST(retire_of_the_whole_stick_overwrites_every_byte)
{
	const char *path = stick_path("whole.img");
	uint8_t *junk = malloc(STICK_BYTES + 100);
	size_t size, data = (2048 + 700) * FAT_SECTOR;
	int rc;

	memset(junk, 0xA5, STICK_BYTES + 100);
	stick_store(path, junk, STICK_BYTES + 100);
	free(junk);
	rc = ukpu("retire", "--image", path, "--yes", NULL);
	ck_assert_msg(rc == 1, "%d:\n%s", rc, output);
	rc = ukpu("retire", "--image", path, "--yes", "--whole", NULL);
	ck_assert_msg(rc == 2 && strstr(output, "all of it (unknown data)"), "%d:\n%s", rc, output);
	rc = ukpu("retire", "--image", path, "--yes", "--whole", "--discard-other-files", NULL);
	ck_assert_msg(rc == 0, "%d:\n%s", rc, output);
	junk = stick_load(path, &size);
	while (data < size && !junk[data])
		data++;
	ck_assert_uint_eq(data, size);
	free(junk);
}
END_TEST

TEST_SUITE("repair")
{
	TCase *t = tcase_create("as a person runs it");
	int spoils = 0;

	while (stick_spoils[spoils].name)
		spoils++;
	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_spoiled_stick_is_repaired_with_the_same_bytes, 0, spoils);
	tcase_add_loop_test(t, a_dry_run_of_a_repair_changes_nothing, 0, spoils);
	tcase_add_loop_test(t, a_sound_stick_keeps_its_layout_and_is_left_alone, 0, 3);
	tcase_add_test(t, a_sound_fat32_with_a_spoiled_directory_stays_fat32);
	tcase_add_test(t, of_several_one_is_picked_and_the_others_are_kept);
	tcase_add_test(t, a_deleted_file_is_not_taken_unasked_for_a_damaged_one_that_is_there);
	tcase_add_test(t, other_files_are_saved_under_safe_names);
	tcase_add_test(t, what_cannot_be_repaired_says_why_and_is_left_as_it_is);
	tcase_add_test(t, a_stick_is_rebuilt_from_its_backup);
	tcase_add_loop_test(t, from_every_cut_the_command_rebuilds_from_the_backup, 0, 3);
	tcase_add_test(t, a_backup_that_cannot_be_made_stops_the_repair);
	tcase_add_loop_test(t, retire_leaves_no_secret_and_an_empty_stick, 0, spoils);
	tcase_add_loop_test(t, keys_behind_a_damaged_header_are_not_overwritten_unasked, 0, 4);
	tcase_add_loop_test(t, retire_wipes_records_that_are_in_no_file, 0, 3);
	tcase_add_test(t, retire_of_the_whole_stick_overwrites_every_byte);
	suite_add_tcase(suite, t);
}
