/* FAT geometry and its fields, by Microsoft's FAT specification 1.03. */
#include "ukpu/format/fat.h"

#include <string.h>
#include <time.h>

#include "common/bytes.h"

static int refuse(const char **why, const char *text)
{
	if (why)
		*why = text;
	return KIT_ERR_FORMAT;
}

static bool power_of_two(uint32_t n)
{
	return n && !(n & (n - 1));
}

/*
 * The boot sector.
 *   OFFSET  SIZE  FIELD
 *      0      3   jump
 *      3      8   maker
 *     11      2   bytes per sector
 *     13      1   sectors per cluster
 *     14      2   reserved sectors
 *     16      1   FATs
 *     17      2   root entries; 0 on FAT32
 *     19      2   sectors, or 0: see 32
 *     21      1   media
 *     22      2   sectors of a FAT; 0 on FAT32
 *     24      2   sectors per track
 *     26      2   heads
 *     28      4   hidden sectors
 *     32      4   sectors
 *     36      4   FAT32: sectors of a FAT
 *     40      2          flags
 *     42      2          version
 *     44      4          first cluster of the root
 *     48      2          FSInfo sector
 *     50      2          backup boot sector
 *   then, from 36 (FAT12, FAT16) or 64 (FAT32):
 *      0      1   drive number
 *      2      1   29: the next fields are there
 *      3      4   volume id
 *      7     11   label
 *     18      8   "FAT16   "
 */
int fat_decode(const uint8_t *sector, struct fat_geometry *out, const char **why)
{
	struct fat_geometry g = { 0 };
	uint64_t used, root_sectors;
	struct reader r;

	reader_init(&r, sector, FAT_SECTOR);
	read_skip(&r, 11);
	g.sector_bytes = read_le16(&r);
	g.cluster_sectors = read_u8(&r);
	g.reserved = read_le16(&r);
	g.fats = read_u8(&r);
	g.root_entries = read_le16(&r);
	g.sectors = read_le16(&r);
	g.media = read_u8(&r);
	g.fat_sectors = read_le16(&r);
	g.fat_size_16 = g.fat_sectors != 0;
	read_skip(&r, 4);
	g.hidden = read_le32(&r);
	if (!g.sectors)
		g.sectors = read_le32(&r);
	else
		read_skip(&r, 4);
	if (!g.fat_size_16) {
		g.fat_sectors = read_le32(&r);
		read_skip(&r, 2);
		g.version = read_le16(&r);
		g.root_cluster = read_le32(&r);
		g.info_sector = read_le16(&r);
		g.backup_sector = read_le16(&r);
	}
	if (!power_of_two(g.sector_bytes) || g.sector_bytes < 512 || g.sector_bytes > 4096)
		return refuse(why, "bytes per sector");
	if (!power_of_two(g.cluster_sectors))
		return refuse(why, "sectors per cluster");
	if (!g.reserved)
		return refuse(why, "reserved sectors");
	if (!g.fats)
		return refuse(why, "number of FATs");
	if (g.media < 0xF8 && g.media != 0xF0)
		return refuse(why, "media");
	if (!g.fat_sectors)
		return refuse(why, "sectors per FAT");
	root_sectors = ((uint64_t)g.root_entries * FAT_ENTRY + g.sector_bytes - 1) /
		g.sector_bytes;
	used = g.reserved + (uint64_t)g.fats * g.fat_sectors + root_sectors;
	if (used >= g.sectors)
		return refuse(why, "sectors in all");
	g.root_sector = g.reserved + g.fats * g.fat_sectors;
	g.data_sector = (uint32_t)used;
	g.clusters = (g.sectors - g.data_sector) / g.cluster_sectors;
	if (!g.clusters)
		return refuse(why, "sectors in all");
	g.type = g.clusters < FAT12_CLUSTERS_END ? FAT12 :
		g.clusters < FAT16_CLUSTERS_END ? FAT16 : FAT32;
	*out = g;
	return 0;
}

uint32_t fat_cluster_bytes(const struct fat_geometry *g)
{
	return g->cluster_sectors * g->sector_bytes;
}

uint64_t fat_cluster_offset(const struct fat_geometry *g, uint32_t cluster)
{
	return ((uint64_t)g->data_sector + (uint64_t)(cluster - 2) * g->cluster_sectors) *
		g->sector_bytes;
}

bool fat_cluster_valid(const struct fat_geometry *g, uint32_t cluster)
{
	return cluster >= 2 && cluster - 2 < g->clusters;
}

uint32_t fat_end(enum fat_type type)
{
	return type == FAT12 ? 0xFFF : type == FAT16 ? 0xFFFF : 0x0FFFFFFF;
}

bool fat_is_end(enum fat_type type, uint32_t value)
{
	return value >= (fat_end(type) & ~7u);
}

bool fat_is_bad(enum fat_type type, uint32_t value)
{
	return value == (fat_end(type) & ~8u);
}

