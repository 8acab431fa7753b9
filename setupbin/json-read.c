/* setup.bin read from JSON as a stream; setupbin/json-take.c takes its objects apart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "setupbin/json-private.h"
#include "setupbin/value.h"

#define ELEMENT_MAX (4 * 1024 * 1024) /* bytes of JSON for one record, or for the header */

struct element {
	FILE *file;
	size_t bytes;
};

/* One byte a call: jansson then never reads past the closing brace. */
static size_t feed(void *buffer, size_t size, void *context)
{
	struct element *e = context;
	int c;

	if (e->bytes++ == ELEMENT_MAX || size == 0 || (c = getc(e->file)) == EOF)
		return 0;
	*(char *)buffer = (char)c;
	return 1;
}

static int next_char(FILE *file)
{
	int c;

	do
		c = getc(file);
	while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
	return c;
}

/* The object that begins at the next character. jansson's own message could quote a secret. */
static int read_object(struct sbin_json *j, struct place at, json_t **out, struct fault *fault)
{
	struct element e = { j->file, 0 };
	json_error_t error;
	int c = next_char(j->file);

	*out = NULL;
	if (c != '{')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "", "is no JSON object");
	ungetc(c, j->file);
	*out = json_load_callback(feed, &e, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
				  &error);
	if (*out)
		return 0;
	if (ferror(j->file))
		return fault_sys(fault, errno, "cannot read %s", j->name);
	return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
				e.bytes > ELEMENT_MAX ? "is longer than 4 MiB"
						      : "is no sound JSON");
}

/* The name of the next member of the outermost object, up to its ':'. */
static int member_name(struct sbin_json *j, int c, char *out, size_t size, struct fault *fault)
{
	struct place at = { "the file", 0 };
	size_t n = 0;

	if (c != '"')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is no JSON object with a \"header\" and \"records\"");
	while ((c = getc(j->file)) != '"' && c != EOF && n + 1 < size)
		out[n++] = (char)c;
	out[n] = '\0';
	if (c != '"' || next_char(j->file) != ':')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "", "is no sound JSON");
	return 0;
}

static int read_header(struct sbin_json *j, struct fault *fault)
{
	struct place at = { "header", 0 };
	json_t *o = NULL;
	int rc = read_object(j, at, &o, fault);

	if (rc == 0)
		rc = sbin_json_take_header(j, o, fault);
	json_decref(o);
	return rc;
}

/* Up to the '[' of the records. */
static int begin(struct sbin_json *j, struct fault *fault)
{
	struct place at = { "the file", 0 };
	bool header = false;
	char name[16];
	int c = next_char(j->file), rc;

	/* A byte order mark, which some editors put first. */
	if (c == 0xEF && getc(j->file) == 0xBB && getc(j->file) == 0xBF)
		c = next_char(j->file);
	if (ferror(j->file))
		return fault_sys(fault, errno, "cannot read %s", j->name);
	if (c != '{')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is no JSON object with a \"header\" and \"records\"");
	for (;;) {
		rc = member_name(j, next_char(j->file), name, sizeof(name), fault);
		if (rc != 0)
			return rc;
		if (strcmp(name, "records") == 0)
			break;
		if (strcmp(name, "header") != 0 || header)
			return sbin_json_refuse(
				j, at, fault, KIT_ERR_FORMAT, "",
				"has something else before \"records\" than one \"header\"");
		header = true;
		rc = read_header(j, fault);
		if (rc != 0)
			return rc;
		if (next_char(j->file) != ',')
			return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
						"has no \"records\" after its header");
	}
	if (next_char(j->file) != '[')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "records", "is no array");
	if (header)
		return 0;
	return sbin_json_take_header(j, NULL, fault);
}

int sbin_json_open(struct sbin_json **out, FILE *file, const char *name, struct fault *fault)
{
	struct sbin_json *j = calloc(1, sizeof(*j));
	int rc = 0;

	*out = NULL;
	if (j) {
		j->file = file;
		j->name = strdup(name);
		j->value = malloc(SBIN_VALUE_MAX);
	}
	if (!j || !j->name || !j->value)
		rc = fault_nomem(fault);
	if (rc == 0)
		rc = begin(j, fault);
	if (rc == 0) {
		j->record_size = (size_t)j->header.record_chunks * SBIN_CHUNK;
		j->record = malloc(j->record_size);
		if (!j->record)
			rc = fault_nomem(fault);
	}
	if (rc != 0)
		sbin_json_free(&j);
	*out = j;
	return rc;
}

/* "trailing" is all that may stand behind the records. C is what follows their ']'. */
static int finish(struct sbin_json *j, int c, struct fault *fault)
{
	struct place at = { "the file", 0 }, inside = { "trailing", 0 };
	json_t *o = NULL;
	char name[16];
	int rc = 0;

	if (c == ',') {
		rc = member_name(j, next_char(j->file), name, sizeof(name), fault);
		if (rc == 0 && strcmp(name, "trailing") != 0)
			rc = sbin_json_refuse(
				j, at, fault, KIT_ERR_FORMAT, "",
				"has something else than \"trailing\" behind its records");
		if (rc == 0)
			rc = read_object(j, inside, &o, fault);
		if (rc == 0)
			rc = sbin_json_take_trailing(j, o, fault);
		json_decref(o);
		c = next_char(j->file);
	}
	if (rc == 0 && (c != '}' || next_char(j->file) != EOF))
		rc = sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
				      "does not end behind its object");
	return rc;
}

int sbin_json_next(struct sbin_json *j, struct sbin_record *out, struct fault *fault)
{
	struct place at = { "record", j->records + 1 };
	json_t *o = NULL;
	int c, rc;

	if (j->ended)
		return 0;
	c = next_char(j->file);
	if (c == ']') {
		j->ended = true;
		return finish(j, next_char(j->file), fault);
	}
	if (j->begun && c != ',')
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is not begun by a comma");
	if (!j->begun)
		ungetc(c, j->file);
	j->begun = true;
	if (j->records++ == UINT32_MAX)
		return sbin_json_refuse(j, at, fault, KIT_ERR_RANGE, "", "is one too many");
	rc = read_object(j, at, &o, fault);
	if (rc == 0)
		rc = sbin_json_take_record(j, o, out, fault);
	json_decref(o);
	return rc != 0 ? rc : 1;
}

const struct sbin_header *sbin_json_header(const struct sbin_json *j)
{
	return &j->header;
}

const uint8_t *sbin_json_more(const struct sbin_json *j)
{
	return j->more;
}

const uint8_t *sbin_json_trailing(const struct sbin_json *j, size_t *size)
{
	*size = j->trailing_size;
	return j->trailing;
}

bool sbin_json_counted(const struct sbin_json *j)
{
	return j->counted;
}

void sbin_json_free(struct sbin_json **jp)
{
	struct sbin_json *j = *jp;

	*jp = NULL;
	if (!j)
		return;
	if (j->value)
		secret_wipe(j->value, SBIN_VALUE_MAX);
	if (j->record)
		secret_wipe(j->record, j->record_size);
	if (j->trailing)
		secret_wipe(j->trailing, j->trailing_size);
	free(j->value);
	free(j->record);
	free(j->trailing);
	free(j->more);
	free(j->name);
	free(j);
}
