/* The file header of a setup.bin: versions and their UUIDs, decoding, encoding, making. */
#include <string.h>

#include "common/bytes.h"
#include "setupbin/header.h"
#include "setupbin/variable.h"

static const struct {
	struct sbin_version version;
	uint8_t uuid[16];
} versions[] = {
	{ { 1, 0 }, { 0xb5, 0x16, 0xfb, 0x71, 0x87, 0xcb, 0xf9, 0x4a,
		      0xb4, 0x41, 0xca, 0x7b, 0x38, 0x35, 0x78, 0xf9 } },
	{ { 2, 0 }, { 0x96, 0xb2, 0x81, 0x58, 0xcf, 0x6b, 0x72, 0x4c,
		      0x8b, 0x91, 0xa1, 0x5e, 0x51, 0x2e, 0x99, 0xc4 } },
	{ { 2, 1 }, { 0x96, 0xb2, 0x81, 0x58, 0xcf, 0x6b, 0x72, 0x4c,
		      0x8b, 0x91, 0xa1, 0x5e, 0x51, 0x2e, 0x99, 0xc4 } },
	{ { 3, 0 }, { 0xa7, 0xf7, 0xf6, 0xc6, 0x89, 0xc4, 0xf6, 0x47,
		      0x93, 0xed, 0xe2, 0xe5, 0x02, 0x0d, 0xa5, 0x1d } },
	{ { 4, 0 }, { 0xaa, 0xa9, 0x34, 0x52, 0xe1, 0x29, 0xa9, 0x44,
		      0x8d, 0x4d, 0x08, 0x1c, 0x07, 0xb9, 0x63, 0x53 } },
};

#define N_VERSIONS (sizeof(versions) / sizeof(versions[0]))

const uint8_t *sbin_version_uuid(struct sbin_version version)
{
	for (size_t i = 0; i < N_VERSIONS; i++) {
		if (versions[i].version.major == version.major &&
		    versions[i].version.minor == version.minor)
			return versions[i].uuid;
	}
	return NULL;
}

int sbin_version_parse(const char *text, struct sbin_version *out)
{
	if (strlen(text) != 3 || text[1] != '.')
		return KIT_ERR_ARGUMENT;
	/* Anything but a digit gives a number that no version has. */
	struct sbin_version v = { (uint8_t)(text[0] - '0'), (uint8_t)(text[2] - '0') };
	if (!sbin_version_uuid(v))
		return KIT_ERR_ARGUMENT;
	*out = v;
	return 0;
}

int sbin_uuid_major(const uint8_t *uuid)
{
	for (size_t i = 0; i < N_VERSIONS; i++) {
		if (memcmp(versions[i].uuid, uuid, sizeof(versions[i].uuid)) == 0)
			return versions[i].version.major;
	}
	return 0;
}

bool sbin_uuid_begins(uint8_t byte)
{
	for (size_t i = 0; i < N_VERSIONS; i++) {
		if (versions[i].uuid[0] == byte)
			return true;
	}
	return false;
}

/*
 *   OFFSET  SIZE  FIELD
 *      0     16   file type UUID
 *     16      2   chunks of the header
 *     18      2   header byte count
 *     20      4   record number
 *     24      1   major version
 *     25      1   minor version
 *     26      2   flags
 *     28      4   data records
 *     32      4   data records consumed
 *     36      2   chunks in each data record
 *     38      2   reserved
 *     40    472   module list ended by 0, then zeros
 */
int sbin_header_decode(const uint8_t *data, size_t size, struct sbin_header *out,
		       struct fault *fault)
{
	struct reader r;

