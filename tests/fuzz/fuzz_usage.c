/* Fuzz target: the kernel's lists of mounts and swap areas, line by line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ukpu/drive/usage-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded is a text within the line. */
static void assert_within(const char *text, const char *line, size_t size)
{
	if (*text && (text < line || text >= line + size ||
		      !memchr(text, '\0', (size_t)(line + size - text))))
		abort();
}

static void decode(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	struct usage_mount mount = { 0 };

	if (!line)
		return;
	memcpy(line, data, size);
	line[size] = '\0';
	if (usage_parse_mount(line, &mount)) {
		if (!mount.point || !mount.source)
			abort();
		assert_within(mount.point, line, size + 1);
		assert_within(mount.source, line, size + 1);
	}
	memcpy(line, data, size);
	line[size] = '\0';
	assert_within(usage_parse_swap(line), line, size + 1);
	free(line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	while (size) {
		const uint8_t *end = memchr(data, '\n', size);
		size_t n = end ? (size_t)(end - data) + 1 : size;

		decode(data, n);
		data += n;
		size -= n;
	}
	return 0;
}
