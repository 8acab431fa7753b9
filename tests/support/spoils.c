/* The traps that sticks fall into, one function each. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "tests/support/stick.h"
#include "ukpu/format/fatread.h"

#define ENTRY	446	/* the MBR's first entry */

static uint64_t volume(const struct layout *l)
{
	return layout_volume_offset(l);
}

static uint64_t root(const struct layout *l)
{
	const struct fat_geometry *g = &l->g;

	return volume(l) + (g->type == FAT32 ? fat_cluster_offset(g, g->root_cluster) :
			    (uint64_t)g->root_sector * FAT_SECTOR);
}

/* Set a FAT entry in both copies, or in one. */
static void set_fat(const char *path, const struct layout *l, uint32_t cluster, uint32_t value,
		    unsigned copies)
{
	const struct fat_geometry *g = &l->g;
	uint8_t raw[4];

	put_le32(raw, value);
	for (unsigned i = 0; i < copies; i++)
		stick_put(path,
			  volume(l) + ((uint64_t)g->reserved + i * g->fat_sectors) * FAT_SECTOR +
				  (uint64_t)cluster * (g->type / 8),
			  raw, g->type / 8);
}

/* A directory slot with a short entry. */
static void make_entry(uint8_t *e, const char *name, uint8_t attributes, uint32_t cluster,
		       uint32_t size)
{
	memset(e, 0, FAT_ENTRY);
	memcpy(e, name, 11);
	e[11] = attributes;
	put_le16(e + 20, (uint16_t)(cluster >> 16));
	put_le16(e + 26, (uint16_t)cluster);
	put_le32(e + 28, size);
}

/* Put SLOT in front of the root directory's present entry. */
static void put_first(const char *path, const struct layout *l, const uint8_t *slot)
{
	uint8_t slots[2 * FAT_ENTRY];

	stick_get(path, root(l), slots + FAT_ENTRY, FAT_ENTRY);
	memcpy(slots, slot, FAT_ENTRY);
	stick_put(path, root(l), slots, sizeof(slots));
}

/* A long name part for the short name in SHORT: what "cp setup.bin" on Linux puts first. */
static void make_long(uint8_t *e, const char *name, const uint8_t *short_name)
{
	static const uint8_t at[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
	size_t n = strlen(name);
	uint8_t sum = 0;

	for (int i = 0; i < 11; i++)
		sum = (uint8_t)((sum >> 1 | sum << 7) + short_name[i]);
	memset(e, 0, FAT_ENTRY);
	e[0] = 0x41;
	e[11] = FAT_LONG_NAME;
	e[13] = sum;
	for (size_t i = 0; i < 13; i++)
		put_le16(e + at[i], i < n ? (uint16_t)name[i] : i == n ? 0 : 0xFFFF);
}

static void long_name_first(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t e[FAT_ENTRY];

	(void)c;
	make_long(e, "setup.bin", (const uint8_t *)SBIN_NAME);
	put_first(path, l, e);
}

static void label_first(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t e[FAT_ENTRY];

	(void)c;
	make_entry(e, "MY STICK   ", FAT_LABEL, 0, 0);
	put_first(path, l, e);
}

static void deleted_first(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t e[FAT_ENTRY];

	(void)c;
	make_entry(e, "\xE5OTES   TXT", FAT_ARCHIVE, 0, 0);
	put_first(path, l, e);
}

/* A file of one cluster far behind; before or after SETUP.BIN. */
static void add_file(const char *path, const struct layout *l, const char *name, bool first)
{
	uint8_t e[FAT_ENTRY];
	uint32_t cluster = 1000;

	make_entry(e, name, FAT_ARCHIVE, cluster, 5);
	if (first)
		put_first(path, l, e);
	else
		stick_put(path, root(l) + FAT_ENTRY, e, sizeof(e));
	set_fat(path, l, cluster, fat_end(l->g.type), 2);
	stick_put(path, volume(l) + fat_cluster_offset(&l->g, cluster), "hello", 5);
}

static void second_entry(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	add_file(path, l, "README  TXT", true);
}

static void other_files(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	add_file(path, l, "PHOTO   JPG", false);
}

static void lower_case(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, root(l) + 12, 0x18);
}

