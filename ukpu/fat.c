/* FAT geometry and its fields, by Microsoft's FAT specification 1.03. */
#include "ukpu/fat.h"

#include <string.h>

#include "keygen/bytes.h"

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
	struct fat_geometry g = {0};
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
		read_skip(&r, 4);
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

	for (size_t i = 0; i < 11; i++) {
		/* 05 stands for E5, which as a first byte would mean deleted. */
		uint8_t c = i == 0 && raw[0] == 0x05 ? 0xE5 : raw[i];

		if (i == 8 && memcmp(raw + 8, "   ", 3))
			out[n++] = '.';
		if (c != ' ')
			out[n++] = c > 0x20 && c < 0x7F ? (char)c : '?';
	}
	out[n] = '\0';
}
