/* Sectors of a setup.bin that are in no file any more. */
#include "ukpu/stick/deleted.h"

#include <ctype.h>
#include <string.h>

#include "common/bytes.h"
#include "common/secret.h"
#include "setupbin/record.h"

#define LEAST_TEXT	4	/* bytes of a value that tell a secret from other data */
/* What scrambling adds to a little-endian word of small numbers. */
#define SCRAMBLED	(UINT32_C(0x01010101) * SBIN_SCRAMBLE_STEP)

unsigned deleted_record(const uint8_t *sector, bool *left)
{
	struct sbin_record record;
	uint8_t copy[SBIN_CHUNK];	/* SECRET */
	bool shows;

	if (get_le32(sector) != 1)
		return 0;
	memcpy(copy, sector, sizeof(copy));
	shows = !sbin_record_decode(copy, sizeof(copy), &record) && record.number &&
		!(record.flags & ~(uint32_t)(SBIN_VALID | SBIN_SCRAMBLED)) && !record.reserved &&
		record.chunks && record.chunks <= SBIN_MAX_CHUNKS &&
		record.header_bytes == SBIN_RECORD_HEADER && !sbin_record_wiped(&record);
	*left = shows && sbin_record_valid(&record);
	secret_wipe(copy, sizeof(copy));
	return shows ? record.chunks : 0;
}

/* Bytes of the value of the secret variable whose header is at WORD, each of them ADD too large. */
static size_t secret_bytes(const uint8_t *word, uint32_t add)
{
	uint32_t name = get_le32(word) - add, bytes = get_le32(word + 4) - add;
	const struct sbin_known *k;

	if (bytes < LEAST_TEXT || bytes > UINT16_MAX)
		return 0;
	k = sbin_known_find((uint16_t)name, (uint16_t)(name >> 16));
	return k && k->secret && bytes >= k->min && bytes <= k->max ? bytes : 0;
}

unsigned deleted_secret(const uint8_t *sector)
{
	/* Variables begin at multiples of 4 bytes. */
	for (size_t at = 0; at + SBIN_VARIABLE_HEADER <= SBIN_CHUNK; at += 4) {
		uint32_t name = get_le32(sector + at);
		bool scrambled = name >= SCRAMBLED;
		size_t value = at + SBIN_VARIABLE_HEADER, bytes, i = 0;

		/* Modules and ids are small: this is said of nearly all that is no variable. */
		name -= scrambled ? SCRAMBLED : 0;
		if (!(uint16_t)name || (name & ~UINT32_C(0x00FF0003)))
			continue;
		bytes = secret_bytes(sector + at, scrambled ? SCRAMBLED : 0);
		while (i < bytes && value + i < SBIN_CHUNK &&
		       isgraph((uint8_t)(sector[value + i] - (scrambled ? SBIN_SCRAMBLE_STEP : 0))))
			i++;
		if (bytes && (i == bytes || value + i == SBIN_CHUNK))
			return i == bytes ? 1 : 2;
	}
	return 0;
}
