/* Rules on the device, the partition table and the boot sector. */
#include <string.h>

#include "common/bytes.h"
#include "ukpu/stick/verify-private.h"

#define GOOD_BYTES	(2048 * LAYOUT_MIB)	/* HP allows 512 MB; 2 GB are known to work */

/* ---- device ---- */

static void device_usb(struct verify *v, struct verify_result *out)
{
	if (v->in->image)
		verify_say(out, VERIFY_PASS, "an image file");
	else if (v->in->usb)
		verify_say(out, VERIFY_PASS, "a USB device");
	else
		verify_say(out, VERIFY_FAIL,
			   "not a USB device: firmware reads only USB sticks");
}

static void device_size(struct verify *v, struct verify_result *out)
{
	uint64_t size = v->in->disk->size;
	char text[24];

	probe_size_text(size, text);
	if (size < LAYOUT_MIN_BYTES)
		verify_say(out, VERIFY_FAIL, "%s: too small, a stick must have more than 16 MB",
			   text);
	else if (size > GOOD_BYTES)
		verify_say(out, VERIFY_WARN,
			   "%s: some old BIOSes read only sticks up to 2 GB", text);
	else
		verify_say(out, VERIFY_PASS, "%s", text);
}

static void device_sectors(struct verify *v, struct verify_result *out)
{
	uint32_t n = v->in->disk->sector_bytes;

	verify_say(out, n == FAT_SECTOR ? VERIFY_PASS : VERIFY_FAIL, "sectors of %u bytes%s", n,
		   n == FAT_SECTOR ? "" : ": firmware reads only 512");
}

static void device_writable(struct verify *v, struct verify_result *out)
{
	if (!v->in->read_only)
		verify_say(out, VERIFY_PASS, "not write-protected");
	else if (v->checked && !v->contents.consumable)
		verify_say(out, VERIFY_PASS,
			   "write-protected, which is harmless: its records are not consumed");
	else
		verify_say(out, VERIFY_FAIL,
			   "write-protected: firmware cannot mark records as used");
}

static void device_mounted(struct verify *v, struct verify_result *out)
{
	if (v->in->mounted)
		verify_say(out, VERIFY_WARN, "mounted at %s: the system may write files to it",
			   v->in->mounted);
	else
		verify_say(out, VERIFY_PASS, "not mounted");
}

/* ---- table ---- */

static bool no_table(const struct verify *v, struct verify_result *out)
{
	if (v->parts.kind == PARTS_SUPERFLOPPY)
		verify_say(out, VERIFY_PASS, "no partition table (superfloppy)");
	return v->parts.kind == PARTS_SUPERFLOPPY;
}

static void mbr_signature(struct verify *v, struct verify_result *out)
{
	if (v->parts.signature)
		verify_say(out, VERIFY_PASS, "sector 0 ends in 55 AA");
	else
		verify_say(out, VERIFY_FAIL,
			   "sector 0 does not end in 55 AA: firmware sees no partition");
}

static void mbr_entries(struct verify *v, struct verify_result *out)
{
	if (no_table(v, out))
		return;
	if (v->parts.kind == PARTS_NONE)
		verify_say(out, VERIFY_FAIL, "the partition table is empty");
	else if (v->parts.kind == PARTS_GPT)
		verify_say(out, VERIFY_FAIL, "the partition table is a GPT: firmware reads only "
			   "MBR");
	else if (v->parts.n != 1)
		verify_say(out, VERIFY_FAIL, "%zu partitions: there must be exactly one",
			   v->parts.n);
	else
		verify_say(out, VERIFY_PASS, "exactly one partition");
}

static void mbr_type(struct verify *v, struct verify_result *out)
{
	uint8_t type = v->part->type;
	const struct fat_geometry *g = &v->v.g;
	bool agrees;

	if (no_table(v, out))
		return;
	agrees = g->type == FAT32 ? type == 0x0B || type == 0x0C :
		g->type == FAT12 ? type == 0x01 :
		type == 0x06 || type == 0x0E || (type == 0x04 && g->sectors < 65536);
	verify_say(out, agrees ? VERIFY_PASS : VERIFY_FAIL,
		   "partition type %02X, the volume is FAT%d", type, g->type);
}

