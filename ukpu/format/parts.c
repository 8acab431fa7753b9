/* Partition tables, read from any disk; no byte of it is trusted. */
#include "ukpu/format/parts.h"

#include <stdlib.h>
#include <string.h>

#include "common/bytes.h"
#include "ukpu/format/fat.h"

#define TABLE_AT	446
#define TYPE_PROTECTIVE	0xEE
#define LOGICAL_MAX	64	/* links of the extended chain that are followed */
#define GPT_ENTRIES_MAX	1024
#define GPT_ENTRY_MAX	4096

const char *parts_kind_name(enum parts_kind kind)
{
	switch (kind) {
	case PARTS_MBR:
		return "MBR";
	case PARTS_GPT:
		return "GPT";
	case PARTS_SUPERFLOPPY:
		return "no partition table (superfloppy)";
	default:
		return "nothing";
	}
}

bool parts_is_extended(uint8_t type)
{
	return type == 0x05 || type == 0x0F || type == 0x85;
}

bool parts_holds_logical(const struct parts *parts, const struct part *extended)
{
	if (!parts_is_extended(extended->type) || extended->number > 4)
		return false;
	for (size_t i = 0; i < parts->n; i++) {
		const struct part *p = &parts->part[i];

		if (p->number > 4 && p->start >= extended->start &&
		    p->start - extended->start < extended->bytes)
			return true;
	}
	return false;
}

/* CRC32 of IEEE 802.3, which the GPT uses. */
static uint32_t crc32_more(uint32_t crc, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
	}
	return crc;
}

static struct part *add(struct parts *out, const struct disk *disk, unsigned number,
			uint64_t start_lba, uint64_t sectors)
{
	struct part *p;
	uint64_t all = disk->size / disk->sector_bytes;

	if (out->n == PARTS_MAX) {
		out->more = true;
		return NULL;
	}
	p = &out->part[out->n++];
	*p = (struct part){ .number = number };
	p->past_end = start_lba >= all || sectors > all - start_lba;
	/* Numbers of a damaged GPT may not fit once they are bytes. */
	p->start = start_lba > UINT64_MAX / disk->sector_bytes ?
		UINT64_MAX : start_lba * disk->sector_bytes;
	p->bytes = sectors > UINT64_MAX / disk->sector_bytes ?
		UINT64_MAX : sectors * disk->sector_bytes;
	return p;
}

/*
 * One entry of an MBR.
 *   OFFSET  SIZE  FIELD
 *      0      1   80: active, 00: not
 *      1      3   CHS of the first sector
 *      4      1   type
 *      5      3   CHS of the last sector
 *      8      4   first LBA
 *     12      4   sectors
 */
static void add_mbr(struct parts *out, const struct disk *disk, const uint8_t *e,
		    unsigned number, uint64_t base)
{
	struct part *p = add(out, disk, number, base + get_le32(e + 8), get_le32(e + 12));

	if (!p)
		return;
	p->link = base * disk->sector_bytes;
	p->status = e[0];
	memcpy(p->first_chs, e + 1, 3);
	p->type = e[4];
	memcpy(p->last_chs, e + 5, 3);
}

/* The chain of logical drives: each link's second entry leads to the next, from BASE. */
static void read_logical(struct parts *out, const struct disk *disk, uint64_t base)
{
	uint8_t s[DISK_SECTOR];
	uint64_t at = base;
	unsigned number = 5;

	for (int i = 0; i < LOGICAL_MAX; i++) {
		const uint8_t *e = s + TABLE_AT;

		if (disk_read(disk, at * disk->sector_bytes, s, sizeof(s), NULL) ||
		    get_le16(s + FAT_SIGNATURE_AT) != FAT_SIGNATURE) {
			out->more = out->more || i;
			return;
		}
		if (e[4] && get_le32(e + 12))
			add_mbr(out, disk, e, number++, at);
		e += 16;
		if (!parts_is_extended(e[4]) || !get_le32(e + 8))
			return;
		at = base + get_le32(e + 8);
	}
	out->more = true;
}

/*
 * A GPT header.
 *   OFFSET  SIZE  FIELD
 *      0      8   "EFI PART"
 *     12      4   bytes of the header, 92 at least
 *     16      4   CRC32 of them, with this field as zero
 *     24      8   its own LBA
 *     72      8   LBA of the entries
 *     80      4   number of entries
 *     84      4   bytes of an entry, 128 at least
 *     88      4   CRC32 of the entries
 */
