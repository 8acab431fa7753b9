/* Sticks for tests: contents, files, sound images. */
#include "tests/support/stick.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/bytes.h"
#include "ukpu/stick/plan.h"
#include "ukpu/stick/stick.h"

static char folder[64];

/* PID and PPS out of a number; the check characters make them whole. */
static void make_pair(struct pidpps *p, unsigned number)
{
	char c;

	snprintf(p->pid, sizeof(p->pid), "T%06u", number % 1000000);
	c = pidpps_check_character(p->pid, 7);
	p->pid[7] = c;
	p->pid[8] = '\0';
	for (int i = 0; i < 8; i++) {
		char *group = p->pps + 4 * i;

		snprintf(group, 4, "%c%02u", 'A' + i, (number + (unsigned)i) % 100);
		group[3] = pidpps_check_character(group, 3);
	}
	p->pps[PPS_LENGTH] = '\0';
}

struct content stick_content(unsigned records, unsigned used, unsigned seed)
{
	struct sbin_version version = { 2, 1 };
	struct content c = { .size = (1 + (uint64_t)records) * SBIN_CHUNK };
	struct sbin_header h;

	c.data = calloc(1, c.size);
	ck_assert_ptr_nonnull(c.data);
	ck_assert_int_eq(sbin_header_make(&h, version, 0, records, NULL), 0);
	h.consumed = used;
	sbin_header_encode(&h, c.data);
	for (unsigned i = 0; i < records; i++) {
		uint8_t *at = c.data + (1 + (size_t)i) * SBIN_CHUNK;
		struct keyentry entry = { 0 };
		struct sbin_record r;

		make_pair(&entry.pair, seed * 1000 + i);
		strcpy(entry.current_password, "admin");
		strcpy(entry.new_password, "Test-pass1!");
		sbin_record_init(&r, at, SBIN_CHUNK, i + 1);
		ck_assert_int_eq(sbin_record_from_entry(&r, &entry, false, NULL), 0);
		if (i < used)
			r.flags &= ~(uint32_t)SBIN_VALID;
		sbin_record_encode(&r);
	}
	return c;
}

const char *stick_folder(void)
{
	if (!folder[0]) {
		snprintf(folder, sizeof(folder), "/tmp/kit-stick-XXXXXX");
		ck_assert_ptr_nonnull(mkdtemp(folder));
	}
	return folder;
}

