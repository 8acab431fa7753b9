/* Runs a fuzz target over given files and folders, and over simple mutations of each. */
#include <dirent.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define LARGEST	(4 * 1024 * 1024)

static unsigned long inputs;

/* An exact allocation, so that a sanitizer sees a read one byte too far. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		exit(2);
	memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	inputs++;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* The same mutations in every run: cut anywhere, and bytes changed here and there. */
static void mutate(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	uint32_t random = (uint32_t)size;

	if (!copy)
		exit(2);
	for (int i = 0; size && i < 40; i++)
		run(data, next_random(&random) % size);
	for (int i = 0; size && i < 200; i++) {
		memcpy(copy, data, size);
		for (uint32_t n = next_random(&random) % 4 + 1; n; n--)
			copy[next_random(&random) % size] = (uint8_t)next_random(&random);
		run(copy, size);
	}
	free(copy);
}

static int replay(const char *path)
{
	struct dirent **names = NULL;
	struct stat st;
	uint8_t *data;
	FILE *file;
	size_t size;
	int n, rc = 0;

	if (stat(path, &st)) {
		perror(path);
		return 2;
	}
	if (S_ISDIR(st.st_mode)) {
		n = scandir(path, &names, NULL, alphasort);
		for (int i = 0; i < n; i++) {
			char inner[PATH_MAX];

			snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
			if (names[i]->d_name[0] != '.' && !rc)
				rc = replay(inner);
			free(names[i]);
		}
		free(names);
		return n < 0 ? 2 : rc;
	}
	file = fopen(path, "rb");
	data = malloc(LARGEST);
	if (!file || !data) {
		perror(path);
		exit(2);
	}
	size = fread(data, 1, LARGEST, file);
	fclose(file);
	run(data, size);
	mutate(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = 0;

	for (int i = 1; i < argc && !rc; i++)
		rc = replay(argv[i]);
	if (!rc && inputs == 0) {
		fprintf(stderr, "%s: no inputs: give files or folders of seeds\n", argv[0]);
		return 2;
	}
	printf("%s: %lu inputs\n", argv[0], inputs);
	return rc;
}