static void mbr_active(struct verify *v, struct verify_result *out)
{
	for (size_t i = 0; i < v->parts.n; i++) {
		uint8_t status = v->parts.part[i].status;

		if (status == 0x80)
			verify_say(out, VERIFY_FAIL,
				   "partition %u is marked active: a BIOS may try to "
				   "boot the stick",
				   v->parts.part[i].number);
		else if (status)
			verify_say(out, VERIFY_FAIL,
				   "partition %u has the status %02X, which is invalid: some "
				   "readers then see no partition at all",
				   v->parts.part[i].number, status);
		if (status)
			return;
	}
	if (!no_table(v, out))
		verify_say(out, VERIFY_PASS, "no partition is marked active");
}

static void mbr_start(struct verify *v, struct verify_result *out)
{
	if (no_table(v, out))
		return;
	verify_say(out, v->part->start ? VERIFY_PASS : VERIFY_FAIL,
		   "the partition begins at sector %llu%s",
		   (unsigned long long)(v->part->start / v->in->disk->sector_bytes),
		   v->part->start ? "" : ", where the table is");
}

static void table_end(struct verify *v, struct verify_result *out)
{
	for (size_t i = 0; i < v->parts.n; i++) {
		if (v->parts.part[i].past_end) {
			verify_say(out, VERIFY_FAIL, "partition %u ends past the end of the stick: "
				   "firmware then sees no partition at all",
				   v->parts.part[i].number);
			return;
		}
	}
	if (!no_table(v, out))
		verify_say(out, VERIFY_PASS, "the partition ends on the stick");
}

/* Do the CHS bytes mean LBA on a disk with HEADS heads and TRACK sectors per track? */
static bool chs_says(const uint8_t chs[3], uint64_t lba, unsigned heads, unsigned track)
{
	uint64_t cylinder = chs[2] | (uint64_t)(chs[1] & 0xC0) << 2;
	unsigned sector = chs[1] & 0x3F;

	/* What LBA-only tools store; it means "past cylinder 1023". */
	if ((chs[0] == 0xFE || chs[0] == 0xFF) && chs[1] == 0xFF && chs[2] == 0xFF)
		return true;
	return sector && (cylinder * heads + chs[0]) * track + sector - 1 == lba;
}

static void mbr_chs(struct verify *v, struct verify_result *out)
{
	static const struct { unsigned heads, track; } known[] = {
		{ LAYOUT_HEADS, LAYOUT_TRACK }, { 255, 63 }, { 16, 63 }, { 32, 63 }, { 64, 63 },
		{ 128, 63 }, { 240, 63 }, { 64, 32 }, { 8, 32 }, { 4, 32 },
	};
	const struct part *p = v->part;
	uint64_t first, last;

	if (no_table(v, out))
		return;
	if (v->parts.kind == PARTS_GPT) {
		verify_say(out, VERIFY_FAIL, "a GPT has no cylinders, heads and sectors");
		return;
	}
	first = p->start / v->in->disk->sector_bytes;
	last = first + p->bytes / v->in->disk->sector_bytes - 1;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (chs_says(p->first_chs, first, known[i].heads, known[i].track) &&
		    chs_says(p->last_chs, last, known[i].heads, known[i].track)) {
			verify_say(out, VERIFY_PASS, "cylinder, head and sector agree with the LBA "
				   "(%u heads, %u sectors)", known[i].heads, known[i].track);
			return;
		}
	}
	verify_say(out, VERIFY_WARN,
		   "cylinder, head and sector of the partition do not agree with its "
		   "LBA: BIOSes that use them do not find it");
}

/* Does the signature belong where it is: in sector 0, or in the boot sector? */
static bool belongs(const struct verify *v, const struct probe_signature *s)
{
	uint64_t volume = v->part ? v->part->start : 0;

	return (s->offset == FAT_SIGNATURE_AT && !strcmp(s->type, "dos")) ||
	       (!strcmp(s->type, "vfat") && s->offset >= volume && s->offset < volume + FAT_SECTOR);
}

