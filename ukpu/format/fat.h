/* FAT volumes as arithmetic: geometry, boot sector, FAT and entries. Nothing is read or written. */
#ifndef UKPU_FORMAT_FAT_H
#define UKPU_FORMAT_FAT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/*
 * Names and limits are those of Microsoft's FAT specification 1.03. The type of a
 * volume follows from its number of clusters and from nothing else.
 */
#define FAT_SECTOR		512	/* bytes; what the kit writes */
#define FAT_ENTRY		32	/* bytes of a directory entry */
#define FAT_MEDIA		0xF8	/* fixed disk */
#define FAT_SIGNATURE		0xAA55	/* at the end of a boot sector and of an MBR */
#define FAT_SIGNATURE_AT	510	/* byte of the sector */
#define FAT12_CLUSTERS_END	4085	/* FAT12 has fewer */
#define FAT16_CLUSTERS_END	65525	/* FAT16 has fewer, FAT32 this or more */
#define FAT_LIMIT_DISTANCE	16	/* clusters to stay away from either limit */

enum fat_type { FAT12 = 12, FAT16 = 16, FAT32 = 32 };

enum fat_attribute {
	FAT_READ_ONLY = 0x01, FAT_HIDDEN = 0x02, FAT_SYSTEM = 0x04, FAT_LABEL = 0x08,
	FAT_DIRECTORY = 0x10, FAT_ARCHIVE = 0x20, FAT_LONG_NAME = 0x0F,
	FAT_ATTRIBUTES = 0x3F,		/* all of them; the upper two bits are reserved */
};

/*
 * A directory entry.
 *   OFFSET  SIZE  FIELD
 *      0     11   name; first byte E5: deleted, 00: nothing from here on
 *     11      1   attributes
 *     12      1   case bits (Windows NT)
 *     14      2   made: time
 *     16      2   made: date
 *     18      2   last read: date
 *     20      2   first cluster, upper half; FAT32
 *     22      2   last written: time
 *     24      2   last written: date
 *     26      2   first cluster
 *     28      4   size in bytes
 */
enum fat_entry_field {
	FAT_ENTRY_NAME = 0, FAT_ENTRY_ATTRIBUTES = 11, FAT_ENTRY_CASE = 12,
	FAT_ENTRY_MADE_TIME = 14, FAT_ENTRY_MADE_DATE = 16, FAT_ENTRY_READ_DATE = 18,
	FAT_ENTRY_CLUSTER_HIGH = 20, FAT_ENTRY_TIME = 22, FAT_ENTRY_DATE = 24,
	FAT_ENTRY_CLUSTER = 26, FAT_ENTRY_SIZE = 28,
};

#define FAT_NAME	11	/* bytes of a name as stored: 8.3 in capitals, without the dot */
#define FAT_DELETED	0xE5	/* first byte of the name in a deleted entry */

/* A volume as its boot sector describes it; sectors count from the volume's first. */
struct fat_geometry {
	enum fat_type type;		/* by the number of clusters */
	uint32_t sector_bytes;
	uint32_t cluster_sectors;
	uint32_t reserved;		/* sectors before the first FAT */
	uint32_t fats;			/* copies of the FAT */
	uint32_t root_entries;		/* 0 on FAT32 */
	uint32_t sectors;		/* the whole volume */
	uint32_t fat_sectors;		/* one FAT */
	bool fat_size_16;		/* the 16-bit field holds the FAT's size: not FAT32 */
	uint32_t hidden;		/* sectors before the volume on the disk */
	uint8_t media;
	uint32_t version;		/* FAT32 only, as the next three; 0 is the only one */
	uint32_t root_cluster;
	uint32_t info_sector;
	uint32_t backup_sector;
	/* What follows from them. */
	uint32_t root_sector;		/* first of the fixed root; FAT12 and FAT16 */
	uint32_t data_sector;		/* first of cluster 2 */
	uint32_t clusters;		/* in the data area; valid numbers are 2 .. clusters + 1 */
};

/*
 * Decode a boot sector (512 bytes). Only what makes reading impossible is refused:
 * KIT_ERR_FORMAT with *why (may be NULL) pointing to a static text that names the field.
 * The signature 55AA is not required; sectors of 512 to 4,096 bytes are accepted.
 */
int fat_decode(const uint8_t *sector, struct fat_geometry *out, const char **why);

/* Bytes of one cluster; first byte of cluster N (2 or more), from the volume's beginning. */
uint32_t fat_cluster_bytes(const struct fat_geometry *g);
uint64_t fat_cluster_offset(const struct fat_geometry *g, uint32_t cluster);
/* Is N the number of a data cluster? */
bool fat_cluster_valid(const struct fat_geometry *g, uint32_t cluster);

/* What the value of a FAT entry means (FAT32: with the upper 4 bits cleared). */
bool fat_is_end(enum fat_type type, uint32_t value);
bool fat_is_bad(enum fat_type type, uint32_t value);
/* The end-of-chain value. */
uint32_t fat_end(enum fat_type type);

/*
 * FAT_NAME bytes of a directory entry's name to "NAME.EXT" (13 bytes at most, NUL included);
 * bytes outside printable ASCII become '?'.
 */
void fat_short_name(const uint8_t *raw, char *out);

/*
 * What the kit writes: a volume with at most one file, in one piece from the first free
 * cluster on. One root entry, no label, no long name.
 */
#define FAT_BACKUP_SECTOR	6	/* of the boot sector on FAT32 */
#define FAT_INFO_SECTOR		1

/*
 * The geometry of a new volume of SECTORS sectors of 512 bytes, which begins HIDDEN sectors
 * into the disk. FAT16: 1 KiB clusters. FAT32: the largest cluster up to 4 KiB that leaves
 * 65,525 + 16 clusters. Returns 0, or KIT_ERR_UNFIT if no such volume has that many sectors.
 */
int fat_make(struct fat_geometry *out, enum fat_type type, uint32_t sectors, uint32_t hidden);

/* First cluster of the file (on FAT32 the root has cluster 2), and the clusters that BYTES take. */
uint32_t fat_file_cluster(const struct fat_geometry *g);
uint32_t fat_file_clusters(const struct fat_geometry *g, uint64_t bytes);
/* The largest file in bytes. */
uint64_t fat_capacity(const struct fat_geometry *g);

/* The boot sector; OUT receives 512 bytes, as in the functions below. */
void fat_encode_boot(const struct fat_geometry *g, uint32_t volume_id, uint8_t *out);
/* FAT32's FSInfo for a volume with a file of BYTES bytes. */
void fat_encode_info(const struct fat_geometry *g, uint64_t bytes, uint8_t *out);
/* Sector NUMBER (from 0) of a FAT with one file of BYTES bytes (0: none). */
void fat_encode_fat(const struct fat_geometry *g, uint64_t bytes, uint32_t number, uint8_t *out);
/* Is SECTOR (512 bytes) an FSInfo sector? Then *free is the number of free clusters it gives. */
bool fat_decode_info(const uint8_t *sector, uint32_t *free);
/*
 * The 32-byte directory entry of the file NAME (FAT_NAME bytes as stored) with BYTES bytes,
 * written at WHEN (seconds since 1970; converted to local time).
 */
void fat_encode_entry(const struct fat_geometry *g, const char *name, uint32_t bytes, int64_t when,
		      uint8_t *out);

/* Code for a boot sector or an MBR that must not boot: INT 18h, then halt. */
extern const uint8_t fat_boot_stub[5];

#endif
