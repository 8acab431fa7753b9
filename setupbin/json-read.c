/* setup.bin from JSON, read as a stream: one object at a time is taken apart into its bytes. */
#include "setupbin/json.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/secret.h"
#include "setupbin/value.h"

#define ELEMENT_MAX (4 * 1024 * 1024) /* bytes of JSON for one record, or for the header */

struct sbin_json {
	FILE *file;
	char *name;
	struct sbin_header header;
	bool counted;			/* the header says how many records */
	uint8_t *more;			/* chunks of the header after the first */
	uint8_t *record;		/* SECRET: the record at hand */
	size_t record_size;
	uint8_t *value;			/* SECRET: room for one value */
	unsigned long records;		/* begun so far */
	bool begun, ended;
	uint8_t *trailing;		/* may be SECRET */
	size_t trailing_size;
};

/* Where the text at hand is: "header", "record 7", "trailing". */
struct place {
	const char *what;
	unsigned long number;		/* 0: none */
};

/* Sets the fault "NAME: PLACE, "MEMBER" WHY" (MEMBER may be ""). Returns CODE. */
static int refuse(const struct sbin_json *j, struct place at, struct fault *fault, int code,
		     const char *member, const char *why)
{
	char number[24] = "";

	if (at.number != 0)
		snprintf(number, sizeof(number), " %lu", at.number);
	fault_set(fault, code, "%s: %s%s%s%s%s %s", j->name, at.what, number,
		  *member != '\0' ? ", \"" : "", member, *member != '\0' ? "\"" : "", why);
	return code;
}

/* Are all members of O among NAMES (ended by NULL)? */
static int check_names(const struct sbin_json *j, struct place at, json_t *o,
		       const char *const *names, struct fault *fault)
{
	const char *key;
	json_t *value;

	json_object_foreach(o, key, value) {
		const char *const *name = names;

		while (*name && strcmp(*name, key) != 0)
			name++;
		if (!*name) {
			/* An unknown name may be anything, a password in the wrong place, too. */
			bool plain = key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
			int rc = refuse(j, at, fault, KIT_ERR_FORMAT, plain ? key : "",
						  "is an unknown member");

			fault_hint(fault, "amt-json(5) lists the members");
			return rc;
		}
	}
	return 0;
}

/* A whole number of at most MAX; *out stays when the member is not there. */
static int take_number(const struct sbin_json *j, struct place at, json_t *o, const char *name,
		       int64_t max, int64_t *out, struct fault *fault)
{
	json_t *value = json_object_get(o, name);

	if (!value)
		return 0;
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return refuse(j, at, fault, KIT_ERR_FORMAT, name,
					max == 255     ? "is not a whole number up to 255"
					: max == 65535 ? "is not a whole number up to 65535"
						       : "is not a whole number up to 4294967295");
	*out = json_integer_value(value);
	return 0;
}

struct number {
	const char *name;
	int64_t max;
	int64_t *out;
};

/* Several of them; TABLE ends with a NULL name. */
static int take_numbers(const struct sbin_json *j, struct place at, json_t *o,
			const struct number *table, struct fault *fault)
{
	int rc = 0;

	for (; !rc && table->name; table++)
		rc = take_number(j, at, o, table->name, table->max, table->out, fault);
	return rc;
}

/* A flag: sets or clears BIT in *flags. */
static int take_flag(const struct sbin_json *j, struct place at, json_t *o, const char *name,
		     bool inverted, uint32_t bit, uint32_t *flags, struct fault *fault)
{
	json_t *value = json_object_get(o, name);

	if (!value)
		return 0;
	if (!json_is_boolean(value))
		return refuse(j, at, fault, KIT_ERR_FORMAT, name,
					"is neither true nor false");
	*flags = json_is_true(value) != inverted ? *flags | bit : *flags & ~bit;
	return 0;
}

static int masked(const struct sbin_json *j, struct place at, struct fault *fault)
{
	int rc = refuse(j, at, fault, KIT_ERR_STATE, "",
				  "was written without its secrets");

	fault_hint(fault, "write it with \"amt-setupbin show --json --secrets FILE\"");
	return rc;
}

