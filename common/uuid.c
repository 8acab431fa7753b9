/* The UUID of a machine: one byte order inside, SMBIOS order on the wire, text for people. */
#include "common/uuid.h"

#include <string.h>

#include "common/error.h"
#include "common/hex.h"

/* The place of each byte: the first three groups are turned round, and back again. */
static const uint8_t swapped[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };

void uuid_from_smbios(const uint8_t smbios[static 16], struct uuid *out)
{
	for (int i = 0; i < 16; i++)
		out->bytes[i] = smbios[swapped[i]];
}

void uuid_to_smbios(const struct uuid *uuid, uint8_t out[static 16])
{
	for (int i = 0; i < 16; i++)
		out[i] = uuid->bytes[swapped[i]];
}

/* Bytes in each group of the text form. */
static const uint8_t groups[] = { 4, 2, 2, 2, 6 };

void uuid_show(const struct uuid *uuid, char out[static UUID_SHOWN + 1])
{
	const uint8_t *p = uuid->bytes;

	for (size_t i = 0; i < sizeof(groups); i++) {
		hex_show(p, groups[i], out);
		p += groups[i];
		out += 2 * groups[i];
		*out++ = i + 1 < sizeof(groups) ? '-' : '\0';
	}
}

int uuid_parse(const char *text, struct uuid *out)
{
	size_t length = strlen(text);
	uint8_t *p = out->bytes;
	bool dashes;

	if (length >= 2 && text[0] == '{' && text[length - 1] == '}') {
		text++;
		length -= 2;
	}
	dashes = length == UUID_SHOWN;
	if (!dashes && length != 32)
		return KIT_ERR_FORMAT;
	for (size_t i = 0; i < sizeof(groups); i++) {
		if (dashes && i && *text++ != '-')
			return KIT_ERR_FORMAT;
		if (hex_parse(text, 2 * groups[i], p, groups[i], NULL))
			return KIT_ERR_FORMAT;
		p += groups[i];
		text += 2 * groups[i];
	}
	return 0;
}

struct uuid uuid_swapped(const struct uuid *uuid)
{
	struct uuid out;

	uuid_from_smbios(uuid->bytes, &out);
	return out;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

/* Defaults of board and BIOS makers' tools, found on many machines; some in both byte orders. */
static const struct uuid defaults[] = {
	{ { 0x03, 0x00, 0x02, 0x00, 0x04, 0x00, 0x05, 0x00, 0x00, 0x06, 0, 7, 0, 8, 0, 9 } },
	{ { 0x00, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x05, 0x00, 0x06, 0, 7, 0, 8, 0, 9 } },
	{ { 0x12, 0x34, 0x56, 0x78, 0x12, 0x34, 0x56, 0x78, 0x90, 0xab,
	    0xcd, 0xde, 0xef, 0xaa, 0xbb, 0xcc } },
	{ { 0x78, 0x56, 0x34, 0x12, 0x34, 0x12, 0x78, 0x56, 0x90, 0xab,
	    0xcd, 0xde, 0xef, 0xaa, 0xbb, 0xcc } },
	/* Dell, without a service tag */
	{ { 0x4c, 0x4c, 0x45, 0x44, 0x00, 0x00, 0x20, 0x10, 0x80, 0x20,
	    0x80, 0xc0, 0x4f, 0x20, 0x20, 0x20 } },
	{ { 0x44, 0x45, 0x4c, 0x4c, 0x00, 0x00, 0x10, 0x20, 0x80, 0x20,
	    0x80, 0xc0, 0x4f, 0x20, 0x20, 0x20 } },
};

bool uuid_is_blank(const struct uuid *uuid)
{
	bool same = true;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++)
		if (uuid_equal(uuid, &defaults[i]))
			return true;
	for (int i = 1; i < 16; i++)
		same &= uuid->bytes[i] == uuid->bytes[0];
	return same;
}
