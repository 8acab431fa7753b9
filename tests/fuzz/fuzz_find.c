/* Fuzz target: repair's finder, and reading what it found. */
#include <stdlib.h>

#include "ukpu/stick/find.h"

#define LARGEST	(64u << 10)	/* a disk that is fast to search */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct disk_memory state;
	struct content content;
	struct find found;
	struct disk disk;

	if (size > LARGEST)
		return 0;
	disk_open_memory(&disk, &state, data, size, "stick");
	if (find_run(&found, &disk, FIND_DEEP | FIND_ALWAYS, NULL, NULL, NULL))
		return 0;
	if (found.n > FIND_MAX)
		abort();
	for (size_t i = 0; i < found.n; i++) {
		/* A candidate that is called sound can be taken, and its name leads nowhere. */
		if (found.candidate[i].sound) {
			if (content_take(&content, &found.candidate[i].file, NULL))
				abort();
			content_wipe(&content);
		}
	}
	for (size_t i = 0; i < found.n_others; i++) {
		const char *p = found.other[i].path;

		for (; *p; p++) {
			if (p[0] == '/' && p[1] == '.' &&
			    (p[2] == '/' || !p[2] || (p[2] == '.' && (p[3] == '/' || !p[3]))))
				abort();
		}
	}
	find_free(&found);
	return 0;
}