/* Bytes; *size is left alone when the member is not there. */
static int take_hex(const struct sbin_json *j, struct place at, json_t *o, const char *name,
		    uint8_t *out, size_t room, size_t *size, struct fault *fault)
{
	json_t *value = json_object_get(o, name);

	if (!value)
		return 0;
	if (json_is_null(value))
		return masked(j, at, fault);
	if (!json_is_string(value) ||
	    hex_parse(json_string_value(value), json_string_length(value), out, room, size) != 0)
		return refuse(j, at, fault, KIT_ERR_FORMAT, name,
					"is not a string of hexadecimal digits, or is too long");
	return 0;
}

static int take_modules(struct sbin_json *j, struct place at, json_t *o, struct fault *fault)
{
	json_t *list = json_object_get(o, "modules"), *value;
	uint16_t modules[SBIN_HEADER_MODULES];
	size_t i, n = 0, room = sizeof(j->header.rest);

	if (json_object_get(o, "rest")) {
		memset(j->header.rest, 0, sizeof(j->header.rest));
		return take_hex(j, at, o, "rest", j->header.rest, room, &n, fault);
	}
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > SBIN_HEADER_MODULES)
		return refuse(j, at, fault, KIT_ERR_FORMAT, "modules",
					"is not an array of at most 235 numbers");
	json_array_foreach(list, i, value) {
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
		    json_integer_value(value) > UINT16_MAX)
			return refuse(
				j, at, fault, KIT_ERR_FORMAT, "modules",
				"holds something else than numbers from 1 to 65535");
		modules[n++] = (uint16_t)json_integer_value(value);
	}
	return sbin_header_set_modules(&j->header, modules, n);
}

static int take_version(struct sbin_json *j, struct place at, json_t *o, struct fault *fault)
{
	json_t *value = json_object_get(o, "file_version");
	const char *text = value ? json_string_value(value) : "2.1";
	struct sbin_header *h = &j->header;
	const uint8_t *uuid;
	unsigned major, minor;
	size_t n = 0;
	char after;
	int rc;

	if (!text || sscanf(text, "%3u.%3u%c", &major, &minor, &after) != 2 || major > 255 ||
	    minor > 255)
		return refuse(j, at, fault, KIT_ERR_FORMAT, "file_version",
					"is not a version such as \"2.1\"");
	sbin_header_make(h, (struct sbin_version){ 2, 1 }, 0, 0, NULL);
	h->version = (struct sbin_version){ (uint8_t)major, (uint8_t)minor };
	uuid = sbin_version_uuid(h->version);
	if (uuid)
		memcpy(h->uuid, uuid, sizeof(h->uuid));
	rc = take_hex(j, at, o, "uuid", h->uuid, sizeof(h->uuid), &n, fault);
	if (!rc && (n != 0 ? n != sizeof(h->uuid) : !uuid))
		rc = refuse(
			j, at, fault, KIT_ERR_FORMAT, "uuid",
			"must be 16 bytes, and must be there for an unknown version");
	return rc;
}

/* Further chunks of the header, as many as "chunks" says; zeros where "more" is shorter. */
static int take_more(struct sbin_json *j, struct place at, json_t *o, struct fault *fault)
{
	size_t room = (j->header.chunks - 1u) * SBIN_CHUNK, n = 0;

	j->more = calloc(1, room + 1);
	if (!j->more)
		return fault_nomem(fault);
	return take_hex(j, at, o, "more", j->more, room, &n, fault);
}

