/* The checker: the file as a whole, its header, and each record's place and header in it. */
#include "setupbin/check.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "setupbin/check-private.h"

#define POST_NOTE	500	/* records from which on the delay at POST is worth a word */

double sbin_post_seconds(uint32_t records)
{
	/* About 15 s at 1,000 records and 180 s at 100,000: a line between their logarithms. */
	const double slope = log(180.0 / 15.0) / log(100000.0 / 1000.0);

	return records == 0 ? 0 : 15.0 * pow(records / 1000.0, slope);
}

void sbin_post_text(double seconds, char *out)
{
	if (seconds < 0.5)
		snprintf(out, SBIN_POST_TEXT, "less than a second");
	else
		snprintf(out, SBIN_POST_TEXT, "about %.0f second%s", seconds,
			 seconds < 1.5 ? "" : "s");
}

bool sbin_all_zero(const uint8_t *data, size_t n, size_t *at)
{
	/* Comparing the bytes with themselves, one place on, is as fast as memcmp() is. */
	if (n == 0 || (data[0] == 0 && memcmp(data, data + 1, n - 1) == 0))
		return true;
	for (size_t i = 0; at && i < n; i++) {
		if (data[i] != 0) {
			*at = i;
			break;
		}
	}
	return false;
}

void sbin_report(struct sbin_checker *c, enum sbin_severity severity, uint64_t at,
		 const char *variable, const char *rule, const char *hint, const char *format, ...)
{
	char text[300];
	struct sbin_finding f = {
		.severity = c->past ? SBIN_NOTE : severity,
		.offset = at,
		.record = c->number,
		.variable = variable,
		.rule = rule,
		.text = text,
		.hint = hint ? hint : "",
	};
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (f.severity == SBIN_ERROR)
		c->summary->errors++;
	else if (f.severity == SBIN_WARNING)
		c->summary->warnings++;
	else
		c->summary->notes++;
	if (c->found)
		c->found(c->context, &f);
}

static void check_version(struct sbin_checker *c)
{
	const struct sbin_header *h = c->header;
	int major = sbin_uuid_major(h->uuid);

	if (h->version.major != major)
		sbin_report(c, SBIN_ERROR, SBIN_MAJOR_OFFSET, "", "uuid-version",
			    "create the file again",
			    "the file type UUID is that of version %d, the major version says %u",
			    major, h->version.major);
	else if (!sbin_version_uuid(h->version))
		sbin_report(c, SBIN_WARNING, SBIN_MINOR_OFFSET, "", "minor-version",
			    "make the file as 1.0, 2.0, 2.1, 3.0 or 4.0",
			    "version %u.%u is unknown", h->version.major,
			    h->version.minor);
}

static void check_fields(struct sbin_checker *c)
{
	const struct sbin_header *h = c->header;

	if (h->chunks != 1)
		sbin_report(c, SBIN_WARNING, SBIN_CHUNKS_OFFSET, "", "header-chunks",
			    "create the file again", "the header has %u chunks, not 1", h->chunks);
	if (h->number != 0)
		sbin_report(c, SBIN_WARNING, SBIN_NUMBER_OFFSET, "", "header-number",
			    "create the file again", "the header's record number is %lu, not 0",
			    (unsigned long)h->number);
	if (h->version.major < 2 && h->flags != 0)
		sbin_report(
			c, SBIN_WARNING, SBIN_FLAGS_OFFSET, "", "header-flags",
			"make the file as version 2.0 or later",
			"version 1 has no flags, so that its records are consumed all the same");
	else if ((h->flags & ~SBIN_DO_NOT_CONSUME) != 0)
		sbin_report(c, SBIN_WARNING, SBIN_FLAGS_OFFSET, "", "header-flags",
			    "create the file again", "unknown flags are set: %#x", h->flags);
	if (h->reserved != 0)
		sbin_report(c, SBIN_WARNING, SBIN_RESERVED_OFFSET, "", "header-reserved",
			    "create the file again", "reserved bytes of the header are not zero");
}

