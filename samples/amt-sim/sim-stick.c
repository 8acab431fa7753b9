/* How firmware finds setup.bin on a stick: partition table, boot sector, first root entry. */
#include "samples/amt-sim/sim-stick.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"

#define SECTOR		512
#define MBR_TABLE	446
#define MBR_ENTRY	16
#define DIRECTORY_ENTRY	32
#define ATTR_VOLUME	0x08
#define ATTR_DIRECTORY	0x10
#define ATTR_LONG_NAME	0x0f
#define DELETED		0xe5

/* One FAT volume; everything but the clusters in sectors from the stick's beginning. */
struct volume {
	int fd;
	uint64_t fat;			/* first FAT */
	uint64_t root;			/* FAT16: root directory */
	uint64_t data;			/* cluster 2 */
	uint32_t sectors_per_cluster;
	uint32_t clusters;
	uint32_t root_cluster;		/* FAT32 */
	unsigned bits;
};

int sim_stick_read(int fd, uint64_t at, void *buffer, uint32_t size, struct fault *fault)
{
	uint8_t *p = buffer;

	while (size > 0) {
		ssize_t n = pread(fd, p, size, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_sys(fault, errno, "cannot read the stick at byte %llu",
					 (unsigned long long)at);
		if (n == 0)
			return fault_set(fault, KIT_ERR_TRUNCATED,
					 "the stick ends at byte %llu, in the middle of what "
					 "was to be read", (unsigned long long)at);
		p += n;
		at += (uint64_t)n;
		size -= (uint32_t)n;
	}
	return 0;
}

static bool power_of_two(uint32_t v)
{
	return v != 0 && (v & (v - 1)) == 0;
}

/* Is SECTOR's beginning that of a FAT boot sector, so far as it can be seen before computing? */
static bool looks_like_boot_sector(const uint8_t *s)
{
	return (s[0] == 0xeb || s[0] == 0xe9) && get_le16(s + 11) == SECTOR &&
	       power_of_two(s[13]) && get_le16(s + 14) != 0 && (s[16] == 1 || s[16] == 2) &&
	       s[21] >= 0xf0 && s[510] == 0x55 && s[511] == 0xaa;
}

/*
 * Lay the volume out from its boot sector.
 *   OFFSET  SIZE  FIELD
 *     11      2   bytes per sector
 *     13      1   sectors per cluster
 *     14      2   reserved sectors
 *     16      1   number of FATs
 *     17      2   root entries         (FAT32: 0)
 *     19      2   sectors, or 0
 *     22      2   sectors per FAT      (FAT32: 0)
 *     32      4   sectors when the 16-bit field is 0
 *     36      4   FAT32: sectors per FAT
 *     44      4   FAT32: first cluster of the root directory
 */
static int volume_open(struct volume *v, uint64_t start, uint64_t sectors, const uint8_t *boot,
		       struct fault *fault)
{
	uint32_t reserved = get_le16(boot + 14), fats = boot[16];
	uint32_t root_entries = get_le16(boot + 17), total = get_le16(boot + 19);
	uint32_t fat_sectors = get_le16(boot + 22);
	uint32_t root_sectors = (root_entries * DIRECTORY_ENTRY + SECTOR - 1) / SECTOR;
	uint64_t before;

	if (total == 0)
		total = get_le32(boot + 32);
	if (fat_sectors == 0)
		fat_sectors = get_le32(boot + 36);
	before = reserved + (uint64_t)fats * fat_sectors + root_sectors;
	if (total > sectors || before >= total || fat_sectors == 0)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the boot sector at sector %llu describes a volume that does not "
				 "fit its place", (unsigned long long)start);
	v->sectors_per_cluster = boot[13];
	v->clusters = (uint32_t)((total - before) / boot[13]);
	v->fat = start + reserved;
	v->root = start + before - root_sectors;
	v->data = start + before;
	/* The number of clusters alone says the kind (FAT specification 1.03). */
	v->bits = v->clusters < 4085 ? 12 : v->clusters < 65525 ? 16 : 32;
	v->root_cluster = v->bits == 32 ? get_le32(boot + 44) : 0;
	if (v->bits == 12)
		return fault_set(fault, KIT_ERR_NOT_FOUND,
				 "the volume has %u clusters, which makes it FAT12", v->clusters);
	if ((v->bits == 16) != (root_entries != 0) ||
	    (v->bits == 16) != (get_le16(boot + 22) != 0))
		return fault_set(fault, KIT_ERR_NOT_FOUND,
				 "the volume is dressed as one kind of FAT, but its %u clusters "
				 "make it FAT%u", v->clusters, v->bits);
	if ((uint64_t)fat_sectors * SECTOR < (v->clusters + 2ull) * (v->bits / 8))
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the file allocation table is too short for %u clusters",
				 v->clusters);
	if (v->bits == 32 && (v->root_cluster < 2 || v->root_cluster - 2 >= v->clusters))
		return fault_set(fault, KIT_ERR_FORMAT,
				 "the root directory begins outside the volume");
	return 0;
}

static uint64_t cluster_sector(const struct volume *v, uint32_t cluster)
{
	return v->data + (uint64_t)(cluster - 2) * v->sectors_per_cluster;
}

/* Walk the chain: each cluster is to be followed by its neighbour, the last by an end mark. */
static int check_contiguous(const struct volume *v, uint32_t first, uint32_t count,
			    struct fault *fault)
{
	uint32_t width = v->bits / 8, loaded = UINT32_MAX;
	uint8_t sector[SECTOR];

