/* What tests of setup.bin share: sample files, JSON in memory, findings by rule. */
#include "tests/support/sbin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setupbin/json.h"

uint8_t *sample_read(const char *name, size_t *size)
{
	char path[256];
	uint8_t *data = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), "samples/setupbin/%s", name);
	file = fopen(path, "rb");
	if (!file || !data) {
		free(data);
		return NULL;
	}
	*size = fread(data, 1, 65536, file);
	fclose(file);
	return data;
}

char *sbin_to_json(const uint8_t *data, size_t size, bool secrets, size_t *length,
		   struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input in;
	char *text = NULL;
	FILE *out = open_memstream(&text, length);
	int rc;

	if (!out)
		return NULL;
	sbin_input_memory(&in, &state, data, size, "sample");
	rc = sbin_json_write(out, &in, secrets, fault);
	fclose(out);
	if (rc == 0)
		return text;
	free(text);
	return NULL;
}

/* Append SIZE bytes to what grows at *all. */
static bool grow(uint8_t **all, size_t *at, const void *data, size_t size)
{
	uint8_t *longer = realloc(*all, *at + size + 1);

	if (!longer)
		return false;
	if (size)
		memcpy(longer + *at, data, size);
	*all = longer;
	*at += size;
	return true;
}

uint8_t *sbin_from_json(const char *text, size_t length, size_t *size, struct fault *fault)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, length, "r");
	struct sbin_json *json = NULL;
	struct sbin_header header;
	struct sbin_record r;
	uint8_t chunk[SBIN_CHUNK] = { 0 }, *all = NULL;
	const uint8_t *trailing;
	size_t n;
	int rc;

	if (!file)
		return NULL;
	*size = 0;
	rc = sbin_json_open(&json, file, "json", fault);
	if (rc)
		goto out;
	header = *sbin_json_header(json);
	grow(&all, size, chunk, sizeof(chunk));
	grow(&all, size, sbin_json_more(json), (header.chunks - 1u) * SBIN_CHUNK);
	for (n = 0; (rc = sbin_json_next(json, &r, fault)) == 1; n++) {
		sbin_record_encode(&r);
		grow(&all, size, r.data, r.size);
	}
	if (!sbin_json_counted(json))
		header.records = (uint32_t)n;
	sbin_header_encode(&header, all);
	trailing = sbin_json_trailing(json, &n);
	grow(&all, size, trailing, n);
out:
	sbin_json_free(&json);
	fclose(file);
	if (rc == 0)
		return all;
	free(all);
	return NULL;
}

static void hear(void *context, const struct sbin_finding *f)
{
	struct said *said = context;
	int at = said_find(said, f->rule);

	if (at < 0 && said->count < 64) {
		at = (int)said->count++;
		snprintf(said->rules[at].rule, sizeof(said->rules[at].rule), "%s", f->rule);
		snprintf(said->rules[at].variable, sizeof(said->rules[at].variable), "%s",
			 f->variable);
		snprintf(said->rules[at].text, sizeof(said->rules[at].text), "%s", f->text);
		said->rules[at].severity = f->severity;
		said->rules[at].offset = f->offset;
		said->rules[at].record = f->record;
		said->rules[at].times = 0;
	}
	if (at >= 0)
		said->rules[at].times++;
}

void said_of(struct said *said, const uint8_t *data, size_t size)
{
	struct sbin_memory_input state;
	struct sbin_input in;

	said->count = 0;
	sbin_input_memory(&in, &state, data, size, "sample");
	said->rc = sbin_check(&in, hear, said, &said->summary, NULL);
}

int said_find(const struct said *said, const char *rule)
{
	for (size_t i = 0; i < said->count; i++)
		if (strcmp(said->rules[i].rule, rule) == 0)
			return (int)i;
	return -1;
}