static void read_only(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, root(l) + 11, FAT_READ_ONLY | FAT_ARCHIVE);
}

static void renamed(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, root(l), "KEYS    OLD", 11);
}

static void deleted(const char *path, const struct layout *l, const struct content *c)
{
	uint32_t first = fat_file_cluster(&l->g), n = fat_file_clusters(&l->g, c->size);

	stick_put_byte(path, root(l), 0xE5);
	for (uint32_t i = 0; i < n; i++)
		set_fat(path, l, first + i, 0, 2);
}

/* The file's entry moves into a folder. */
static void in_a_folder(const char *path, const struct layout *l, const struct content *c)
{
	uint32_t folder = 2000;
	uint64_t at = volume(l) + fat_cluster_offset(&l->g, folder);
	uint8_t slots[3 * FAT_ENTRY] = { 0 }, e[FAT_ENTRY];

	(void)c;
	make_entry(slots, ".          ", FAT_DIRECTORY, folder, 0);
	make_entry(slots + FAT_ENTRY, "..         ", FAT_DIRECTORY, 0, 0);
	stick_get(path, root(l), slots + 2 * FAT_ENTRY, FAT_ENTRY);
	stick_put(path, at, slots, sizeof(slots));
	set_fat(path, l, folder, fat_end(l->g.type), 2);
	make_entry(e, "AMT        ", FAT_DIRECTORY, folder, 0);
	stick_put(path, root(l), e, sizeof(e));
}

/* Directory and FATs are gone, the file's bytes still stand at a cluster's beginning. */
static void bare_cluster(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t zeros[FAT_SECTOR] = { 0 };

	(void)c;
	stick_put(path, root(l), zeros, sizeof(zeros));
	stick_put(path, volume(l) + (uint64_t)l->g.reserved * FAT_SECTOR, zeros, sizeof(zeros));
	stick_put(path, volume(l) + ((uint64_t)l->g.reserved + l->g.fat_sectors) * FAT_SECTOR,
		  zeros, sizeof(zeros));
}

/* Every cluster of the file but the first moves one on. */
static void fragmented(const char *path, const struct layout *l, const struct content *c)
{
	uint32_t first = fat_file_cluster(&l->g), n = fat_file_clusters(&l->g, c->size);
	uint64_t cluster = fat_cluster_bytes(&l->g);
	uint8_t *copy = calloc(1, (size_t)((n + 1) * cluster));

	ck_assert_uint_ge(n, 2);
	ck_assert_ptr_nonnull(copy);
	memcpy(copy + cluster, c->data + cluster, (size_t)(c->size - cluster));
	stick_put(path, volume(l) + fat_cluster_offset(&l->g, first + 1), copy,
		  (size_t)(n * cluster));
	set_fat(path, l, first, first + 2, 2);
	set_fat(path, l, first + 1, 0, 2);
	for (uint32_t i = first + 2; i < first + n; i++)
		set_fat(path, l, i, i + 1, 2);
	set_fat(path, l, first + n, fat_end(l->g.type), 2);
	free(copy);
}

static void dirty(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_fat(path, l, 1, fat_end(l->g.type) & ~(l->g.type == FAT32 ? 0x08000000u : 0x8000u), 2);
}

static void differing_fats(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path,
		       volume(l) + ((uint64_t)l->g.reserved + l->g.fat_sectors) * FAT_SECTOR + 8,
		       0x55);
}

static void lost_cluster(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_fat(path, l, 3000, fat_end(l->g.type), 2);
}

static void chain_in_a_circle(const char *path, const struct layout *l, const struct content *c)
{
	uint32_t first = fat_file_cluster(&l->g);

	(void)c;
	set_fat(path, l, first + 1, first, 2);
}

