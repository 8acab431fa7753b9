/* One data record: its fields, its scrambling, its list of variables, its pair of keys. */
#include <string.h>

#include "keygen/password.h"
#include "keygen/pidpps.h"
#include "common/secret.h"
#include "setupbin/record.h"

static void add_to_body(uint8_t *data, size_t size, uint8_t n)
{
	for (size_t i = SBIN_RECORD_HEADER; i < size; i++)
		data[i] = (uint8_t)(data[i] + n);
}

/*
 *   OFFSET  SIZE  FIELD
 *      0      4   record type
 *      4      4   flags
 *      8      8   reserved
 *     16      2   chunks of this record
 *     18      2   header byte count
 *     20      4   record number
 *     24    ...   variables, then zeros
 */
int sbin_record_decode(uint8_t *data, size_t size, struct sbin_record *out)
{
	struct reader r;

	if (size < SBIN_CHUNK)
		return KIT_ERR_TRUNCATED;
	reader_init(&r, data, size);
	out->type = read_le32(&r);
	out->flags = read_le32(&r);
	out->reserved = read_le64(&r);
	out->chunks = read_le16(&r);
	out->header_bytes = read_le16(&r);
	out->number = read_le32(&r);
	out->data = data;
	out->size = size;
	if (out->flags & SBIN_SCRAMBLED)
		add_to_body(data, size, (uint8_t)-SBIN_SCRAMBLE_STEP);
	return 0;
}

void sbin_record_encode(struct sbin_record *r)
{
	struct writer w;

	writer_init(&w, r->data, SBIN_RECORD_HEADER);
	write_le32(&w, r->type);
	write_le32(&w, r->flags);
	write_le64(&w, r->reserved);
	write_le16(&w, r->chunks);
	write_le16(&w, r->header_bytes);
	write_le32(&w, r->number);
	if (r->flags & SBIN_SCRAMBLED)
		add_to_body(r->data, r->size, SBIN_SCRAMBLE_STEP);
}

void sbin_record_init(struct sbin_record *r, uint8_t *data, size_t size, uint32_t number)
{
	memset(data, 0, size);
	*r = (struct sbin_record){
		.type = 1,
		.flags = SBIN_VALID,
		.chunks = (uint16_t)(size / SBIN_CHUNK),
		.header_bytes = SBIN_RECORD_HEADER,
		.number = number,
		.data = data,
		.size = size,
	};
}

void sbin_record_begin(const struct sbin_record *r, struct writer *w)
{
	writer_init(w, r->data, r->size);
	w->at = SBIN_RECORD_HEADER;
}

int sbin_record_append(struct sbin_record *r, struct writer *w, const struct sbin_variable *v,
		       size_t *needed)
{
	size_t bytes = SBIN_VARIABLE_HEADER + v->length + padding4(v->length);

	/* Half a variable must not be left behind, so its room is looked at first. */
	if (w->error == 0 && bytes <= r->size - w->at) {
		sbin_variable_encode(w, v);
	} else {
		w->error = KIT_ERR_RANGE;
		w->at += bytes;
	}
	if (needed)
		*needed = w->at;
	return w->error;
}

void sbin_walk_begin(struct sbin_walk *w, const struct sbin_record *r)
{
	reader_init(&w->r, r->data, r->size);
	read_skip(&w->r, SBIN_RECORD_HEADER);
}

int sbin_walk_next(struct sbin_walk *w, struct sbin_variable *v)
{
	if (w->r.error != 0)
		return KIT_ERR_TRUNCATED;
	/* Module 0 ends the list, and so does the end of the record. */
	if (read_left(&w->r) < 2 || get_le16(w->r.data + w->r.at) == 0)
		return 0;

	size_t began = w->r.at;
	int rc = sbin_variable_decode(&w->r, v);
	if (rc) {
		w->r.error_at = began;
		return rc;
	}
	return 1;
}

bool sbin_record_valid(const struct sbin_record *r)
{
	return r->type == 1 && (r->flags & SBIN_VALID) != 0;
}

bool sbin_record_unused(const struct sbin_header *h, const struct sbin_record *r, uint32_t index)
{
	return sbin_record_valid(r) && (!sbin_header_consumable(h) || index >= h->consumed);
}

bool sbin_record_wiped(const struct sbin_record *r)
{
	const uint8_t *body = r->data + SBIN_RECORD_HEADER;
	size_t n = r->size - SBIN_RECORD_HEADER;
	/* What was stored as zero in a scrambled body is this now. */
	uint8_t zero = r->flags & SBIN_SCRAMBLED ? (uint8_t)-SBIN_SCRAMBLE_STEP : 0;

	return (body[0] == zero || body[0] == 0) && memcmp(body, body + 1, n - 1) == 0;
}

int sbin_record_find(const struct sbin_record *r, uint16_t module, uint16_t id,
		     struct sbin_variable *out)
{
	struct sbin_walk walk;
	struct sbin_variable v;

	sbin_walk_begin(&walk, r);
	while (sbin_walk_next(&walk, &v) == 1) {
		if (v.module == module && v.id == id) {
			*out = v;
			return 0;
		}
	}
	return KIT_ERR_NOT_FOUND;
}