static void check_counts(struct sbin_checker *c, uint64_t size)
{
	const struct sbin_header *h = c->header;
	uint64_t wanted = sbin_header_file_bytes(h);

	if (size != UINT64_MAX && size != wanted)
		sbin_report(
			c, SBIN_ERROR, size < wanted ? size : wanted, "", "file-size",
			"copy or make the file again",
			"the file has %llu bytes, but its header counts %lu records, which make "
			"%llu",
			(unsigned long long)size, (unsigned long)h->records,
			(unsigned long long)wanted);
	if (h->records == 0)
		sbin_report(c, SBIN_ERROR, SBIN_RECORDS_OFFSET, "", "no-records",
			    "make the file with records", "the file has no records");
	if (h->consumed > h->records)
		sbin_report(c, SBIN_ERROR, SBIN_CONSUMED_OFFSET, "", "consumed-count",
			    "create the file again",
			    "the consumed counter is %lu, with %lu record%s in all",
			    (unsigned long)h->consumed, (unsigned long)h->records,
			    plural(h->records));
	else if (!c->summary->consumable && h->consumed != 0)
		sbin_report(c, SBIN_WARNING, SBIN_CONSUMED_OFFSET, "", "consumed-count",
			    "create the file again",
			    "the consumed counter is %lu in a file that is not consumed",
			    (unsigned long)h->consumed);
	else if (h->records != 0 && h->consumed == h->records)
		sbin_report(c, SBIN_WARNING, SBIN_CONSUMED_OFFSET, "", "all-consumed",
			    "make a new file for the next machines", "all records are consumed");
	if (!c->summary->consumable && h->records > 1)
		sbin_report(
			c, SBIN_WARNING, SBIN_RECORDS_OFFSET, "", "never-reached",
			"keep only the first record",
			"the file is not consumed, so that only the first of %lu records is ever "
			"taken",
			(unsigned long)h->records);
}

/* The list of modules, and that nothing follows it. */
static void check_modules(struct sbin_checker *c, const uint8_t *bytes)
{
	const struct sbin_header *h = c->header;
	size_t n = 0, size = (size_t)h->chunks * SBIN_CHUNK, at;
	uint16_t module = 0;

	while (n <= SBIN_HEADER_MODULES && (module = get_le16(h->rest + 2 * n)) != 0) {
		uint64_t offset = SBIN_MODULES_OFFSET + 2 * n;

		n++;
		if (module > 2) {
			sbin_report(c, SBIN_WARNING, offset, "", "module-list",
				    "create the file again",
				    "module %u in the header's list is unknown", module);
			continue;
		}
		if (c->modules & 1u << (module - 1))
			sbin_report(c, SBIN_WARNING, offset, "", "module-list",
				    "create the file again",
				    "module %u is twice in the header's list", module);
		c->modules |= 1u << (module - 1);
	}
	if (module != 0) {
		sbin_report(c, SBIN_ERROR, SBIN_MODULES_OFFSET, "", "module-list",
			    "create the file again", "the header's list of modules has no end");
		return;
	}
	if (h->header_bytes != SBIN_MODULES_OFFSET + 2 * (n + 1))
		sbin_report(c, SBIN_WARNING, SBIN_HEADER_BYTES_OFFSET, "", "header-bytes",
			    "create the file again",
			    "the header says that it has %u bytes; with %zu modules it has %zu",
			    h->header_bytes, n, SBIN_MODULES_OFFSET + 2 * (n + 1));
	at = SBIN_MODULES_OFFSET + 2 * (n + 1);
	if (!sbin_all_zero(bytes + at, size - at, &n))
		sbin_report(c, SBIN_WARNING, at + n, "", "header-padding", "create the file again",
			    "bytes behind the header's list of modules are not zero");
}