static void mbr_remains(struct verify *v, struct verify_result *out)
{
	static const struct { const char *name; uint64_t at; const char *magic;
	} known[] = {
		{ "ISO 9660", 32769, "CD001" }, { "UDF", 32769, "BEA01" },
		{ "UDF", 34817, "BEA01" },	{ "UDF", 34817, "NSR0" },
		{ "UDF", 36865, "NSR0" },
	};
	char magic[5];

	if (v->parts.gpt_front || v->parts.gpt_back) {
		verify_say(out, VERIFY_FAIL,
			   "a GPT at the %s of the stick may be used instead of the MBR",
			   v->parts.gpt_front ? "beginning" : "end");
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (verify_read(v, known[i].at, magic, sizeof(magic)) &&
		    !memcmp(magic, known[i].magic, strlen(known[i].magic))) {
			verify_say(out, VERIFY_FAIL, "leftover of %s at byte %llu", known[i].name,
				   (unsigned long long)known[i].at);
			return;
		}
	}
	for (size_t i = 0; v->in->signatures && i < v->in->signatures->n; i++) {
		const struct probe_signature *s = &v->in->signatures->s[i];

		if (!belongs(v, s)) {
			verify_say(out, VERIFY_FAIL, "signature of %s at byte %llu", s->type,
				   (unsigned long long)s->offset);
			return;
		}
	}
	verify_say(out, VERIFY_PASS, "no leftovers of GPT, UDF, ISO 9660 or others");
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n && !*p) {
		p++;
		n--;
	}
	return !n;
}

static void mbr_code(struct verify *v, struct verify_result *out)
{
	const uint8_t *s = v->sector0;
	size_t n = sizeof(fat_boot_stub);

	if (v->parts.kind == PARTS_SUPERFLOPPY) {
		size_t at = s[0] == 0xEB ? s[1] + 2u : s[0] == 0xE9 ? get_le16(s + 1) + 3u : 0;

		if (at < 62 || at + n > FAT_SIGNATURE_AT || all_zero(s + at, n))
			verify_say(out, VERIFY_WARN,
				   "no boot code: a BIOS that tries to boot the stick hangs");
		else
			verify_say(out, VERIFY_PASS, "the jump in the boot sector leads to code");
		return;
	}
	if (!memcmp(s, fat_boot_stub, n) && all_zero(s + n, 440 - n))
		verify_say(out, VERIFY_PASS, "the boot code boots the next device");
	else if (all_zero(s, 440))
		verify_say(out, VERIFY_WARN,
			   "the boot code is zeros: a BIOS that tries to boot the stick hangs");
	else
		verify_say(out, VERIFY_WARN,
			   "unknown boot code: a BIOS that tries to boot the stick may "
			   "stop there");
}

/* ---- boot sector ---- */

static void boot_volume(struct verify *v, struct verify_result *out)
{
	if (v->has_volume)
		verify_say(out, VERIFY_PASS, "a FAT volume begins at sector %llu",
			   (unsigned long long)(v->v.start / FAT_SECTOR));
	else
		verify_say(out, VERIFY_FAIL, "%s", v->no_volume);
}

static void boot_jump(struct verify *v, struct verify_result *out)
{
	const uint8_t *b = v->v.boot;
	bool good = (b[0] == 0xEB && b[2] == 0x90) || b[0] == 0xE9;

	verify_say(out, good ? VERIFY_PASS : VERIFY_FAIL, "begins with %02X %02X %02X%s", b[0],
		   b[1], b[2], good ? "" : ": not a jump, so some readers do not see a FAT volume");
}

static void boot_signature(struct verify *v, struct verify_result *out)
{
	bool good = get_le16(v->v.boot + FAT_SIGNATURE_AT) == FAT_SIGNATURE;

	verify_say(out, good ? VERIFY_PASS : VERIFY_FAIL, good ? "ends in 55 AA" :
		   "does not end in 55 AA");
}

static void boot_sector_bytes(struct verify *v, struct verify_result *out)
{
	uint32_t n = v->v.g.sector_bytes;

	verify_say(out, n == FAT_SECTOR ? VERIFY_PASS : VERIFY_FAIL, "%u bytes per sector%s", n,
		   n == FAT_SECTOR ? "" : ": some FAT drivers accept only 512");
}

