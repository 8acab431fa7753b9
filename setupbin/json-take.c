/* setup.bin from JSON: the header's, a record's and a variable's object into their bytes. */
#include <stdlib.h>
#include <string.h>

#include "setupbin/json-private.h"
#include "setupbin/value.h"

int sbin_json_refuse(const struct sbin_json *j, struct place at, struct fault *fault, int code,
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
			/* A name that is none may be anything, a password in the wrong place too. */
			bool plain = key[strspn(key, "abcdefghijklmnopqrstuvwxyz_")] == '\0';
			int rc = sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, plain ? key : "",
						  "is a member that nobody knows");

			fault_hint(fault, "setup.bin(5) has all that there are");
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
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, name,
					max == 255     ? "is no whole number up to 255"
					: max == 65535 ? "is no whole number up to 65535"
						       : "is no whole number up to 4294967295");
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

	for (; rc == 0 && table->name; table++)
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
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, name,
					"is neither true nor false");
	*flags = json_is_true(value) != inverted ? *flags | bit : *flags & ~bit;
	return 0;
}

static int masked(const struct sbin_json *j, struct place at, struct fault *fault)
{
	int rc = sbin_json_refuse(j, at, fault, KIT_ERR_STATE, "",
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
	    sbin_hex_parse(json_string_value(value), out, room, size) != 0)
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, name,
					"is no string of hexadecimal digits, or too long");
	return 0;
}

static int take_modules(struct sbin_json *j, struct place at, json_t *o, struct fault *fault)
{
	json_t *list = json_object_get(o, "modules"), *value;
	uint16_t modules[SBIN_HEADER_MODULES];
	size_t i, n = 0, room = sizeof(j->header.rest);

	if (json_object_get(o, "rest") != NULL) {
		memset(j->header.rest, 0, sizeof(j->header.rest));
		return take_hex(j, at, o, "rest", j->header.rest, room, &n, fault);
	}
	if (!list)
		return 0;
	if (!json_is_array(list) || json_array_size(list) > SBIN_HEADER_MODULES)
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "modules",
					"is no array of at most 235 numbers");
	json_array_foreach(list, i, value) {
		if (!json_is_integer(value) || json_integer_value(value) < 1 ||
		    json_integer_value(value) > UINT16_MAX)
			return sbin_json_refuse(
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
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "file_version",
					"is no version such as \"2.1\"");
	sbin_header_make(h, (struct sbin_version){ 2, 1 }, 0, 0, NULL);
	h->version = (struct sbin_version){ (uint8_t)major, (uint8_t)minor };
	uuid = sbin_version_uuid(h->version);
	if (uuid)
		memcpy(h->uuid, uuid, sizeof(h->uuid));
	rc = take_hex(j, at, o, "uuid", h->uuid, sizeof(h->uuid), &n, fault);
	if (rc == 0 && (n != 0 ? n != sizeof(h->uuid) : !uuid))
		rc = sbin_json_refuse(
			j, at, fault, KIT_ERR_FORMAT, "uuid",
			"has to be 16 bytes, and has to be there for an unknown version");
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

int sbin_json_take_header(struct sbin_json *j, json_t *o, struct fault *fault)
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
	if (rc == 0 && json_is_true(json_object_get(o, "masked")))
		rc = masked(j, (struct place){ "the file", 0 }, fault);
	if (rc == 0)
		rc = take_version(j, at, o, fault);
	if (rc == 0)
		rc = take_numbers(j, at, o, numbers, fault);
	if (rc == 0)
		rc = take_modules(j, at, o, fault);
	bytes = h->header_bytes;
	if (rc == 0)
		rc = take_number(j, at, o, "header_bytes", UINT16_MAX, &bytes, fault);
	flags = (uint32_t)other;
	if (rc == 0)
		rc = take_flag(j, at, o, "consume", true, SBIN_DO_NOT_CONSUME, &flags, fault);
	if (rc != 0)
		return rc;
	if (record_chunks < 1 || record_chunks > SBIN_MAX_CHUNKS || chunks < 1 ||
	    chunks > SBIN_MAX_CHUNKS)
		return sbin_json_refuse(j, at, fault, KIT_ERR_RANGE, "",
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

	if (named && (!name || json_object_get(o, "module") != NULL ||
			      json_object_get(o, "id") != NULL))
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "name",
					"is no string, or stands beside \"module\" or \"id\"");
	if (name) {
		*known = sbin_known_named(name);
		if (!*known) {
			rc = sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "name",
					      "names no known variable");
			fault_hint(fault, "\"amt-setupbin variables\" lists them");
			return rc;
		}
		v->module = (*known)->module;
		v->id = (*known)->id;
		return 0;
	}
	rc = take_numbers(j, at, o, numbers, fault);
	if (rc == 0 && (module == 0 || id < 0))
		rc = sbin_json_refuse(
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
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "value",
					"is missing, or no string");
	v->value = j->value;
	if (k) {
		rc = sbin_value_parse(k, text, true, j->value, &v->length, fault);
		if (rc != 0)
			fault_context(fault, "%s: record %lu", j->name, at.number);
		return rc;
	}
	if (strncmp(text, "hex:", 4) != 0 ||
	    sbin_hex_parse(text + 4, j->value, SBIN_VALUE_MAX, &n) != 0)
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "value",
					"of a variable that is not known has to be \"hex:...\"");
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
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "variables",
					"holds no objects");
	rc = check_names(j, at, o, names, fault);
	if (rc == 0)
		rc = take_ids(j, at, o, &v, &k, fault);
	if (rc == 0)
		rc = take_value(j, at, o, k, &v, fault);
	if (rc == 0)
		rc = take_number(j, at, o, "reserved", UINT16_MAX, &reserved, fault);
	if (rc == 0)
		rc = take_hex(j, at, o, "padding", padding, padding4(v.length), &n, fault);
	if (rc != 0)
		return rc;
	v.reserved = (uint16_t)reserved;
	v.padding = padding;
	/* A record that is too short is told once, with the bytes of all its variables. */
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
	if (rc == 0)
		rc = take_hex(j, at, o, "reserved", reserved, sizeof(reserved), &n, fault);
	r->type = (uint32_t)type;
	r->flags = (uint32_t)other | SBIN_VALID;
	r->chunks = (uint16_t)chunks;
	r->header_bytes = (uint16_t)bytes;
	r->number = (uint32_t)number;
	r->reserved = get_le64(reserved);
	if (rc == 0)
		rc = take_flag(j, at, o, "valid", false, SBIN_VALID, &r->flags, fault);
	if (rc == 0)
		rc = take_flag(j, at, o, "scrambled", false, SBIN_SCRAMBLED, &r->flags, fault);
	return rc;
}