static int take_header(struct sbin_json *j, json_t *o, struct fault *fault)
{
	static const char *const names[] = {
		"file_version", "uuid", "consume", "consumed", "record_count", "record_chunks",
		"chunks", "number", "other_flags", "reserved", "modules", "rest", "header_bytes",
		"more", "masked", NULL,
	};
	struct place at = { "header", 0 };
	struct sbin_header *h = &j->header;
	int64_t consumed = 0, count = 0, record_chunks = 1, chunks = 1, number = 0, other = 0,
		reserved = 0, bytes;
	const struct number numbers[] = {
		{ "consumed", UINT32_MAX, &consumed },
		{ "record_count", UINT32_MAX, &count },
		{ "record_chunks", UINT16_MAX, &record_chunks },
		{ "chunks", UINT16_MAX, &chunks },
		{ "number", UINT32_MAX, &number },
		{ "other_flags", UINT16_MAX, &other },
		{ "reserved", UINT16_MAX, &reserved },
		{ NULL, 0, NULL },
	};
	uint32_t flags = 0;
	int rc;

	rc = check_names(j, at, o, names, fault);
	if (!rc && json_is_true(json_object_get(o, "masked")))
		rc = masked(j, (struct place){ "the file", 0 }, fault);
	if (!rc)
		rc = take_version(j, at, o, fault);
	if (!rc)
		rc = take_numbers(j, at, o, numbers, fault);
	if (!rc)
		rc = take_modules(j, at, o, fault);
	bytes = h->header_bytes;
	if (!rc)
		rc = take_number(j, at, o, "header_bytes", UINT16_MAX, &bytes, fault);
	flags = (uint32_t)other;
	if (!rc)
		rc = take_flag(j, at, o, "consume", true, SBIN_DO_NOT_CONSUME, &flags, fault);
	if (rc)
		return rc;
	if (record_chunks < 1 || record_chunks > SBIN_MAX_CHUNKS || chunks < 1 ||
	    chunks > SBIN_MAX_CHUNKS)
		return refuse(j, at, fault, KIT_ERR_RANGE, "",
					"has a chunk count that is not within 1 to 64");
	h->consumed = (uint32_t)consumed;
	h->records = (uint32_t)count;
	h->record_chunks = (uint16_t)record_chunks;
	h->chunks = (uint16_t)chunks;
	h->number = (uint32_t)number;
	h->flags = (uint16_t)flags;
	h->reserved = (uint16_t)reserved;
	h->header_bytes = (uint16_t)bytes;
	j->counted = json_object_get(o, "record_count") != NULL;
	return take_more(j, at, o, fault);
}

/* The variable's ids, by name or as numbers. */
static int take_ids(const struct sbin_json *j, struct place at, json_t *o, struct sbin_variable *v,
		    const struct sbin_known **known, struct fault *fault)
{
	json_t *named = json_object_get(o, "name");
	const char *name = json_string_value(named);
	int64_t module = 0, id = -1;
	const struct number numbers[] = {
		{ "module", UINT16_MAX, &module }, { "id", UINT16_MAX, &id }, { NULL, 0, NULL },
	};
	int rc;

	if (named && (!name || json_object_get(o, "module") ||
			      json_object_get(o, "id")))
		return refuse(j, at, fault, KIT_ERR_FORMAT, "name",
					"is not a string, or is beside \"module\" or \"id\"");
	if (name) {
		*known = sbin_known_named(name);
		if (!*known) {
			rc = refuse(j, at, fault, KIT_ERR_FORMAT, "name",
					      "names no known variable");
			fault_hint(fault, "\"amt-setupbin variables\" lists them");
			return rc;
		}
		v->module = (*known)->module;
		v->id = (*known)->id;
		return 0;
	}
	rc = take_numbers(j, at, o, numbers, fault);
	if (!rc && (module == 0 || id < 0))
		rc = refuse(
			j, at, fault, KIT_ERR_FORMAT, "",
			"has a variable without \"name\", and without \"module\" and \"id\"");
	v->module = (uint16_t)module;
	v->id = (uint16_t)id;
	*known = sbin_known_find(v->module, v->id);
	return rc;
}

static int take_value(struct sbin_json *j, struct place at, json_t *o, const struct sbin_known *k,
		      struct sbin_variable *v, struct fault *fault)
{
	json_t *value = json_object_get(o, "value");
	const char *text = json_string_value(value);
	char number[24];
	size_t n = 0;
	int rc;

	if (json_is_null(value))
		return masked(j, at, fault);
	if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			 json_integer_value(value));
		text = number;
	}
	if (!text)
		return refuse(j, at, fault, KIT_ERR_FORMAT, "value",
					"is missing, or no string");
	v->value = j->value;
	if (k) {
		rc = sbin_value_parse(k, text, true, j->value, &v->length, fault);
		if (rc)
			fault_context(fault, "%s: record %lu", j->name, at.number);
		return rc;
	}
	if (strncmp(text, "hex:", 4) != 0 ||
	    hex_parse(text + 4, strlen(text + 4), j->value, SBIN_VALUE_MAX, &n) != 0)
		return refuse(j, at, fault, KIT_ERR_FORMAT, "value",
					"of a variable that is not known must be \"hex:...\"");
	v->length = (uint16_t)n;
	return 0;
}

