/* Where things are on a stick: arithmetic only. */
#include "ukpu/stick/layout.h"

#include <string.h>

#define MIB_SECTORS	2048u

const char *const layout_names[] = {
	[LAYOUT_FAT16] = "fat16", [LAYOUT_FAT32] = "fat32", [LAYOUT_SUPERFLOPPY] = "superfloppy",
	NULL,
};

const char *layout_name(enum layout_kind kind)
{
	return layout_names[kind];
}

static uint32_t min_sectors(uint64_t a, uint64_t b)
{
	return (uint32_t)(a < b ? a : b);
}

int layout_make(struct layout *out, enum layout_kind kind, uint64_t stick_bytes,
		uint32_t sector_bytes, uint64_t file_bytes, struct fault *fault)
{
	struct layout l = { .kind = kind, .stick_sectors = stick_bytes / FAT_SECTOR };
	uint64_t whole_mib = l.stick_sectors / MIB_SECTORS;
	uint64_t minimum = kind == LAYOUT_FAT32 ? LAYOUT_MIN_FAT32 : LAYOUT_MIN_BYTES;
	uint32_t sectors;

	if (sector_bytes != FAT_SECTOR) {
		return fault_set(fault, KIT_ERR_UNFIT, "its sectors have %u bytes; firmware reads "
				 "only sticks with sectors of 512 bytes\n"
				 "use another stick: nearly all have 512-byte sectors",
				 sector_bytes);
	}
	if (stick_bytes < minimum) {
		return fault_set(fault, KIT_ERR_UNFIT, "it holds %llu bytes; the layout %s needs "
				 "%llu MiB\n"
				 "use a larger stick%s", (unsigned long long)stick_bytes,
				 layout_names[kind], (unsigned long long)(minimum / LAYOUT_MIB),
				 stick_bytes >= LAYOUT_MIN_BYTES ? ", or the layout fat16" : "");
	}
	switch (kind) {
	case LAYOUT_SUPERFLOPPY:
		sectors = min_sectors(63 * MIB_SECTORS, l.stick_sectors);
		break;
	case LAYOUT_FAT32:
		l.start = LAYOUT_START;
		l.type = 0x0C;
		sectors = min_sectors(512, whole_mib - 2) * MIB_SECTORS;
		break;
	default:
		l.start = LAYOUT_START;
		sectors = min_sectors(63, whole_mib - 2) * MIB_SECTORS;
		l.type = sectors < 65536 ? 0x04 : 0x06;
		break;
	}
	if (fat_make(&l.g, kind == LAYOUT_FAT32 ? FAT32 : FAT16, sectors, l.start))
		return fault_set(fault, KIT_ERR_UNFIT, "a %s volume cannot have %u sectors",
				 layout_names[kind], sectors);
	if (file_bytes > fat_capacity(&l.g)) {
		/* Each part has a header of its own. */
		uint64_t parts = file_bytes / (fat_capacity(&l.g) - FAT_SECTOR) + 1;

		return fault_set(fault, KIT_ERR_UNFIT, "setup.bin has %llu bytes; the %s volume on "
				 "this stick holds %llu\n"
				 "split it: amt-setupbin split -n %llu setup.bin; a smaller file "
				 "also makes each machine's POST shorter",
				 (unsigned long long)file_bytes, layout_names[kind],
				 (unsigned long long)fat_capacity(&l.g), (unsigned long long)parts);
	}
	*out = l;
	return 0;
}

uint64_t layout_volume_offset(const struct layout *l)
{
	return (uint64_t)l->start * FAT_SECTOR;
}

uint64_t layout_file_offset(const struct layout *l)
{
	return layout_volume_offset(l) + fat_cluster_offset(&l->g, fat_file_cluster(&l->g));
}
