/* Fuzz target: what a device says of itself: attributes of sysfs, page 80 of SCSI. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/drive/drive-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Fit for a terminal, without outer blanks, and ended within ROOM. */
static void assert_clean(const char *text, size_t room)
{
	size_t n = strnlen(text, room);

	if (n == room || (n && (text[0] == ' ' || text[n - 1] == ' ')))
		abort();
	for (size_t i = 0; i < n; i++) {
		if (text[i] < ' ' || text[i] > '~')
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t rooms[] = { 1, 2, 16, 64, 300 };

	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		char *out = malloc(rooms[i]);

		if (!out)
			return 0;
		drive_attribute((const char *)data, size, out, rooms[i]);
		assert_clean(out, rooms[i]);
		drive_page_80((const char *)data, size, out, rooms[i]);
		assert_clean(out, rooms[i]);
		free(out);
	}
	return 0;
}