static bool read_gpt(struct parts *out, const struct disk *disk, uint64_t lba)
{
	uint8_t h[DISK_SECTOR];
	uint8_t *entries = NULL;
	uint32_t bytes, count, size, claimed;
	uint64_t at;
	bool good = false;

	if (disk_read(disk, lba * disk->sector_bytes, h, sizeof(h), NULL) ||
	    memcmp(h, "EFI PART", 8))
		return false;
	bytes = get_le32(h + 12);
	if (bytes < 92 || bytes > sizeof(h) || get_le64(h + 24) != lba)
		return false;
	claimed = get_le32(h + 16);
	put_le32(h + 16, 0);
	if (~crc32_more(~0u, h, bytes) != claimed)
		return false;
	at = get_le64(h + 72);
	count = get_le32(h + 80);
	size = get_le32(h + 84);
	if (!count || count > GPT_ENTRIES_MAX || size < 128 || size > GPT_ENTRY_MAX ||
	    at > disk->size / disk->sector_bytes)
		return false;
	entries = malloc((size_t)count * size);
	if (!entries)
		return false;
	if (!disk_read(disk, at * disk->sector_bytes, entries, (size_t)count * size, NULL) &&
	    ~crc32_more(~0u, entries, (size_t)count * size) == get_le32(h + 88)) {
		good = true;
		for (uint32_t i = 0; i < count; i++) {
			static const uint8_t none[16];
			const uint8_t *e = entries + (size_t)i * size;
			uint64_t first = get_le64(e + 32), last = get_le64(e + 40);

			if (memcmp(e, none, sizeof(none)) && last >= first && last < UINT64_MAX)
				add(out, disk, i + 1, first, last - first + 1);
		}
	}
	free(entries);
	return good;
}

static bool has_efi_part(const struct disk *disk, uint64_t lba)
{
	uint8_t h[8];

	return !disk_read(disk, lba * disk->sector_bytes, h, sizeof(h), NULL) &&
		!memcmp(h, "EFI PART", 8);
}

/* Could this be an entry that a reader uses? */
static bool entry_sound(const struct disk *disk, const uint8_t *e)
{
	uint64_t start = get_le32(e + 8), sectors = get_le32(e + 12);

	return (e[0] == 0 || e[0] == 0x80) && e[4] && start && sectors &&
		start + sectors <= disk->size / disk->sector_bytes;
}

int parts_read(struct parts *out, const struct disk *disk, struct fault *fault)
{
	uint8_t s[DISK_SECTOR];
	struct fat_geometry g;
	uint64_t last = disk->size / disk->sector_bytes;
	bool sound = false, protective = false;
	int rc = disk_read(disk, 0, s, sizeof(s), fault);

	memset(out, 0, sizeof(*out));
	if (rc)
		return rc;
	out->signature = get_le16(s + FAT_SIGNATURE_AT) == FAT_SIGNATURE;
	out->gpt_front = has_efi_part(disk, 1);
	out->gpt_back = last > 2 && has_efi_part(disk, last - 1);
	for (int i = 0; i < 4; i++) {
		const uint8_t *e = s + TABLE_AT + 16 * i;

		sound = sound || entry_sound(disk, e);
		protective = protective || e[4] == TYPE_PROTECTIVE;
	}
	/*
	 * Sector 0 of a superfloppy ends in 55AA too, and has loader code where a table
	 * would be: it is a table only if at least one entry makes sense.
	 */
	if (!sound && !fat_decode(s, &g, NULL) && (s[0] == 0xEB || s[0] == 0xE9)) {
		out->kind = PARTS_SUPERFLOPPY;
		add(out, disk, 0, 0, disk->size / disk->sector_bytes);
		return 0;
	}
	if (!out->signature)
		return 0;
	if (protective && (read_gpt(out, disk, 1) || (last > 2 && read_gpt(out, disk, last - 1)))) {
		out->kind = PARTS_GPT;
		return 0;
	}
	for (int i = 0; i < 4; i++) {
		const uint8_t *e = s + TABLE_AT + 16 * i;

		if (!e[4] && !get_le32(e + 12))
			continue;
		add_mbr(out, disk, e, (unsigned)i + 1, 0);
		if (parts_is_extended(e[4]))
			read_logical(out, disk, get_le32(e + 8));
	}
	out->kind = out->n ? PARTS_MBR : PARTS_NONE;
	return 0;
}