void fat_short_name(const uint8_t *raw, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < FAT_NAME; i++) {
		/* 05 means E5, which as a first byte would mark the entry as deleted. */
		uint8_t c = i == 0 && raw[0] == 0x05 ? FAT_DELETED : raw[i];

		if (i == 8 && memcmp(raw + 8, "   ", 3))
			out[n++] = '.';
		if (c != ' ')
			out[n++] = c > 0x20 && c < 0x7F ? (char)c : '?';
	}
	out[n] = '\0';
}

/*
 * INT 18h makes the BIOS try the next boot device; if it returns, the loop halts. Zeros
 * here would be run as code and hang.
 */
const uint8_t fat_boot_stub[5] = { 0xCD, 0x18, 0xF4, 0xEB, 0xFD };

/* Compute what follows from sectors, cluster_sectors and the FAT's size. */
static bool settle(struct fat_geometry *g)
{
	uint32_t root_sectors = g->root_entries * FAT_ENTRY / FAT_SECTOR;
	uint32_t per_sector = FAT_SECTOR * 8 / g->type;

	for (g->fat_sectors = 1; ; g->fat_sectors++) {
		g->root_sector = g->reserved + g->fats * g->fat_sectors;
		g->data_sector = g->root_sector + root_sectors;
		if (g->data_sector >= g->sectors)
			return false;
		g->clusters = (g->sectors - g->data_sector) / g->cluster_sectors;
		if ((uint64_t)g->fat_sectors * per_sector >= (uint64_t)g->clusters + 2)
			break;
	}
	if (g->type == FAT16)
		return g->clusters >= FAT12_CLUSTERS_END + FAT_LIMIT_DISTANCE &&
			g->clusters < FAT16_CLUSTERS_END - FAT_LIMIT_DISTANCE;
	return g->clusters >= FAT16_CLUSTERS_END + FAT_LIMIT_DISTANCE;
}

int fat_make(struct fat_geometry *out, enum fat_type type, uint32_t sectors, uint32_t hidden)
{
	struct fat_geometry g = {
		.type = type, .sector_bytes = FAT_SECTOR, .cluster_sectors = 2, .reserved = 1,
		.fats = 2, .root_entries = 512, .sectors = sectors, .fat_size_16 = true,
		.hidden = hidden, .media = FAT_MEDIA,
	};
	bool good;

	if (type == FAT16) {
		good = settle(&g);
	} else {
		g.reserved = 32;
		g.root_entries = 0;
		g.fat_size_16 = false;
		g.root_cluster = 2;
		g.info_sector = FAT_INFO_SECTOR;
		g.backup_sector = FAT_BACKUP_SECTOR;
		g.cluster_sectors = 16;
		do {
			g.cluster_sectors /= 2;
			good = settle(&g);
		} while (!good && g.cluster_sectors > 1);
	}
	*out = g;
	return good ? 0 : KIT_ERR_UNFIT;
}

uint32_t fat_file_cluster(const struct fat_geometry *g)
{
	return g->type == FAT32 ? g->root_cluster + 1 : 2;
}

uint32_t fat_file_clusters(const struct fat_geometry *g, uint64_t bytes)
{
	return (uint32_t)((bytes + fat_cluster_bytes(g) - 1) / fat_cluster_bytes(g));
}

uint64_t fat_capacity(const struct fat_geometry *g)
{
	uint64_t bytes = (uint64_t)(g->clusters - (g->type == FAT32)) * fat_cluster_bytes(g);

	return bytes < UINT32_MAX ? bytes : UINT32_MAX;
}

/* Fields as in the table above fat_decode(). */
void fat_encode_boot(const struct fat_geometry *g, uint32_t volume_id, uint8_t *out)
{
	bool wide = g->type == FAT32;
	struct writer w;

	memset(out, 0, FAT_SECTOR);
	writer_init(&w, out, FAT_SECTOR);
	write_u8(&w, 0xEB);
	write_u8(&w, wide ? 0x58 : 0x3C);
	write_u8(&w, 0x90);
	write_bytes(&w, "MSDOS5.0", 8);		/* some readers check the maker's name */
	write_le16(&w, (uint16_t)g->sector_bytes);
	write_u8(&w, (uint8_t)g->cluster_sectors);
	write_le16(&w, (uint16_t)g->reserved);
	write_u8(&w, (uint8_t)g->fats);
	write_le16(&w, (uint16_t)g->root_entries);
	write_le16(&w, !wide && g->sectors < 65536 ? (uint16_t)g->sectors : 0);
	write_u8(&w, g->media);
	write_le16(&w, wide ? 0 : (uint16_t)g->fat_sectors);
	write_le16(&w, 32);
	write_le16(&w, 64);
	write_le32(&w, g->hidden);
	write_le32(&w, !wide && g->sectors < 65536 ? 0 : g->sectors);
	if (wide) {
		write_le32(&w, g->fat_sectors);
		write_le32(&w, 0);
		write_le32(&w, g->root_cluster);
		write_le16(&w, (uint16_t)g->info_sector);
		write_le16(&w, (uint16_t)g->backup_sector);
		write_zeros(&w, 12);
	}
	write_u8(&w, 0x80);
	write_u8(&w, 0);
	write_u8(&w, 0x29);
	write_le32(&w, volume_id);
	write_bytes(&w, "NO NAME    ", 11);
	write_bytes(&w, wide ? "FAT32   " : "FAT16   ", 8);
	write_bytes(&w, fat_boot_stub, sizeof(fat_boot_stub));
	put_le16(out + FAT_SIGNATURE_AT, FAT_SIGNATURE);
}

