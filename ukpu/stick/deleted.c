/* Records of a deleted setup.bin. */
#include "ukpu/stick/deleted.h"

#include <string.h>

#include "common/bytes.h"
#include "common/secret.h"
#include "setupbin/record.h"

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
