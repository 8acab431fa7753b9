/* Key lists as JSON: an array of objects, read one object at a time. */
#include "keygen/keylist-private.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct json_list {
	struct keysource source;
	struct lines *lines;
	bool begun, ended;
};

static int next_char(struct lines *lines)
{
	int c;

	do
		c = lines_getc(lines);
	while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
	return c;
}

struct key_element {
	struct lines *lines;
	size_t bytes;
};

/* One byte a call: the parser then never reads past the object's closing brace. */
static size_t feed(void *buffer, size_t size, void *context)
{
	struct key_element *e = context;
	int c;

	if (e->bytes++ == KEYLIST_ELEMENT)
		return 0;
	c = lines_getc(e->lines);
	if (c == EOF)
		return 0;
	*(char *)buffer = (char)c;
	return size ? 1 : 0;
}

/* The list cannot be followed any further: jansson's own text could quote a secret. */
static int lost(struct json_list *l, struct fault *fault, const char *what)
{
	if (lines_error(l->lines, fault))
		return fault->code;
	return fault_set(fault, KIT_ERR_FORMAT, "%s: element %lu: %s\n"
			 "a list is an array of objects: [{\"pid\": ..., \"pps\": ...}, ...]",
			 lines_name(l->lines), l->source.counts.lines, what);
}

static int take_member(struct keyentry *out, enum keylist_field field, json_t *value, bool *folded,
		       struct keyproblem *problem)
{
	if (field == KEYLIST_FIELDS || json_is_null(value))
		return 0;
	if (json_is_string(value))
		return keyentry_set(out, field, json_string_value(value),
				    json_string_length(value), folded, problem);
	if (field == KEYLIST_USED && json_is_boolean(value)) {
		out->used = json_is_true(value);
		return 0;
	}
	if (field == KEYLIST_USED && json_is_integer(value)) {
		out->used = json_integer_value(value) != 0;
		return 0;
	}
	problem->field = keylist_field_name(field);
	problem->code = KIT_ERR_FORMAT;
	problem->rule = field == KEYLIST_USED ? "true or false" : "a string";
	return KIT_ERR_FORMAT;
}

static int take_object(struct json_list *l, json_t *object, struct keyentry *out,
		       struct keyproblem *problem)
{
	bool seen[KEYLIST_FIELDS + 1] = { false };
	bool folded = false;
	const char *key;
	json_t *value;
	int rc;

	json_object_foreach(object, key, value) {
		enum keylist_field field = keylist_field_named(key, strlen(key));

		/* One name, in two ways to write it: who knows which one is meant? */
		if (field != KEYLIST_FIELDS && seen[field]) {
			problem->field = keylist_field_name(field);
			problem->code = KIT_ERR_DUPLICATE;
			problem->rule = "only once in an element";
			return KIT_ERR_FORMAT;
		}
		seen[field] = true;
		rc = take_member(out, field, value, &folded, problem);
		if (rc)
			return rc;
	}
	if (!out->pair.pid[0] || !out->pair.pps[0])
		return keylist_bad_line(problem, "both \"pid\" and \"pps\" must be there");
	l->source.counts.folded += folded;
	return 1;
}

static int json_next(struct keysource *s, struct keyentry *out, struct keyproblem *problem,
		     struct fault *fault)
{
	struct json_list *l = (struct json_list *)s;
	struct key_element element = { l->lines, 0 };
	json_error_t error;
	json_t *object;
	int c, rc;

	if (l->ended)
		return 0;
	c = next_char(l->lines);
	if (!l->begun && c != '[')
		return lost(l, fault, "the list does not begin with '['");
	if (!l->begun)
		c = next_char(l->lines);
	else if (c == ',')
		c = next_char(l->lines);
	else if (c != ']')
		return lost(l, fault, "neither ',' nor ']' follows it");
	else
		goto end;
	if (c == ']' && !l->begun)
		goto end;
	l->begun = true;
	s->counts.lines++;
	if (c != '{')
		return lost(l, fault, "it is not an object");
	lines_ungetc(l->lines, c);
	object = json_load_callback(feed, &element, JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES,
				    &error);
	if (!object)
		return lost(l, fault, element.bytes > KEYLIST_ELEMENT
			    ? "it is longer than 4096 bytes" : "it is not a valid JSON object");
	rc = take_object(l, object, out, problem);
	json_decref(object);
	return rc;
end:
	l->ended = true;
	if (next_char(l->lines) != EOF)
		return lost(l, fault, "something follows the closing ']'");
	return lines_error(l->lines, fault);
}

static void json_source_free(struct keysource *s)
{
	struct json_list *l = (struct json_list *)s;

	lines_free(&l->lines);
	free(l);
}

static const struct keysource_operations operations = { json_next, json_source_free };

int keylist_json_open(struct keysource **out, struct lines *lines, struct fault *fault)
{
	struct json_list *l = calloc(1, sizeof(*l));

	if (!l)
		return fault_nomem(fault);
	l->source = (struct keysource){ .operations = &operations, .kind = "json" };
	l->lines = lines;
	*out = &l->source;
	return 0;
}