/* The chain leads out of the volume. */
static void chain_to_nowhere(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_fat(path, l, fat_file_cluster(&l->g), fat_end(l->g.type) & ~0x10u, 2);
}

/* Bytes by the directory entry. */
static void put_size(const char *path, const struct layout *l, uint32_t bytes)
{
	uint8_t field[4];

	put_le32(field, bytes);
	stick_put(path, root(l) + 28, field, sizeof(field));
}

static void size_too_small(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	put_size(path, l, 2 * SBIN_CHUNK);
}

static void size_too_large(const char *path, const struct layout *l, const struct content *c)
{
	put_size(path, l, (uint32_t)c->size + 40 * SBIN_CHUNK);
}

static void size_without_end(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	put_size(path, l, UINT32_MAX);
}

static void fat_tail(const char *path, const struct layout *l, const struct content *c)
{
	uint64_t end = volume(l) + ((uint64_t)l->g.reserved + l->g.fat_sectors) * FAT_SECTOR;

	(void)c;
	stick_put_byte(path, end - 1, 1);
	stick_put_byte(path, end + (uint64_t)l->g.fat_sectors * FAT_SECTOR - 1, 1);
}

static void root_tail(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, root(l) + 5 * FAT_ENTRY, 'X');
}

static void slack(const char *path, const struct layout *l, const struct content *c)
{
	ck_assert_uint_ne(c->size % fat_cluster_bytes(&l->g), 0);
	stick_put_byte(path, layout_file_offset(l) + c->size, 1);
}

static void wrong_type(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put_byte(path, ENTRY + 4, 0x83);
}

static void active(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put_byte(path, ENTRY, 0x80);
}

static void odd_status(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put_byte(path, ENTRY, 0x01);
}

static void past_the_end(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t sectors[4];

	(void)c;
	put_le32(sectors, (uint32_t)(l->stick_sectors - l->start + 1));
	stick_put(path, ENTRY + 12, sectors, sizeof(sectors));
}

static void second_partition(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t e[16] = { 0, 0, 1, 1, 0x0C, 0x3F, 0x20, 0x3F };

	(void)c;
	put_le32(e + 8, l->start + l->g.sectors);
	put_le32(e + 12, 1024);
	stick_put(path, ENTRY + 16, e, sizeof(e));
}

static void odd_chs(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, ENTRY + 1, "\x20\x21\x03", 3);
}

static void zero_code(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, 0, "\0\0\0\0\0", 5);
}

static void no_signature(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, 510, "\0", 2);
}

static void no_table(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t zeros[FAT_SECTOR] = { 0 };

	(void)l;
	(void)c;
	stick_put(path, 0, zeros, sizeof(zeros));
}

static void stale_gpt(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t header[FAT_SECTOR] = "EFI PART";

	(void)c;
	stick_put(path, FAT_SECTOR, header, sizeof(header));
	stick_put(path, (l->stick_sectors - 1) * FAT_SECTOR, header, sizeof(header));
}

static void stale_gpt_at_the_end(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, (l->stick_sectors - 1) * FAT_SECTOR, "EFI PART", 8);
}

static void iso_remains(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, 32768, "\1CD001\1", 7);
}

static void udf_remains(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, 32768, "\0BEA01\1", 7);
}

static void wrong_hidden(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, volume(l) + 28, "\0\0\0\0", 4);
}

static void wrong_media(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, volume(l) + 21, 0xF0);
}

static void no_jump(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, volume(l), "\0\0\0", 3);
}

static void boot_unsigned(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, volume(l) + 510, "\0", 2);
}

/* Both boot sectors of FAT32 are to say the same; the first is gone here. */
static void boot_sector_gone(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t zeros[FAT_SECTOR] = { 0 };

	(void)c;
	stick_put(path, volume(l), zeros, sizeof(zeros));
}

static void wrong_free_count(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, volume(l) + FAT_SECTOR + 488, 0);
}

/* A GPT in the place of the MBR's entry. */
static void true_gpt(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_gpt(path, l->stick_sectors, l->start, l->g.sectors);
}