#define INFO_LEAD	0x41615252
#define INFO_MIDDLE	0x61417272
#define INFO_MIDDLE_AT	484
#define INFO_FREE_AT	488
#define INFO_NEXT_AT	492

/*
 * FSInfo.
 *   OFFSET  SIZE  FIELD
 *      0      4   "RRaA"
 *    484      4   "rrAa"
 *    488      4   free clusters
 *    492      4   where to look for a free one first
 *    508      4   0, 0, 55, AA
 */
void fat_encode_info(const struct fat_geometry *g, uint64_t bytes, uint8_t *out)
{
	uint32_t used = 1 + fat_file_clusters(g, bytes);

	memset(out, 0, FAT_SECTOR);
	put_le32(out, INFO_LEAD);
	put_le32(out + INFO_MIDDLE_AT, INFO_MIDDLE);
	put_le32(out + INFO_FREE_AT, g->clusters - used);
	put_le32(out + INFO_NEXT_AT, 2 + used < g->clusters + 2 ? 2 + used : 0xFFFFFFFF);
	put_le16(out + FAT_SIGNATURE_AT, FAT_SIGNATURE);
}

bool fat_decode_info(const uint8_t *sector, uint32_t *free)
{
	*free = get_le32(sector + INFO_FREE_AT);
	return get_le32(sector) == INFO_LEAD && get_le32(sector + INFO_MIDDLE_AT) == INFO_MIDDLE;
}

void fat_encode_fat(const struct fat_geometry *g, uint64_t bytes, uint32_t number, uint8_t *out)
{
	uint32_t per_sector = FAT_SECTOR * 8 / g->type;
	uint32_t first = fat_file_cluster(g), end = first + fat_file_clusters(g, bytes);

	memset(out, 0, FAT_SECTOR);
	for (uint32_t i = 0; i < per_sector; i++) {
		uint32_t cluster = number * per_sector + i, value = 0;

		if (cluster == 0)	/* the media byte, all other bits set */
			value = (fat_end(g->type) & ~0xFFu) | g->media;
		else if (cluster == 1)	/* clean, no errors met */
			value = fat_end(g->type);
		else if (cluster < first)	/* the root of FAT32 */
			value = fat_end(g->type);
		else if (cluster < end)
			value = cluster + 1 < end ? cluster + 1 : fat_end(g->type);
		else
			break;
		if (g->type == FAT32)
			put_le32(out + 4 * i, value);
		else
			put_le16(out + 2 * i, (uint16_t)value);
	}
}

void fat_encode_entry(const struct fat_geometry *g, const char *name, uint32_t bytes, int64_t when,
		      uint8_t *out)
{
	uint32_t cluster = bytes ? fat_file_cluster(g) : 0;
	uint16_t date = 0x0021, hour = 0;	/* 1980-01-01, when the clock says less */
	time_t t = (time_t)when;
	struct tm tm;

	if (localtime_r(&t, &tm) && tm.tm_year >= 80 && tm.tm_year < 208) {
		date = (uint16_t)((tm.tm_year - 80) << 9 | (tm.tm_mon + 1) << 5 | tm.tm_mday);
		hour = (uint16_t)(tm.tm_hour << 11 | tm.tm_min << 5 | tm.tm_sec / 2);
	}
	memset(out, 0, FAT_ENTRY);
	memcpy(out + FAT_ENTRY_NAME, name, FAT_NAME);
	out[FAT_ENTRY_ATTRIBUTES] = FAT_ARCHIVE;
	put_le16(out + FAT_ENTRY_MADE_TIME, hour);
	put_le16(out + FAT_ENTRY_MADE_DATE, date);
	put_le16(out + FAT_ENTRY_READ_DATE, date);
	put_le16(out + FAT_ENTRY_CLUSTER_HIGH, (uint16_t)(cluster >> 16));
	put_le16(out + FAT_ENTRY_TIME, hour);
	put_le16(out + FAT_ENTRY_DATE, date);
	put_le16(out + FAT_ENTRY_CLUSTER, (uint16_t)cluster);
	put_le32(out + FAT_ENTRY_SIZE, bytes);
}