/* Everything about the header, for itself and against SIZE, the file's bytes if known. */
static void check_header(struct sbin_checker *c, const uint8_t *bytes, uint64_t size)
{
	check_version(c);
	check_fields(c);
	check_counts(c, size);
	check_modules(c, bytes);
}

/* The record's type and flags, against the consumed counter. */
static void check_state(struct sbin_checker *c, const struct sbin_record *r)
{
	bool valid = (r->flags & SBIN_VALID) != 0;
	bool consumable = c->summary->consumable;
	bool counted = consumable && c->number <= c->header->consumed;

	if (r->type > 1 || (r->type == 0 && valid))
		sbin_report(c, SBIN_ERROR, c->offset, "", "record-type",
			    "create the record again, or drop it with compact",
			    "the record's type is %lu, not 1 (data)", (unsigned long)r->type);
	else if (r->type == 0)
		sbin_report(c, counted ? SBIN_NOTE : SBIN_ERROR, c->offset, "", "record-type",
			    counted ? NULL : "drop the record with compact",
			    "the record's type is 0 (invalid)");
	if (counted && valid)
		sbin_report(
			c, SBIN_WARNING, c->offset + SBIN_RECORD_FLAGS_OFFSET, "",
			"consumed-but-valid",
			"if its key was never used, make a new file with it; else drop the record "
			"with compact",
			"the counter counts this record as consumed, but its valid flag is set");
	if (!counted && !valid)
		sbin_report(c, SBIN_ERROR, c->offset + SBIN_RECORD_FLAGS_OFFSET, "",
			    "unconsumed-but-invalid",
			    "drop the record with compact",
			    "the record is marked consumed, but the counter %s",
			    consumable ? "has not come to it" : "does not run in this file");
	if ((r->flags & ~(uint32_t)(SBIN_VALID | SBIN_SCRAMBLED)) != 0)
		sbin_report(c, SBIN_WARNING, c->offset + SBIN_RECORD_FLAGS_OFFSET, "",
			    "record-flags", "create the record again",
			    "unknown flags are set: %#lx", (unsigned long)r->flags);
	if ((r->flags & SBIN_SCRAMBLED) && c->header->version.major < 4)
		sbin_report(c, SBIN_ERROR, c->offset + SBIN_RECORD_FLAGS_OFFSET, "", "scrambled",
			    "make the file with --file-version 4.0, or without --scramble",
			    "the body is scrambled, which only version 4 knows");
}

static void check_record_header(struct sbin_checker *c, const struct sbin_record *r)
{
	if (r->reserved != 0)
		sbin_report(c, SBIN_WARNING, c->offset + SBIN_RECORD_RESERVED_OFFSET, "",
			    "record-reserved", "create the record again",
			    "reserved bytes of the record are not zero");
	if (r->chunks != c->header->record_chunks)
		sbin_report(c, SBIN_ERROR, c->offset + SBIN_RECORD_CHUNKS_OFFSET, "",
			    "record-chunks", "create the record again",
			    "the record says it has %u chunks, the file header says %u for each",
			    r->chunks, c->header->record_chunks);
	if (r->header_bytes != SBIN_RECORD_HEADER)
		sbin_report(c, SBIN_ERROR, c->offset + SBIN_RECORD_HEADER_BYTES_OFFSET, "",
			    "record-header-bytes", "create the record again",
			    "the record header has %u bytes, not %d", r->header_bytes,
			    SBIN_RECORD_HEADER);
	if (r->number != c->number)
		sbin_report(c, SBIN_WARNING, c->offset + SBIN_RECORD_NUMBER_OFFSET, "",
			    "record-number", "compact numbers the records anew",
			    "the record calls itself number %lu", (unsigned long)r->number);
}

