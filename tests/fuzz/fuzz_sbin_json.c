/* Fuzzes the JSON that setup.bin files are made of; what is taken survives the way back. */
#include <stdlib.h>
#include <string.h>

#include "tests/support/sbin.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct said said;
	struct fault f = { 0 };
	size_t made, length, remade;
	uint8_t *file, *again;
	char *text;

	if (size == 0)
		return 0;
	file = sbin_from_json((const char *)data, size, &made, &f);
	if (!file) {
		/* A refusal says what is wrong. */
		if (!f.what[0])
			abort();
		return 0;
	}
	said_of(&said, file, made);
	fault_clear(&f);
	text = sbin_to_json(file, made, true, &length, &f);
	/* JSON may give any 16 bytes as UUID: then there is no file to read. */
	if (!text && sbin_uuid_major(file) != 0)
		abort();
	again = text ? sbin_from_json(text, length, &remade, &f) : NULL;
	if (text && (!again || remade != made || memcmp(again, file, made) != 0))
		abort();
	free(again);
	free(text);
	free(file);
	return 0;
}