static void foreign_code(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put_byte(path, 100, 0x90);
}

static void zero_loader(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t zeros[510 - 90] = { 0 };

	(void)c;
	stick_put(path, volume(l) + 62, zeros, sizeof(zeros));
}

static void set_entry_sectors(const char *path, uint32_t sectors)
{
	uint8_t raw[4];

	put_le32(raw, sectors);
	stick_put(path, ENTRY + 12, raw, sizeof(raw));
}

static void short_partition(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_entry_sectors(path, l->g.sectors - 1);
}

static void long_partition(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_entry_sectors(path, l->g.sectors + 1);
}

static void media_f0(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, volume(l) + 21, 0xF0);
	set_fat(path, l, 0, 0xFFF0, 2);
}

static void root_at_0(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, volume(l) + 44, "\0\0\0\0", 4);
}

static void no_info(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put(path, volume(l) + FAT_INFO_SECTOR * FAT_SECTOR, "\0\0\0\0", 4);
}

/* The volume id is random: only a turned bit is sure to be another one. */
static void other_backup(const char *path, const struct layout *l, const struct content *c)
{
	uint64_t id = volume(l) + FAT_BACKUP_SECTOR * FAT_SECTOR + 67;
	uint8_t byte;

	(void)c;
	stick_get(path, id, &byte, 1);
	stick_put_byte(path, id, byte ^ 1);
}

static void bad_cluster(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	set_fat(path, l, 3000, 0xFFF7, 2);
}

/* FAT32's root is a chain: this one's first cluster is full, and leads nowhere. */
static void root_chain_broken(const char *path, const struct layout *l, const struct content *c)
{
	uint8_t e[FAT_ENTRY];

	(void)c;
	make_entry(e, "\xE5OTES   TXT", FAT_ARCHIVE, 0, 0);
	for (uint32_t at = FAT_ENTRY; at < fat_cluster_bytes(&l->g); at += FAT_ENTRY)
		stick_put(path, root(l) + at, e, sizeof(e));
	set_fat(path, l, l->g.root_cluster, l->g.clusters + 100, 2);
}

static void hidden(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, root(l) + 11, FAT_HIDDEN | FAT_ARCHIVE);
}

static void not_archive(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, root(l) + 11, 0);
}

/* Another geometry in the same place; its parts follow from the numbers given. */
static void reformat(const char *path, const struct layout *l, const struct content *c,
		     struct fat_geometry g)
{
	g.root_sector = g.reserved + g.fats * g.fat_sectors;
	g.data_sector = g.root_sector + g.root_entries * FAT_ENTRY / FAT_SECTOR;
	g.clusters = (g.sectors - g.data_sector) / g.cluster_sectors;
	stick_format(path, volume(l), &g, c);
}

static void one_fat(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	g.fats = 1;
	reformat(path, l, c, g);
}

static void short_fat(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	g.fat_sectors = 20;
	reformat(path, l, c, g);
}

/* 4,090 clusters: a miscount by a handful makes it FAT12. */
static void near_the_limit(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	g.cluster_sectors = 8;
	g.sectors = g.data_sector + 4090 * g.cluster_sectors;
	reformat(path, l, c, g);
	set_entry_sectors(path, g.sectors);
}

/* Only the number is spoiled: 64 KiB a cluster, and so few of them are FAT12. */
static void huge_clusters(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	stick_put_byte(path, volume(l) + 13, 128);
}

/* What "mkfs.fat -F16" makes: 4 reserved sectors. */
static void reserved_4(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	g.reserved = 4;
	g.root_sector += 3;
	g.data_sector += 3;
	g.clusters = (g.sectors - g.data_sector) / g.cluster_sectors;
	stick_format(path, volume(l), &g, c);
}

