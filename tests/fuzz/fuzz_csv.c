/* Fuzz target: text lines of any encoding, and the tables in them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct csv_field fields[] = {
	{ .name = "pid", .required = true },
	{ .name = "pps", .others = (const char *const[]){ "mebxpps", NULL } },
	{ .name = NULL },
};

static FILE *open_input(const uint8_t *data, size_t size)
{
	return size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
}

/* Every line is within its bounds, and each has a number of its own. */
static void read_lines(FILE *file)
{
	struct lines *lines = NULL;
	struct fault fault = { 0 };
	unsigned long last = 0;
	size_t n;
	char *line;
	int rc;

	if (lines_open(&lines, file, "input", &fault))
		abort();
	while ((rc = lines_next(lines, &line, &n, &fault)) != 0 && !fault.code) {
		if (n > LINES_MAX || line[n] || lines_number(lines) != ++last)
			abort();
		if (rc == 1 && memchr(line, '\n', n))
			abort();
	}
	lines_free(&lines);
}

static void read_table(FILE *file, const char *const *wanted, size_t n_wanted)
{
	struct lines *lines = NULL;
	struct csv *csv = NULL;
	struct fault fault = { 0 };
	unsigned long last = 0;
	char *said;
	size_t n;
	int rc;

	if (lines_open(&lines, file, "input", &fault))
		abort();
	rc = csv_open(&csv, lines, fields, wanted, n_wanted, &fault);
	if ((rc == 0) != !!csv || (rc != 0) != (fault.code != 0))
		abort();
	while (csv && !fault.code) {
		const char *rule = NULL;

		rc = csv_next(csv, &rule, &fault);
		if (rc == 0 || fault.code)
			break;
		/* A bad row says why; rows follow each other. */
		if ((rc < 0) != !!rule || csv_line(csv) <= last)
			abort();
		last = csv_line(csv);
		for (int f = 0; fields[f].name; f++) {
			const char *text = csv_text(csv, f, &n);

			if (text && (n > CSV_RECORD || text[n]))
				abort();
		}
	}
	said = csv ? csv_describe(csv) : NULL;
	if (csv && !said)
		abort();
	free(said);
	csv_free(&csv);
	lines_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const wanted[] = { "pps=key" };

	for (int i = 0; i < 3; i++) {
		FILE *file = open_input(data, size);

		if (!file)
			return 0;
		if (i == 0)
			read_lines(file);
		else
			read_table(file, wanted, i == 2);
		fclose(file);
	}
	return 0;
}