int sbin_json_take_record(struct sbin_json *j, json_t *o, struct sbin_record *r,
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
	if (rc != 0)
		return rc;
	if (list && !json_is_array(list))
		return sbin_json_refuse(j, at, fault, KIT_ERR_FORMAT, "variables", "is no array");
	sbin_record_init(r, j->record, j->record_size, (uint32_t)j->records);
	sbin_record_begin(r, &w);
	json_array_foreach(list, i, variable) {
		rc = take_variable(j, at, variable, r, &w, &needed, fault);
		if (rc != 0)
			return rc;
	}
	if (w.error != 0) {
		fault_set(fault, w.error, "%s: record %lu needs %zu bytes and has %zu\n"
			  "set \"record_chunks\" in the header to %zu", j->name, j->records, needed,
			  r->size, (needed + SBIN_CHUNK - 1) / SBIN_CHUNK);
		return w.error;
	}
	rc = take_hex(j, at, o, "rest", j->record + w.at, r->size - w.at, &n, fault);
	return rc != 0 ? rc : take_record_fields(j, at, o, r, fault);
}

int sbin_json_take_trailing(struct sbin_json *j, json_t *o, struct fault *fault)
{
	static const char *const names[] = { "hex", NULL };
	struct place at = { "trailing", 0 };
	size_t room = json_string_length(json_object_get(o, "hex")) / 2;
	int rc = check_names(j, at, o, names, fault);

	if (rc != 0)
		return rc;
	j->trailing = malloc(room + 1);
	if (!j->trailing)
		return fault_nomem(fault);
	return take_hex(j, at, o, "hex", j->trailing, room, &j->trailing_size, fault);
}