	if (size == 0)
		return fault_set(fault, KIT_ERR_TRUNCATED, "there is nothing in it");
	if (size < SBIN_CHUNK)
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "the header is cut short: %zu bytes of %d", size, SBIN_CHUNK);
	reader_init(&r, data, SBIN_CHUNK);
	read_copy(&r, out->uuid, sizeof(out->uuid));
	out->chunks = read_le16(&r);
	out->header_bytes = read_le16(&r);
	out->number = read_le32(&r);
	out->version.major = read_u8(&r);
	out->version.minor = read_u8(&r);
	out->flags = read_le16(&r);
	out->records = read_le32(&r);
	out->consumed = read_le32(&r);
	out->record_chunks = read_le16(&r);
	out->reserved = read_le16(&r);
	read_copy(&r, out->rest, sizeof(out->rest));

	if (sbin_uuid_major(out->uuid) == 0) {
		fault_set(fault, KIT_ERR_FORMAT,
			  "not a setup.bin file: the UUID at offset 0 is not that "
			  "of a known version\n"
			  "name a file that an AMT set-up tool made");
		return KIT_ERR_FORMAT;
	}
	if (out->chunks == 0 || out->chunks > SBIN_MAX_CHUNKS) {
		fault_set(fault, KIT_ERR_RANGE, "the header's chunk count at offset 16 is %u, not "
			  "1 to %d\n"
			  "firmware ignores such a file; create it again", out->chunks,
			  SBIN_MAX_CHUNKS);
		return KIT_ERR_RANGE;
	}
	if (out->record_chunks == 0 || out->record_chunks > SBIN_MAX_CHUNKS) {
		fault_set(fault, KIT_ERR_RANGE, "the data record chunk count at offset 36 is %u, "
			  "not 1 to %d\n"
			  "firmware ignores such a file; create it again", out->record_chunks,
			  SBIN_MAX_CHUNKS);
		return KIT_ERR_RANGE;
	}
	return 0;
}

void sbin_header_encode(const struct sbin_header *h, uint8_t *out)
{
	struct writer w;

	writer_init(&w, out, SBIN_CHUNK);
	write_bytes(&w, h->uuid, sizeof(h->uuid));
	write_le16(&w, h->chunks);
	write_le16(&w, h->header_bytes);
	write_le32(&w, h->number);
	write_u8(&w, h->version.major);
	write_u8(&w, h->version.minor);
	write_le16(&w, h->flags);
	write_le32(&w, h->records);
	write_le32(&w, h->consumed);
	write_le16(&w, h->record_chunks);
	write_le16(&w, h->reserved);
	write_bytes(&w, h->rest, sizeof(h->rest));
}

int sbin_header_make(struct sbin_header *out, struct sbin_version version, uint16_t flags,
		     uint32_t records, struct fault *fault)
{
	const uint8_t *uuid = sbin_version_uuid(version);
	static const uint16_t modules[] = { SBIN_ME, SBIN_AMT };

	if (!uuid) {
		fault_set(fault, KIT_ERR_ARGUMENT, "there is no file version %u.%u\n"
			  "use 1.0, 2.0, 2.1, 3.0 or 4.0", version.major, version.minor);
		return KIT_ERR_ARGUMENT;
	}
	if (version.major < 2 && flags != 0) {
		fault_set(fault, KIT_ERR_ARGUMENT, "file version 1.0 has no flags: its records are "
			  "always consumed\n"
			  "use file version 2.0 or later for records that are not consumed");
		return KIT_ERR_ARGUMENT;
	}
	memset(out, 0, sizeof(*out));
	memcpy(out->uuid, uuid, sizeof(out->uuid));
	out->chunks = 1;
	out->version = version;
	out->flags = flags;
	out->records = records;
	out->record_chunks = 1;
	return sbin_header_set_modules(out, modules, 2);
}

int sbin_header_set_modules(struct sbin_header *h, const uint16_t *modules, size_t n)
{
	struct writer w;

	if (n > SBIN_HEADER_MODULES)
		return KIT_ERR_RANGE;
	memset(h->rest, 0, sizeof(h->rest));
	writer_init(&w, h->rest, sizeof(h->rest));
	for (size_t i = 0; i < n; i++)
		write_le16(&w, modules[i]);
	write_le16(&w, 0);
	h->header_bytes = (uint16_t)(SBIN_CHUNK - sizeof(h->rest) + w.at);
	return w.error;
}

bool sbin_header_consumable(const struct sbin_header *h)
{
	return h->version.major < 2 || !(h->flags & SBIN_DO_NOT_CONSUME);
}

uint64_t sbin_header_file_bytes(const struct sbin_header *h)
{
	return (h->chunks + (uint64_t)h->records * h->record_chunks) * SBIN_CHUNK;
}