const char *stick_path(const char *name)
{
	static char paths[4][160];
	static unsigned next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", stick_folder(), name);
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void stick_clean(void)
{
	if (folder[0])
		nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	folder[0] = '\0';
}

uint8_t *stick_load(const char *path, size_t *size)
{
	struct stat st;
	uint8_t *data;
	int fd = open(path, O_RDONLY);

	ck_assert_msg(fd >= 0, "%s cannot be opened", path);
	ck_assert_int_eq(fstat(fd, &st), 0);
	*size = (size_t)st.st_size;
	data = malloc(*size + 1);
	ck_assert_ptr_nonnull(data);
	ck_assert_int_eq(read(fd, data, *size), (ssize_t)*size);
	close(fd);
	return data;
}

void stick_store(const char *path, const void *data, size_t size)
{
	static const uint8_t zeros[65536];
	const uint8_t *p = data;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_ge(fd, 0);
	/* Images are mostly zeros: holes, which nobody has to flush. */
	ck_assert_int_eq(ftruncate(fd, (off_t)size), 0);
	for (size_t at = 0, n; at < size; at += n) {
		n = size - at < sizeof(zeros) ? size - at : sizeof(zeros);
		if (memcmp(p + at, zeros, n))
			ck_assert_int_eq(pwrite(fd, p + at, n, (off_t)at), (ssize_t)n);
	}
	close(fd);
}

void stick_get(const char *path, uint64_t offset, void *data, size_t size)
{
	int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pread(fd, data, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

void stick_put(const char *path, uint64_t offset, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, data, size, (off_t)offset), (ssize_t)size);
	close(fd);
}

void stick_put_byte(const char *path, uint64_t offset, uint8_t byte)
{
	stick_put(path, offset, &byte, 1);
}

void stick_make(const char *path, enum layout_kind kind, uint64_t size,
		const struct content *content)
{
	struct plan_request rq = {
		.kind = kind, .file = content->data, .file_bytes = content->size,
	};
	struct fault fault = { 0 };
	struct target *t = NULL;
	struct plan plan;

	unlink(path);
	ck_assert_msg(!target_create(&t, path, size, &fault), "%s", fault.what);
	ck_assert_msg(!plan_make(&plan, t, &rq, &fault), "%s", fault.what);
	ck_assert_msg(!stick_write(&plan, t, NULL, &fault), "%s", fault.what);
	plan_free(&plan);
	target_close(&t);
}

void stick_format(const char *path, uint64_t start, const struct fat_geometry *g,
		  const struct content *content)
{
	uint64_t bytes = content ? content->size : 0;
	uint64_t fat = start + (uint64_t)g->reserved * g->sector_bytes;
	uint64_t root = g->type == FAT32 ? fat_cluster_offset(g, g->root_cluster) :
		(uint64_t)g->root_sector * g->sector_bytes;
	uint8_t sector[FAT_SECTOR];

	fat_encode_boot(g, 0x12345678, sector);
	stick_put(path, start, sector, sizeof(sector));
	if (g->type == FAT32) {
		stick_put(path, start + (uint64_t)g->backup_sector * g->sector_bytes, sector,
			  sizeof(sector));
		fat_encode_info(g, bytes, sector);
		stick_put(path, start + (uint64_t)g->info_sector * g->sector_bytes, sector,
			  sizeof(sector));
	}
	for (unsigned copy = 0; copy < g->fats; copy++) {
		uint64_t size = (uint64_t)g->fat_sectors * g->sector_bytes;

		for (uint32_t i = 0; i < size / FAT_SECTOR; i++) {
			fat_encode_fat(g, bytes, i, sector);
			stick_put(path, fat + copy * size + (uint64_t)i * FAT_SECTOR, sector,
				  sizeof(sector));
		}
	}
	memset(sector, 0, sizeof(sector));
	if (content)
		fat_encode_entry(g, SBIN_NAME, (uint32_t)bytes, 1700000000, sector);
	stick_put(path, start + root, sector, sizeof(sector));
	if (content)
		stick_put(path, start + fat_cluster_offset(g, fat_file_cluster(g)), content->data,
			  content->size);
}

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
	uint32_t crc = ~0u;

	while (n--) {
		crc ^= *p++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return ~crc;
}

void stick_put_gpt(const char *path, uint64_t stick_sectors, uint64_t start, uint64_t sectors)
{
	uint8_t mbr[FAT_SECTOR] = { 0 }, h[FAT_SECTOR] = "EFI PART", e[4 * 128] = { 0 };
	uint64_t last = stick_sectors - 1;

	mbr[446 + 4] = 0xEE;
	put_le32(mbr + 446 + 8, 1);
	put_le32(mbr + 446 + 12, (uint32_t)last);
	put_le16(mbr + FAT_SIGNATURE_AT, FAT_SIGNATURE);
	stick_put(path, 0, mbr, sizeof(mbr));
	memset(e, 0x5A, 32);		/* its type and its own id: any but zero */
	put_le64(e + 32, start);
	put_le64(e + 40, start + sectors - 1);
	put_le32(h + 12, 92);
	put_le64(h + 24, 1);
	put_le64(h + 32, last);
	put_le64(h + 72, 2);
	put_le32(h + 80, 4);
	put_le32(h + 84, 128);
	put_le32(h + 88, crc32_of(e, sizeof(e)));
	put_le32(h + 16, crc32_of(h, 92));
	stick_put(path, FAT_SECTOR, h, sizeof(h));
	stick_put(path, 2 * FAT_SECTOR, e, sizeof(e));
	put_le64(h + 24, last);
	put_le64(h + 32, 1);
	put_le64(h + 72, last - 1);
	put_le32(h + 16, 0);
	put_le32(h + 16, crc32_of(h, 92));
	stick_put(path, (last - 1) * FAT_SECTOR, e, sizeof(e));
	stick_put(path, last * FAT_SECTOR, h, sizeof(h));
}

void stick_spoiled(const char *path, const struct stick_spoil *s, const struct content *content)
{
	struct layout l;

	stick_make(path, s->layout, STICK_BYTES, content);
	ck_assert_int_eq(layout_make(&l, s->layout, STICK_BYTES, FAT_SECTOR, content->size, NULL),
			 0);
	s->spoil(path, &l, content);
}
