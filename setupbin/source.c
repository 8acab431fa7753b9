/* setup.bin as a source of key list entries, beside the lists of keygen/. */
#include "setupbin/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "setupbin/file.h"

struct setupbin {
	struct keysource source;
	struct sbin_reader *reader;
	FILE *file;
	uint64_t at;		/* bytes read from file */
	char *name;
};

/* What is read through a FILE is read once and forward, so that a pipe will do. */
static int64_t read_forward(void *context, uint64_t offset, void *buffer, size_t size,
			    struct fault *fault)
{
	struct setupbin *s = context;
	size_t n;

	if (offset != s->at)
		return fault_set(fault, KIT_ERR_STATE, "a stream cannot be read out of order");
	n = fread(buffer, 1, size, s->file);
	s->at += n;
	if (n < size && ferror(s->file))
		return fault_sys(fault, errno, "cannot read");
	return (int64_t)n;
}

static int setupbin_next(struct keysource *source, struct keyentry *out,
			 struct keyproblem *problem, struct fault *fault)
{
	struct setupbin *s = (struct setupbin *)source;
	struct sbin_record record;
	int rc;

	for (;;) {
		rc = sbin_reader_next(s->reader, &record, NULL, fault);
		if (rc != 1)
			return rc;
		source->counts.lines++;
		if (!sbin_record_wiped(&record))
			break;
		source->counts.wiped++;
	}
	rc = sbin_record_to_entry(&record, out, problem);
	if (rc)
		return KIT_ERR_FORMAT;
	out->consumed = !sbin_record_unused(sbin_reader_header(s->reader), &record,
					    (uint32_t)source->counts.lines - 1);
	return 1;
}

static void setupbin_free(struct keysource *source)
{
	struct setupbin *s = (struct setupbin *)source;

	sbin_reader_free(&s->reader);
	free(s->name);
	free(s);
}

static const struct keysource_operations operations = { setupbin_next, setupbin_free };

static int setupbin_open(struct keysource **out, FILE *file, const char *name,
			 struct fault *fault)
{
	struct setupbin *s = calloc(1, sizeof(*s));
	struct sbin_input in;
	int rc;

	if (s)
		s->name = strdup(name);
	if (!s || !s->name) {
		free(s);
		return fault_sys(fault, ENOMEM, "cannot read %s", name);
	}
	s->source = (struct keysource){ .operations = &operations, .kind = "setup.bin" };
	s->file = file;
	in = (struct sbin_input){ read_forward, s, UINT64_MAX, s->name };
	rc = sbin_reader_open(&s->reader, &in, fault);
	if (rc)
		setupbin_free(&s->source);
	else
		*out = &s->source;
	return rc;
}

int sbin_source_open(struct keysource **out, FILE *file, const char *name,
		     const char *const *wanted, size_t n_wanted, struct fault *fault)
{
	int first = getc(file);

	*out = NULL;
	if (first != EOF)
		ungetc(first, file);
	/* No text begins with these bytes; a byte order mark begins with EF. */
	if (first != EOF && sbin_uuid_begins((uint8_t)first))
		return setupbin_open(out, file, name, fault);
	return keylist_open(out, file, name, wanted, n_wanted, fault);
}