/* "Sector size 1 KB", as one paper has it. */
static void sectors_1024(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	g.sector_bytes = 1024;
	g.cluster_sectors = 1;
	g.sectors = l->g.sectors / 2;
	g.fat_sectors = l->g.fat_sectors / 2 + 1;
	g.root_sector = g.reserved + 2 * g.fat_sectors;
	g.data_sector = g.root_sector + 16;
	g.clusters = g.sectors - g.data_sector;
	stick_format(path, volume(l), &g, c);
}

/* FAT32 by its fields, FAT16 by its clusters. */
static void fat32_too_small(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	ck_assert_int_eq(g.type, FAT32);
	g.cluster_sectors = 8;
	g.fat_sectors = 128;
	g.root_sector = g.data_sector = g.reserved + 2 * g.fat_sectors;
	g.clusters = (g.sectors - g.data_sector) / g.cluster_sectors;
	stick_format(path, volume(l), &g, c);
}

/* Clusters of 64 KiB, as some formatters offer them. */
static void clusters_64k(const char *path, const struct layout *l, const struct content *c)
{
	struct fat_geometry g = l->g;

	ck_assert_int_eq(g.type, FAT32);
	g.cluster_sectors = 128;
	g.clusters = (g.sectors - g.data_sector) / g.cluster_sectors;
	stick_format(path, volume(l), &g, c);
}

/* The boot sector's count of sectors, and no other, is N. */
static void say_sectors(const char *path, const struct layout *l, uint32_t n)
{
	uint8_t sectors[4];

	ck_assert_uint_gt(l->g.sectors, UINT16_MAX);	/* so it stands in the wide field */
	put_le32(sectors, n);
	stick_put(path, volume(l) + 32, sectors, sizeof(sectors));
}

static void volume_too_short(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	say_sectors(path, l, l->g.sectors - l->g.cluster_sectors);
}

static void volume_too_long(const char *path, const struct layout *l, const struct content *c)
{
	(void)c;
	say_sectors(path, l, l->g.sectors + l->g.cluster_sectors);
}

static void starts_at_0(const char *path, const struct layout *l, const struct content *c)
{
	(void)l;
	(void)c;
	stick_put(path, ENTRY + 8, "\0\0\0\0", 4);
}

/* The whole file, in one piece, but in the middle of the volume. */
static void starts_later(const char *path, const struct layout *l, const struct content *c)
{
	const struct fat_geometry *g = &l->g;
	uint32_t old = fat_file_cluster(g), new = 2000, cluster = fat_cluster_bytes(g);
	uint32_t n = ((uint32_t)c->size + cluster - 1) / cluster;
	uint8_t number[2];

	ck_assert_int_eq(g->type, FAT16);
	for (uint32_t i = 0; i < n; i++) {
		set_fat(path, l, old + i, 0, 2);
		set_fat(path, l, new + i, i + 1 < n ? new + i + 1 : fat_end(g->type), 2);
	}
	put_le16(number, (uint16_t)new);
	stick_put(path, root(l) + 26, number, sizeof(number));
	stick_put(path, volume(l) + fat_cluster_offset(g, new), c->data, c->size);
}

#define F16 LAYOUT_FAT16
#define F32 LAYOUT_FAT32
#define FLOPPY LAYOUT_SUPERFLOPPY