static int take_variable(struct sbin_json *j, struct place at, json_t *o, struct sbin_record *r,
			 struct writer *w, size_t *needed, struct fault *fault)
{
	static const char *const names[] = { "name", "module", "id", "value", "reserved", "padding",
					     NULL };
	const struct sbin_known *k = NULL;
	struct sbin_variable v = { 0 };
	uint8_t padding[3] = { 0 };
	int64_t reserved = 0;
	size_t n = 0;
	int rc;

	if (!json_is_object(o))
		return refuse(j, at, fault, KIT_ERR_FORMAT, "variables",
					"holds no objects");
	rc = check_names(j, at, o, names, fault);
	if (!rc)
		rc = take_ids(j, at, o, &v, &k, fault);
	if (!rc)
		rc = take_value(j, at, o, k, &v, fault);
	if (!rc)
		rc = take_number(j, at, o, "reserved", UINT16_MAX, &reserved, fault);
	if (!rc)
		rc = take_hex(j, at, o, "padding", padding, padding4(v.length), &n, fault);
	if (rc)
		return rc;
	v.reserved = (uint16_t)reserved;
	v.padding = padding;
	/* A record that is too short is reported once, with the bytes of all its variables. */
	sbin_record_append(r, w, &v, needed);
	return 0;
}

static int take_record_fields(const struct sbin_json *j, struct place at, json_t *o,
			      struct sbin_record *r, struct fault *fault)
{
	int64_t type = 1, other = 0, chunks = r->chunks, bytes = r->header_bytes,
		number = r->number;
	const struct number numbers[] = {
		{ "type", UINT32_MAX, &type },
		{ "other_flags", UINT32_MAX, &other },
		{ "chunks", UINT16_MAX, &chunks },
		{ "header_bytes", UINT16_MAX, &bytes },
		{ "number", UINT32_MAX, &number },
		{ NULL, 0, NULL },
	};
	uint8_t reserved[8] = { 0 };
	size_t n = 0;
	int rc;

	rc = take_numbers(j, at, o, numbers, fault);
	if (!rc)
		rc = take_hex(j, at, o, "reserved", reserved, sizeof(reserved), &n, fault);
	r->type = (uint32_t)type;
	r->flags = (uint32_t)other | SBIN_VALID;
	r->chunks = (uint16_t)chunks;
	r->header_bytes = (uint16_t)bytes;
	r->number = (uint32_t)number;
	r->reserved = get_le64(reserved);
	if (!rc)
		rc = take_flag(j, at, o, "valid", false, SBIN_VALID, &r->flags, fault);
	if (!rc)
		rc = take_flag(j, at, o, "scrambled", false, SBIN_SCRAMBLED, &r->flags, fault);
	return rc;
}

static int take_record(struct sbin_json *j, json_t *o, struct sbin_record *r,
			  struct fault *fault)
{
	static const char *const names[] = {
		"number", "valid", "scrambled", "variables", "type", "chunks", "header_bytes",
		"other_flags", "reserved", "rest", NULL,
	};
	struct place at = { "record", j->records };
	json_t *list = json_object_get(o, "variables"), *variable;
	size_t i, needed = 0, n = 0;
	struct writer w;
	int rc;

	rc = check_names(j, at, o, names, fault);
	if (rc)
		return rc;
	if (list && !json_is_array(list))
		return refuse(j, at, fault, KIT_ERR_FORMAT, "variables", "is not an array");
	sbin_record_init(r, j->record, j->record_size, (uint32_t)j->records);
	sbin_record_begin(r, &w);
	json_array_foreach(list, i, variable) {
		rc = take_variable(j, at, variable, r, &w, &needed, fault);
		if (rc)
			return rc;
	}
	if (w.error != 0) {
		fault_set(fault, w.error, "%s: record %lu needs %zu bytes and has %zu\n"
			  "set \"record_chunks\" in the header to %zu", j->name, j->records, needed,
			  r->size, (needed + SBIN_CHUNK - 1) / SBIN_CHUNK);
		return w.error;
	}
	rc = take_hex(j, at, o, "rest", j->record + w.at, r->size - w.at, &n, fault);
	return rc ? rc : take_record_fields(j, at, o, r, fault);
}