static void boot_cluster(struct verify *v, struct verify_result *out)
{
	uint32_t n = fat_cluster_bytes(&v->v.g);

	verify_say(out, n <= 32768 ? VERIFY_PASS : VERIFY_FAIL, "clusters of %u bytes%s", n,
		   n <= 32768 ? "" : ": the limit is 32,768");
}

static void boot_reserved(struct verify *v, struct verify_result *out)
{
	uint32_t n = v->v.g.reserved;
	bool good = v->v.g.type == FAT32 ? n > FAT_BACKUP_SECTOR : n == 1;

	verify_say(out, good ? VERIFY_PASS : VERIFY_WARN, "%u reserved sectors%s", n, good ? "" :
		   v->v.g.type == FAT32 ? ": too few for the backup boot sector" :
		   ": the specification says 1 on FAT16");
}

static void boot_fats(struct verify *v, struct verify_result *out)
{
	uint32_t n = v->v.g.fats;

	verify_say(out, n == 2 ? VERIFY_PASS : VERIFY_FAIL, "%u FATs%s", n, n == 2 ? "" :
		   ": there must be 2");
}

static void boot_media(struct verify *v, struct verify_result *out)
{
	uint8_t m = v->v.g.media;

	if (v->clusters.media_differs)
		verify_say(out, VERIFY_FAIL, "media byte %02X, but the FAT begins with another one",
			   m);
	else
		verify_say(out, m == FAT_MEDIA ? VERIFY_PASS : VERIFY_WARN, "media byte %02X%s", m,
			   m == FAT_MEDIA ? "" : ": sticks have F8");
}

static void boot_hidden(struct verify *v, struct verify_result *out)
{
	uint64_t start = v->v.start / FAT_SECTOR;
	bool good = v->v.g.hidden == start;

	verify_say(out, good ? VERIFY_PASS : VERIFY_WARN, "%u hidden sectors, the volume begins at "
		   "sector %llu", v->v.g.hidden, (unsigned long long)start);
}

static void boot_sectors(struct verify *v, struct verify_result *out)
{
	uint64_t volume = (uint64_t)v->v.g.sectors * v->v.g.sector_bytes;
	uint64_t room = v->part->bytes;

	if (volume > room)
		verify_say(out, VERIFY_FAIL, "the volume has %llu bytes, its partition only %llu",
			   (unsigned long long)volume, (unsigned long long)room);
	else if (volume < room && v->parts.kind != PARTS_SUPERFLOPPY)
		verify_say(out, VERIFY_WARN, "the volume has %llu bytes, its partition %llu",
			   (unsigned long long)volume, (unsigned long long)room);
	else
		verify_say(out, VERIFY_PASS, "the volume fits its partition (%u sectors)",
			   v->v.g.sectors);
}

static void boot_clusters(struct verify *v, struct verify_result *out)
{
	const struct fat_geometry *g = &v->v.g;
	uint32_t n = g->clusters;
	enum fat_type true_type = n < FAT12_CLUSTERS_END ? FAT12 : n < FAT16_CLUSTERS_END ? FAT16 :
		FAT32;

	if (true_type != g->type)
		verify_say(out, VERIFY_FAIL,
			   "marked FAT%d, but %u clusters make it FAT%d: firmware "
			   "does not see it",
			   g->type, n, true_type);
	else if (g->type == FAT12)
		verify_say(out, VERIFY_FAIL, "%u clusters make it FAT12: firmware reads FAT16", n);
	else if (n < FAT12_CLUSTERS_END + FAT_LIMIT_DISTANCE ||
		 (n < FAT16_CLUSTERS_END + FAT_LIMIT_DISTANCE &&
		  n >= FAT16_CLUSTERS_END - FAT_LIMIT_DISTANCE))
		verify_say(out, VERIFY_WARN,
			   "%u clusters: so close to the limit that some readers get "
			   "the type wrong",
			   n);
	else
		verify_say(out, VERIFY_PASS, "FAT%d by %u clusters%s", g->type, n,
			   g->type == FAT32 ? " (only later firmware reads it)" : "");
}