const struct stick_spoil stick_spoils[] = {
	{ "a long name comes first", F16, long_name_first, "root-first", VERIFY_FAIL, false,
	  false },
	{ "the label comes first", F16, label_first, "root-first", VERIFY_FAIL, false, false },
	{ "a deleted entry comes first", F16, deleted_first, "root-first", VERIFY_FAIL, false,
	  false },
	{ "a deleted entry is there", F16, deleted_first, "root-deleted", VERIFY_FAIL, false,
	  false },
	{ "it is the second entry", F16, second_entry, "root-first", VERIFY_FAIL, true, false },
	{ "other files are there", F16, other_files, "root-only", VERIFY_FAIL, true, false },
	{ "other files' clusters", F32, other_files, "fat-only", VERIFY_FAIL, true, false },
	{ "the name shows in lower case", F16, lower_case, "root-first", VERIFY_FAIL, false,
	  false },
	{ "the read-only attribute", F16, read_only, "root-attributes", VERIFY_FAIL, false, false },
	{ "renamed", F16, renamed, "root-first", VERIFY_FAIL, false, true },
	{ "renamed on FAT32", F32, renamed, "root-first", VERIFY_FAIL, false, true },
	{ "deleted", F16, deleted, "root-first", VERIFY_FAIL, false, true },
	{ "deleted on FAT32", F32, deleted, "root-first", VERIFY_FAIL, false, true },
	{ "in a folder", F16, in_a_folder, "root-first", VERIFY_FAIL, false, true },
	{ "in a folder on FAT32", F32, in_a_folder, "root-only", VERIFY_FAIL, false, true },
	{ "FAT and directory are gone", F16, bare_cluster, "root-first", VERIFY_FAIL, false, true },
	{ "fragmented", F16, fragmented, "file-contiguous", VERIFY_FAIL, false, false },
	{ "fragmented on FAT32", F32, fragmented, "file-contiguous", VERIFY_FAIL, false, false },
	{ "dirty", F16, dirty, "fat-clean", VERIFY_FAIL, false, false },
	{ "dirty FAT32", F32, dirty, "fat-clean", VERIFY_FAIL, false, false },
	{ "differing FATs", F16, differing_fats, "fat-copies", VERIFY_FAIL, false, false },
	{ "a lost cluster", F16, lost_cluster, "fat-lost", VERIFY_FAIL, false, false },
	{ "a chain in a circle", F16, chain_in_a_circle, "fat-chains", VERIFY_FAIL, false, false },
	{ "a chain to nowhere", F16, chain_to_nowhere, "file-chain", VERIFY_FAIL, false, false },
	{ "too few bytes by its entry", F16, size_too_small, "fat-chains", VERIFY_FAIL, false,
	  false },
	{ "too many bytes by its entry", F16, size_too_large, "file-chain", VERIFY_FAIL, false,
	  false },
	{ "more bytes than the stick has", F32, size_without_end, "file-chain", VERIFY_FAIL, false,
	  false },
	{ "the FAT's tail", F16, fat_tail, "fat-tail", VERIFY_WARN, false, false },
	{ "behind the root's end", F16, root_tail, "root-end", VERIFY_WARN, false, false },
	{ "slack", F16, slack, "file-slack", VERIFY_WARN, false, false },
	{ "a wrong type byte", F16, wrong_type, "table-type", VERIFY_FAIL, false, false },
	{ "the active flag", F16, active, "table-active", VERIFY_FAIL, false, false },
	{ "a status of no meaning", F16, odd_status, "table-active", VERIFY_FAIL, false, false },
	{ "a partition past the end", F16, past_the_end, "table-end", VERIFY_FAIL, false, true },
	{ "a second partition", F16, second_partition, "table-entries", VERIFY_FAIL, false, false },
	{ "cylinders that lie", F16, odd_chs, "table-chs", VERIFY_WARN, false, false },
	{ "zero boot code", F16, zero_code, "table-code", VERIFY_WARN, false, false },
	{ "no 55 AA", F16, no_signature, "table-signature", VERIFY_FAIL, false, true },
	{ "no table", F16, no_table, "table-entries", VERIFY_FAIL, false, true },
	{ "a stale GPT", F16, stale_gpt, "table-remains", VERIFY_FAIL, false, false },
	{ "a stale GPT at the end", F16, stale_gpt_at_the_end, "table-remains", VERIFY_FAIL, false,
	  false },
	{ "remains of ISO 9660", F16, iso_remains, "table-remains", VERIFY_FAIL, false, false },
	{ "remains of UDF", F16, udf_remains, "table-remains", VERIFY_FAIL, false, false },
	{ "a GPT instead", F16, true_gpt, "table-entries", VERIFY_FAIL, false, false },
	{ "a GPT has no cylinders", F16, true_gpt, "table-chs", VERIFY_FAIL, false, false },
	{ "foreign boot code", F16, foreign_code, "table-code", VERIFY_WARN, false, false },
	{ "a superfloppy without boot code", FLOPPY, zero_loader, "table-code", VERIFY_WARN, false,
	  false },
	{ "a partition shorter than its volume", F16, short_partition, "boot-sectors", VERIFY_FAIL,
	  false, false },
	{ "a partition longer than its volume", F16, long_partition, "boot-sectors", VERIFY_WARN,
	  false, false },
	{ "the media byte of floppies", F16, media_f0, "boot-media", VERIFY_WARN, false, false },
	{ "one FAT", F16, one_fat, "boot-fats", VERIFY_FAIL, false, false },
	{ "a FAT that is too short", F16, short_fat, "fat-size", VERIFY_FAIL, false, false },
	{ "clusters near FAT12's limit", F16, near_the_limit, "boot-clusters", VERIFY_WARN, false,
	  false },
	{ "clusters of 64 KiB", F16, huge_clusters, "boot-cluster", VERIFY_FAIL, false, false },
	{ "so few clusters are FAT12", F16, huge_clusters, "boot-clusters", VERIFY_FAIL, false,
	  false },
	{ "FAT32's root at cluster 0", F32, root_at_0, "boot-fat32", VERIFY_FAIL, false, true },
	{ "FAT32 without FSInfo", F32, no_info, "boot-fat32", VERIFY_WARN, false, false },
	{ "FAT32's boot sectors differ", F32, other_backup, "boot-fat32", VERIFY_WARN, false,
	  false },
	{ "FAT32's root leads nowhere", F32, root_chain_broken, "root-first", VERIFY_FAIL, true,
	  false },
	{ "a cluster marked bad", F16, bad_cluster, "fat-bad", VERIFY_WARN, false, false },
	{ "a hidden file", F16, hidden, "root-attributes", VERIFY_FAIL, false, false },
	{ "no archive attribute", F16, not_archive, "root-attributes", VERIFY_WARN, false, false },
	{ "wrong hidden sectors", F16, wrong_hidden, "boot-hidden", VERIFY_WARN, false, false },
	{ "a media byte that the FAT denies", F16, wrong_media, "boot-media", VERIFY_FAIL, false,
	  false },
	{ "no jump", F16, no_jump, "boot-jump", VERIFY_FAIL, false, false },
	{ "a boot sector without 55 AA", F16, boot_unsigned, "boot-signature", VERIFY_FAIL, false,
	  false },
	{ "the boot sector is gone", F32, boot_sector_gone, "boot-volume", VERIFY_FAIL, false,
	  true },
	{ "a wrong count of free clusters", F32, wrong_free_count, "boot-fat32", VERIFY_WARN, false,
	  false },
	{ "clusters of 64 KiB", F32, clusters_64k, "boot-cluster", VERIFY_FAIL, false, true },
	{ "a volume shorter than its partition", F16, volume_too_short, "boot-sectors", VERIFY_WARN,
	  false, false },
	{ "a volume longer than its partition", F16, volume_too_long, "boot-sectors", VERIFY_FAIL,
	  false, false },
	{ "a partition on top of the table", F16, starts_at_0, "table-start", VERIFY_FAIL, false,
	  true },
	{ "a file that begins later", F16, starts_later, "file-start", VERIFY_WARN, false, false },
	{ "4 reserved sectors", F16, reserved_4, "boot-reserved", VERIFY_WARN, false, false },
	{ "1,024-byte sectors", F16, sectors_1024, "boot-sector-bytes", VERIFY_FAIL, false, false },
	{ "FAT32 with too few clusters", F32, fat32_too_small, "boot-clusters", VERIFY_FAIL, false,
	  true },
	{ "a superfloppy with other files", FLOPPY, other_files, "root-only", VERIFY_FAIL, true,
	  false },
	{ "a superfloppy with differing FATs", FLOPPY, differing_fats, "fat-copies", VERIFY_FAIL,
	  false, false },
	{ NULL, 0, NULL, NULL, 0, false, false },
};