	for (uint32_t i = 0; i < count; i++) {
		uint64_t at = (uint64_t)(first + i) * width;
		uint32_t next, number = (uint32_t)(at / SECTOR);
		int rc;

		if (number != loaded) {
			rc = sim_stick_read(v->fd, (v->fat + number) * SECTOR, sector, SECTOR,
					    fault);
			if (rc < 0)
				return rc;
			loaded = number;
		}
		if (v->bits == 16)
			next = get_le16(sector + at % SECTOR);
		else
			next = get_le32(sector + at % SECTOR) & 0x0fffffff;
		if (i + 1 == count ? next < (v->bits == 16 ? 0xfff8u : 0x0ffffff8u)
				   : next != first + i + 1) {
			return fault_set(fault, KIT_ERR_NOT_FOUND, "setup.bin is in pieces: "
					 "cluster %u is not followed by the next one\n"
					 "prepare the stick again: old firmware reads the file in "
					 "one go", first + i);
		}
	}
	return 0;
}

/* The first root entry has to be the file. */
static int read_root(const struct volume *v, struct sim_stick_file *out, struct fault *fault)
{
	uint64_t root = v->bits == 16 ? v->root : cluster_sector(v, v->root_cluster);
	uint32_t bytes_per_cluster = v->sectors_per_cluster * SECTOR, first, count;
	uint8_t entry[DIRECTORY_ENTRY];
	int rc = sim_stick_read(v->fd, root * SECTOR, entry, sizeof(entry), fault);

	if (rc < 0)
		return rc;
	if (entry[0] == 0)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the root directory is empty");
	if (memcmp(entry, "SETUP   BIN", 11) != 0 ||
	    entry[11] & (ATTR_VOLUME | ATTR_DIRECTORY)) {
		return fault_set(fault, KIT_ERR_NOT_FOUND,
				 "the first root entry is %s, not "
				 "SETUP.BIN\n"
				 "fix the stick with: ukpu repair",
				 entry[0] == DELETED			? "a deleted file"
				 : (entry[11] & 0x3f) == ATTR_LONG_NAME ? "part of a long name"
				 : entry[11] & ATTR_VOLUME		? "a volume label"
				 : entry[11] & ATTR_DIRECTORY		? "a folder"
									: "another file");
	}
	first = get_le16(entry + 26) | (v->bits == 32 ? (uint32_t)get_le16(entry + 20) << 16 : 0);
	out->size = get_le32(entry + 28);
	if (out->size == 0)
		return fault_set(fault, KIT_ERR_NOT_FOUND, "setup.bin is empty");
	count = (uint32_t)(((uint64_t)out->size + bytes_per_cluster - 1) / bytes_per_cluster);
	if (first < 2 || first - 2 >= v->clusters || count > v->clusters - (first - 2))
		return fault_set(fault, KIT_ERR_FORMAT,
				 "setup.bin lies outside its volume: cluster %u, %u bytes", first,
				 out->size);
	out->fd = v->fd;
	out->offset = cluster_sector(v, first) * SECTOR;
	out->fat_bits = v->bits;
	return check_contiguous(v, first, count, fault);
}

/* One candidate place for a volume. */
static int try_volume(struct sim_stick_file *out, int fd, uint64_t start, uint64_t sectors,
		      unsigned flags, struct fault *fault)
{
	struct volume v = { .fd = fd };
	uint8_t boot[SECTOR];
	int rc = sim_stick_read(fd, start * SECTOR, boot, SECTOR, fault);

	if (rc < 0)
		return rc;
	if (!looks_like_boot_sector(boot))
		return fault_set(fault, KIT_ERR_NOT_FOUND,
				 "there is no FAT boot sector at sector %llu",
				 (unsigned long long)start);
	rc = volume_open(&v, start, sectors, boot, fault);
	if (rc < 0)
		return rc;
	if (v.bits == 32 && flags & SIM_STICK_FAT16_ONLY) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "the volume is FAT32 and this firmware "
				 "reads FAT16 only\n"
				 "prepare the stick with: --layout fat16");
	}
	return read_root(&v, out, fault);
}

int sim_stick_find(struct sim_stick_file *out, int fd, uint64_t size, unsigned flags,
		   struct fault *fault)
{
	static const uint8_t types[] = { 0x04, 0x06, 0x0b, 0x0c, 0x0e };
	uint64_t sectors = size / SECTOR;
	uint8_t mbr[SECTOR];
	int rc = sim_stick_read(fd, 0, mbr, SECTOR, fault);

	if (rc < 0)
		return rc;
	if (mbr[510] != 0x55 || mbr[511] != 0xaa)
		return fault_set(fault, KIT_ERR_NOT_FOUND,
				 "the stick has neither a partition table nor a boot sector");
	/* No table: the volume begins at once, as on a floppy. */
	if (looks_like_boot_sector(mbr))
		return try_volume(out, fd, 0, sectors, flags, fault);
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *e = mbr + MBR_TABLE + i * MBR_ENTRY;
		uint32_t start = get_le32(e + 8), count = get_le32(e + 12);

		if (e[4] == 0)
			continue;
		/* As real readers do: an entry that leaves the disk spoils the table. */
		if (start == 0 || (uint64_t)start + count > sectors || e[0] & 0x7f)
			return fault_set(fault, KIT_ERR_NOT_FOUND,
					 "partition %u does not fit on the stick", i + 1);
		if (!memchr(types, e[4], sizeof(types)))
			continue;
		rc = try_volume(out, fd, start, count, flags, fault);
		return rc < 0 ? fault_context(fault, "partition %u", i + 1) : 0;
	}
	return fault_set(fault, KIT_ERR_NOT_FOUND, "the stick has no FAT partition");
}