static int problem_set(struct keyproblem *problem, const char *field, int code, const char *rule)
{
	problem->field = field;
	problem->code = code;
	problem->rule = rule;
	return code;
}

static int take_password(const struct sbin_variable *v, enum keylist_field field,
			 struct keyentry *out, struct keyproblem *problem)
{
	int rc = keyentry_set(out, field, (const char *)v->value, v->length, NULL, problem);

	return rc ? problem->code : 0;
}

/* Not by keyentry_set(): a list may be in lower case or have dashes, a setup.bin may not. */
static int take_key(const struct sbin_variable *v, bool pps, char *out,
		    struct keyproblem *problem)
{
	const char *field = pps ? "pps" : "pid";
	size_t length = pps ? PPS_LENGTH : PID_LENGTH;
	int rc;

	if (v->length != length)
		return problem_set(problem, field, KIT_ERR_RANGE,
				   pps ? "not 32 characters" : "not 8 characters");
	rc = pps ? pidpps_check_pps((const char *)v->value)
		 : pidpps_check_pid((const char *)v->value);
	if (rc)
		return problem_set(problem, field, rc, pidpps_rule(rc, pps));
	memcpy(out, v->value, length);
	out[length] = '\0';
	return 0;
}

int sbin_record_to_entry(const struct sbin_record *r, struct keyentry *out,
			 struct keyproblem *problem)
{
	enum { HAS_PID = 1, HAS_PPS = 2, HAS_CURRENT = 4, HAS_NEW = 8 };
	struct sbin_walk walk;
	struct sbin_variable v;
	unsigned have = 0;
	int rc, step;

	memset(out, 0, sizeof(*out));
	sbin_walk_begin(&walk, r);
	while ((step = sbin_walk_next(&walk, &v)) == 1) {
		unsigned bit = 0;

		if (v.module == SBIN_AMT && v.id == SBIN_PID)
			bit = HAS_PID;
		else if (v.module == SBIN_AMT && v.id == SBIN_PPS)
			bit = HAS_PPS;
		else if (v.module == SBIN_ME && v.id == SBIN_CURRENT_PASSWORD)
			bit = HAS_CURRENT;
		else if (v.module == SBIN_ME && v.id == SBIN_NEW_PASSWORD)
			bit = HAS_NEW;
		if (bit == 0 || (have & bit))
			continue;
		have |= bit;
		if (bit == HAS_PID)
			rc = take_key(&v, false, out->pair.pid, problem);
		else if (bit == HAS_PPS)
			rc = take_key(&v, true, out->pair.pps, problem);
		else if (bit == HAS_CURRENT)
			rc = take_password(&v, KEYLIST_CURRENT, out, problem);
		else
			rc = take_password(&v, KEYLIST_NEW, out, problem);
		if (rc)
			goto bad;
	}
	if (step < 0)
		rc = problem_set(problem, "", KIT_ERR_FORMAT, "a variable runs out of the record");
	else if (!(have & HAS_PID))
		rc = problem_set(problem, "pid", KIT_ERR_NOT_FOUND, "the record has no PID");
	else if (!(have & HAS_PPS))
		rc = problem_set(problem, "pps", KIT_ERR_NOT_FOUND, "the record has no PPS");
	else
		return 0;
bad:
	secret_wipe(out, sizeof(*out));
	return rc;
}

int sbin_record_from_entry(struct sbin_record *r, const struct keyentry *entry, bool scramble,
			   struct fault *fault)
{
	const char *current = entry->current_password[0] != '\0' ? entry->current_password
								  : PASSWORD_FACTORY;
	const struct { uint16_t module, id; const char *text; } parts[] = {
		{ SBIN_ME, SBIN_CURRENT_PASSWORD, current },
		{ SBIN_ME, SBIN_NEW_PASSWORD, entry->new_password },
		{ SBIN_AMT, SBIN_PID, entry->pair.pid },
		{ SBIN_AMT, SBIN_PPS, entry->pair.pps },
	};
	char shown[PID_SHOWN + 1];
	struct writer w;
	size_t needed = 0;

	if (entry->new_password[0] == '\0' && strcmp(current, PASSWORD_FACTORY) == 0) {
		pidpps_show_pid(entry->pair.pid, shown);
		fault_set(fault, KIT_ERR_ARGUMENT, "record %lu (PID %s) has the factory password "
			  "and no new one: firmware wants it changed\n"
			  "give a new MEBx password with the key", (unsigned long)r->number, shown);
		return KIT_ERR_ARGUMENT;
	}
	sbin_record_begin(r, &w);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		struct sbin_variable v = {
			.module = parts[i].module,
			.id = parts[i].id,
			.length = (uint16_t)strlen(parts[i].text),
			.value = (const uint8_t *)parts[i].text,
		};
		if (v.length != 0)
			sbin_record_append(r, &w, &v, &needed);
	}
	if (w.error != 0)
		return fault_set(fault, w.error, "record %lu needs %zu bytes and has %zu",
				 (unsigned long)r->number, needed, r->size);
	if (scramble)
		r->flags |= SBIN_SCRAMBLED;
	return 0;
}
