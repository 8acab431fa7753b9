/* Fuzz target: the FAT reader, firmware's look-up and the verify rules on any bytes. */
#include <stdlib.h>

#include "ukpu/format/fatread.h"
#include "ukpu/stick/verify.h"

#define LARGEST	(64u << 10)	/* a disk that is fast to verify */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void nothing(void *context, const struct verify_result *result)
{
	/* A rule that did not pass must say what to do. */
	if ((result->verdict == VERIFY_FAIL || result->verdict == VERIFY_WARN) && !result->fix[0])
		abort();
}

static void walk(struct fatread *v, uint32_t cluster, int depth)
{
	struct fatread_dir dir;
	struct fatread_entry e;
	struct fatread_file file;
	unsigned entries = 0;

	fatread_dir_begin(&dir, v, cluster);
	while (fatread_dir_next(&dir, &e, NULL) == 1 && entries++ < 200) {
		if (!fatread_file_open(&file, v, &e, NULL)) {
			uint64_t bytes = 0, at;

			for (size_t i = 0; i < file.n_runs; i++)
				bytes += file.runs[i].bytes;
			if (bytes != file.size)
				abort();
			if (file.size && fatread_file_locate(&file, file.size - 1, &at, NULL))
				abort();
			fatread_file_close(&file);
		}
		if (fatread_is_directory(&e) && depth < 3)
			walk(v, e.cluster, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verify_input in = { .target = "x", .image = true };
	struct verify_summary summary;
	struct fatread_file file;
	struct disk_memory state;
	struct fatread *v;
	struct disk disk;

	if (size > LARGEST)
		return 0;
	disk_open_memory(&disk, &state, data, size, "stick");
	if (!fatread_find(&file, &disk, SBIN_NAME, NULL))
		fatread_file_close(&file);
	v = malloc(sizeof(*v));
	if (v && !fatread_open(v, &disk, 0, FATREAD_LENIENT, NULL))
		walk(v, 0, 0);
	free(v);
	in.disk = &disk;
	verify_run(&in, nothing, NULL, &summary, NULL);
	return 0;
}