static int take_trailing(struct sbin_json *j, json_t *o, struct fault *fault)
{
	static const char *const names[] = { "hex", NULL };
	struct place at = { "trailing", 0 };
	size_t room = json_string_length(json_object_get(o, "hex")) / 2;
	int rc = check_names(j, at, o, names, fault);

	if (rc)
		return rc;
	j->trailing = malloc(room + 1);
	if (!j->trailing)
		return fault_nomem(fault);
	return take_hex(j, at, o, "hex", j->trailing, room, &j->trailing_size, fault);
}

struct record_element {
	FILE *file;
	size_t bytes;
};

/* One byte a call: jansson then never reads past the closing brace. */
static size_t feed(void *buffer, size_t size, void *context)
{
	struct record_element *e = context;
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
	struct record_element e = { j->file, 0 };
	json_error_t error;
	int c = next_char(j->file);

	*out = NULL;
	if (c != '{')
		return refuse(j, at, fault, KIT_ERR_FORMAT, "", "is not a JSON object");
	ungetc(c, j->file);
	*out = json_load_callback(feed, &e, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
				  &error);
	if (*out)
		return 0;
	if (ferror(j->file))
		return fault_sys(fault, errno, "cannot read %s", j->name);
	return refuse(j, at, fault, KIT_ERR_FORMAT, "",
				e.bytes > ELEMENT_MAX ? "is longer than 4 MiB"
						      : "is not valid JSON");
}

/* The name of the next member of the outermost object, up to its ':'. */
static int member_name(struct sbin_json *j, int c, char *out, size_t size, struct fault *fault)
{
	struct place at = { "the file", 0 };
	size_t n = 0;

	if (c != '"')
		return refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is not a JSON object with a \"header\" and \"records\"");
	while ((c = getc(j->file)) != '"' && c != EOF && n + 1 < size)
		out[n++] = (char)c;
	out[n] = '\0';
	if (c != '"' || next_char(j->file) != ':')
		return refuse(j, at, fault, KIT_ERR_FORMAT, "", "is not valid JSON");
	return 0;
}

static int read_header(struct sbin_json *j, struct fault *fault)
{
	struct place at = { "header", 0 };
	json_t *o = NULL;
	int rc = read_object(j, at, &o, fault);

	if (!rc)
		rc = take_header(j, o, fault);
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
		return refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is not a JSON object with a \"header\" and \"records\"");
	for (;;) {
		rc = member_name(j, next_char(j->file), name, sizeof(name), fault);
		if (rc)
			return rc;
		if (strcmp(name, "records") == 0)
			break;
		if (strcmp(name, "header") != 0 || header)
			return refuse(
				j, at, fault, KIT_ERR_FORMAT, "",
				"has something else before \"records\" than one \"header\"");
		header = true;
		rc = read_header(j, fault);
		if (rc)
			return rc;
		if (next_char(j->file) != ',')
			return refuse(j, at, fault, KIT_ERR_FORMAT, "",
						"has no \"records\" after its header");
	}
	if (next_char(j->file) != '[')
		return refuse(j, at, fault, KIT_ERR_FORMAT, "records", "is not an array");
	if (header)
		return 0;
	return take_header(j, NULL, fault);
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
	if (!rc)
		rc = begin(j, fault);
	if (!rc) {
		j->record_size = (size_t)j->header.record_chunks * SBIN_CHUNK;
		j->record = malloc(j->record_size);
		if (!j->record)
			rc = fault_nomem(fault);
	}
	if (rc)
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
		if (!rc && strcmp(name, "trailing") != 0)
			rc = refuse(
				j, at, fault, KIT_ERR_FORMAT, "",
				"has something else than \"trailing\" behind its records");
		if (!rc)
			rc = read_object(j, inside, &o, fault);
		if (!rc)
			rc = take_trailing(j, o, fault);
		json_decref(o);
		c = next_char(j->file);
	}
	if (!rc && (c != '}' || next_char(j->file) != EOF))
		rc = refuse(j, at, fault, KIT_ERR_FORMAT, "",
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
		return refuse(j, at, fault, KIT_ERR_FORMAT, "",
					"is not begun by a comma");
	if (!j->begun)
		ungetc(c, j->file);
	j->begun = true;
	if (j->records++ == UINT32_MAX)
		return refuse(j, at, fault, KIT_ERR_RANGE, "", "is one too many");
	rc = read_object(j, at, &o, fault);
	if (!rc)
		rc = take_record(j, o, out, fault);
	json_decref(o);
	return rc ? rc : 1;
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