static void note_state(struct sbin_checker *c, const struct sbin_record *r)
{
	struct sbin_summary *s = c->summary;
	uint32_t first = s->consumable ? c->header->consumed + 1 : 1;
	struct sbin_variable pid;

	if (!sbin_record_valid(r) || c->number < first || (!s->consumable && c->number > 1))
		return;
	s->valid++;
	if (c->number != first)
		return;
	s->next = c->number;
	if (sbin_record_find(r, SBIN_AMT, SBIN_PID, &pid) == 0 &&
	    pid.length == PID_LENGTH && pidpps_check_pid((const char *)pid.value) == 0)
		pidpps_show_pid((const char *)pid.value, s->next_pid);
}

static int check_records(struct sbin_checker *c, struct sbin_reader *reader, struct fault *fault)
{
	struct sbin_record r;
	int rc;

	while ((rc = sbin_reader_next(reader, &r, &c->offset, fault)) == 1) {
		c->number++;
		c->past = !(r.flags & SBIN_VALID) && c->summary->consumable &&
			  c->number <= c->header->consumed;
		check_state(c, &r);
		check_record_header(c, &r);
		note_state(c, &r);
		/* Some firmware may wipe what it has taken: nothing is left to look at then. */
		if (c->past && sbin_record_wiped(&r))
			continue;
		rc = sbin_check_body(c, &r, fault);
		if (rc)
			return rc;
	}
	return rc;
}

/* What can be said only after all records. */
static void check_whole(struct sbin_checker *c)
{
	const struct sbin_header *h = c->header;

	c->number = 0;
	c->past = false;
	if (c->keys != 0 && !c->summary->consumable)
		sbin_report(
			c, SBIN_WARNING, SBIN_FLAGS_OFFSET, "", "psk-not-consumed",
			"make the file without --no-consume: one key for each machine",
			"keys in a file that is not consumed: all machines would get the same one");
	if (c->keys == 0 && c->summary->consumable && c->summary->valid != 0)
		sbin_report(
			c, SBIN_NOTE, SBIN_FLAGS_OFFSET, "", "consumed-without-keys",
			"make the file with --no-consume, and one stick serves all machines",
			"records without keys are consumed all the same: the file serves as many "
			"machines as it has records");
	if (c->keys != 0 && h->version.major >= 4)
		sbin_report(
			c, SBIN_WARNING, SBIN_MAJOR_OFFSET, "", "psk-removed",
			"for machines with AMT 10 or older make version 2.1 or 3.0; newer ones "
			"need certificate hashes (create --pki)",
			"keys in a file of version %u: machines new enough to read it (AMT 11 and "
			"later) have no PSK set-up any more",
			h->version.major);
	if (c->summary->post_seconds != 0 && h->records > POST_NOTE)
		sbin_report(
			c, SBIN_NOTE, SBIN_RECORDS_OFFSET, "", "post-delay",
			"split makes smaller files, compact drops consumed records",
			"%lu records: each machine reads them for about %.0f seconds at power-on",
			(unsigned long)h->records, c->summary->post_seconds);
}

/*
 * The first chunk is looked at before there is a reader, and a pipe gives it only once: it
 * is kept, and what comes after it is read on.
 */
struct first_chunk {
	const struct sbin_input *in;
	uint8_t chunk[SBIN_CHUNK];
	size_t size;
};

static int64_t read_kept(void *context, uint64_t offset, void *buffer, size_t size,
			 struct fault *fault)
{
	const struct first_chunk *k = context;

	if (offset >= SBIN_CHUNK)
		return k->in->read_at(k->in->context, offset, buffer, size, fault);
	if (offset >= k->size)
		return 0;
	if (size > k->size - offset)
		size = k->size - (size_t)offset;
	memcpy(buffer, k->chunk + offset, size);
	return (int64_t)size;
}

