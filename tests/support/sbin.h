/* What tests of setup.bin share: sample files, JSON in memory, findings by rule. */
#ifndef TESTS_SUPPORT_SBIN_H
#define TESTS_SUPPORT_SBIN_H

#include "setupbin/check.h"

/* The sample file NAME ("v1.0-example-pair.bin"); to free. NULL when it cannot be read. */
uint8_t *sample_read(const char *name, size_t *size);

/* A setup.bin in memory to JSON (with its NUL) and back; to free. NULL, with *fault set. */
char *sbin_to_json(const uint8_t *data, size_t size, bool secrets, size_t *length,
		   struct fault *fault);
uint8_t *sbin_from_json(const char *text, size_t length, size_t *size, struct fault *fault);

/* What the checker said of a file: how often each rule, and the first of each. */
struct said {
	struct {
		char rule[32];
		enum sbin_severity severity;
		uint64_t offset;
		uint32_t record;
		char variable[40];
		char text[300];
		unsigned long times;
	} rules[64];
	size_t count;
	struct sbin_summary summary;
	int rc;
};
void said_of(struct said *said, const uint8_t *data, size_t size);
/* Index of RULE in said->rules, or -1. */
int said_find(const struct said *said, const char *rule);

#endif