static void boot_fat32(struct verify *v, struct verify_result *out)
{
	const struct fat_geometry *g = &v->v.g;
	uint64_t sector = g->sector_bytes;
	uint8_t b[FAT_SECTOR];
	uint32_t said, free;

	if (g->type != FAT32) {
		verify_say(out, VERIFY_PASS, "not FAT32");
		return;
	}
	if (!fat_cluster_valid(g, g->root_cluster) || g->version) {
		verify_say(out, VERIFY_FAIL, "root directory at cluster %u, version %u: not "
			   "readable", g->root_cluster, g->version);
		return;
	}
	if (!g->info_sector || g->info_sector >= g->reserved ||
	    !verify_read(v, v->v.start + g->info_sector * sector, b, sizeof(b)) ||
	    !fat_decode_info(b, &said)) {
		verify_say(out, VERIFY_WARN, "the FSInfo sector is missing");
		return;
	}
	free = g->clusters - v->clusters.used - v->clusters.bad;
	if (said != free) {
		verify_say(out, VERIFY_WARN, "FSInfo says %u free clusters, there are %u", said,
			   free);
		return;
	}
	if (!g->backup_sector || g->backup_sector >= g->reserved ||
	    !verify_read(v, v->v.start + g->backup_sector * sector, b, sizeof(b)) ||
	    memcmp(b, v->v.boot, sizeof(b)))
		verify_say(out, VERIFY_WARN, "the backup boot sector is different");
	else
		verify_say(out, VERIFY_PASS, "FSInfo and backup boot sector are correct");
}

#define ANOTHER_STICK "use another stick"

const struct verify_rule verify_stick_rules[] = {
	{ "device", "device-usb", NEED_NOTHING, device_usb, ANOTHER_STICK },
	{ "device", "device-size", NEED_NOTHING, device_size, ANOTHER_STICK },
	{ "device", "device-sectors", NEED_NOTHING, device_sectors, ANOTHER_STICK },
	{ "device", "device-writable", NEED_NOTHING, device_writable,
	  "move the stick's lock switch" },
	{ "device", "device-mounted", NEED_NOTHING, device_mounted, "unmount it, then pull it" },
	{ "table", "table-signature", NEED_NOTHING, mbr_signature, NULL },
	{ "table", "table-entries", NEED_NOTHING, mbr_entries, NULL },
	{ "table", "table-type", NEED_VOLUME, mbr_type, NULL },
	{ "table", "table-active", NEED_TABLE, mbr_active, NULL },
	{ "table", "table-start", NEED_TABLE, mbr_start, NULL },
	{ "table", "table-end", NEED_TABLE, table_end, NULL },
	{ "table", "table-chs", NEED_TABLE, mbr_chs, NULL },
	{ "table", "table-remains", NEED_NOTHING, mbr_remains, NULL },
	{ "table", "table-code", NEED_TABLE, mbr_code, NULL },
	{ "boot", "boot-volume", NEED_NOTHING, boot_volume, NULL },
	{ "boot", "boot-jump", NEED_VOLUME, boot_jump, NULL },
	{ "boot", "boot-signature", NEED_VOLUME, boot_signature, NULL },
	{ "boot", "boot-sector-bytes", NEED_VOLUME, boot_sector_bytes, NULL },
	{ "boot", "boot-cluster", NEED_VOLUME, boot_cluster, NULL },
	{ "boot", "boot-reserved", NEED_VOLUME, boot_reserved, NULL },
	{ "boot", "boot-fats", NEED_VOLUME, boot_fats, NULL },
	{ "boot", "boot-media", NEED_VOLUME, boot_media, NULL },
	{ "boot", "boot-hidden", NEED_VOLUME, boot_hidden, NULL },
	{ "boot", "boot-sectors", NEED_VOLUME, boot_sectors, NULL },
	{ "boot", "boot-clusters", NEED_VOLUME, boot_clusters, NULL },
	{ "boot", "boot-fat32", NEED_VOLUME, boot_fat32, NULL },
	{ NULL, NULL, NEED_NOTHING, NULL, NULL },
};