/* The header cannot be read past: report why. Returns KIT_ERR_FORMAT. */
static int report_unreadable(struct sbin_checker *c, size_t size, const struct fault *why)
{
	const struct sbin_header *h = c->header;
	uint64_t at = h->chunks == 0 || h->chunks > SBIN_MAX_CHUNKS ? SBIN_CHUNKS_OFFSET
								    : SBIN_DATA_CHUNKS_OFFSET;

	if (why->code == KIT_ERR_TRUNCATED)
		sbin_report(c, SBIN_ERROR, size, "", "file-size", "copy or make the file again",
			    "%s", why->what);
	else if (why->code == KIT_ERR_RANGE)
		sbin_report(c, SBIN_ERROR, at, "", "chunk-count",
			    "firmware ignores such a file: create it again", "%s", why->what);
	else
		sbin_report(c, SBIN_ERROR, 0, "", "file-type",
			    "name a file that an AMT set-up tool made", "%s", why->what);
	return KIT_ERR_FORMAT;
}

/* Does anything follow the last record of a stream of unknown size? */
static int check_end(struct sbin_checker *c, const struct sbin_input *in, struct fault *fault)
{
	uint64_t end = sbin_header_file_bytes(c->header);
	uint8_t byte;
	int64_t n = in->read_at(in->context, end, &byte, 1, fault);

	if (n < 0)
		return (int)n;
	if (n == 1)
		sbin_report(c, SBIN_ERROR, end, "", "file-size", "cut the file off there, or make "
			    "it again", "bytes follow the last record");
	return 0;
}

static int check_file(struct sbin_checker *c, const struct sbin_input *in, struct fault *fault)
{
	struct sbin_reader *reader = NULL;
	struct fault why = { 0 };
	int rc = sbin_reader_open(&reader, in, &why);

	if (rc == KIT_ERR_TRUNCATED)
		return report_unreadable(c, SBIN_CHUNK, &why);
	if (rc)
		return fault_pass(fault, &why);
	check_header(c, sbin_reader_header_bytes(reader), in->size);
	rc = check_records(c, reader, &why);
	if (rc == KIT_ERR_TRUNCATED) {
		c->past = false;
		c->number = 0;
		/* Where the size was known, the header's check has reported it. */
		if (in->size == UINT64_MAX)
			sbin_report(c, SBIN_ERROR, SBIN_RECORDS_OFFSET, "", "file-size",
				    "copy or make the file again", "%s", why.what);
		rc = 0;
	} else if (rc) {
		fault_pass(fault, &why);
	} else if (in->size == UINT64_MAX) {
		c->past = false;
		c->number = 0;
		rc = check_end(c, in, fault);
	}
	if (!rc)
		check_whole(c);
	sbin_reader_free(&reader);
	return rc;
}

int sbin_check(const struct sbin_input *in,
	       void (*found)(void *context, const struct sbin_finding *finding), void *context,
	       struct sbin_summary *summary, struct fault *fault)
{
	struct sbin_checker c = { .found = found, .context = context, .summary = summary };
	struct first_chunk kept = { .in = in };
	struct sbin_input rest = { read_kept, &kept, in->size, in->name };
	struct sbin_header header;
	struct fault why = { 0 }, unused = { 0 };
	int64_t n;
	int rc;

	if (!fault)
		fault = &unused;
	memset(summary, 0, sizeof(*summary));
	memset(&header, 0, sizeof(header));
	n = in->read_at(in->context, 0, kept.chunk, sizeof(kept.chunk), fault);
	if (n < 0) {
		fault_context(fault, "%s", in->name);
		return (int)n;
	}
	kept.size = (size_t)n;
	rc = sbin_header_decode(kept.chunk, kept.size, &header, &why);
	c.header = &header;
	if (rc)
		return report_unreadable(&c, kept.size, &why);

	summary->version = header.version;
	summary->consumable = sbin_header_consumable(&header);
	summary->records = header.records;
	summary->consumed = header.consumed;
	summary->post_seconds = sbin_post_seconds(header.records);
	rc = pidset_new(&c.pids, fault);
	if (!rc)
		rc = check_file(&c, &rest, fault);
	pidset_free(&c.pids);
	return rc;
}
