/* Times the library alone: N records into the bytes of a setup.bin in memory, and out of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "keygen/pidpps.h"
#include "setupbin/file.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void encode(uint8_t *data, const struct keyentry *entries, uint32_t n)
{
	struct sbin_header header;
	struct sbin_record r;

	sbin_header_make(&header, (struct sbin_version){ 2, 0 }, 0, n, NULL);
	sbin_header_encode(&header, data);
	for (uint32_t i = 0; i < n; i++) {
		sbin_record_init(&r, data + (i + UINT64_C(1)) * SBIN_CHUNK, SBIN_CHUNK, i + 1);
		if (sbin_record_from_entry(&r, &entries[i], false, NULL))
			exit(2);
		sbin_record_encode(&r);
	}
}

/* Every variable is seen; what it adds up to keeps the compiler from leaving the work out. */
static unsigned long decode(const uint8_t *data, size_t size)
{
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_record r;
	struct sbin_walk walk;
	struct sbin_variable v;
	struct sbin_input in;
	unsigned long sum = 0;

	sbin_input_memory(&in, &state, data, size, "bench");
	if (sbin_reader_open(&reader, &in, NULL))
		exit(2);
	while (sbin_reader_next(reader, &r, NULL, NULL) == 1) {
		sbin_walk_begin(&walk, &r);
		while (sbin_walk_next(&walk, &v) == 1)
			sum += v.length + v.value[0];
	}
	sbin_reader_free(&reader);
	return sum;
}

int main(int argc, char **argv)
{
	uint32_t n = argc == 3 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
	struct pidpps_generator *generator = NULL;
	struct keyentry *entries = calloc(n + 1, sizeof(*entries));
	size_t size = (n + (size_t)1) * SBIN_CHUNK;
	uint8_t *data = malloc(size);
	double start;

	if (n == 0 || !entries || !data || pidpps_generator_new(&generator, NULL)) {
		fprintf(stderr, "usage: setupbin_codec encode|decode N\n");
		return 2;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (pidpps_generate(generator, &entries[i].pair, NULL))
			return 2;
		strcpy(entries[i].current_password, "admin");
		strcpy(entries[i].new_password, "P@ssw0rd");
	}
	start = now();
	encode(data, entries, n);
	if (strcmp(argv[1], "decode") == 0) {
		start = now();
		if (decode(data, size) == 0)
			return 2;
	}
	printf("%.5f\n", now() - start);
	pidpps_generator_free(&generator);
	free(entries);
	free(data);
	return 0;
}
