/* Pairs on their way out: into a list, a setup.bin, or both. */
#include "setupbin/keyoutput.h"

#include <string.h>

#include "common/secret.h"

int keyoutput_check(struct keyoutput *o, const char *version, struct fault *fault)
{
	if ((version || o->scramble) && !o->setupbin_path)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--file-version and --scramble need --setupbin");
	if (o->setupbin_path && strcmp(o->setupbin_path, "-") == 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--setupbin needs a file, not standard "
				 "output: its header is completed at the end");
	if (sbin_version_parse(version ? version : "2.1", &o->version))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is unknown\n"
				 "give one of: 1.0, 2.0, 2.1, 3.0, 4.0", version);
	if (o->scramble && o->version.major != 4)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--scramble needs --file-version 4.0");
	return 0;
}

static int open_setupbin(struct keyoutput *o, unsigned flags, uint32_t entries,
			 struct fault *fault)
{
	struct sbin_header header;
	int rc = outfile_open(&o->setupbin, o->setupbin_path, flags, fault);

	if (!rc)
		rc = outfile_distinct(o->setupbin, o->list, fault);
	if (!rc)
		rc = sbin_header_make(&header, o->version, 0, entries, fault);
	return rc ? rc : sbin_writer_open(&o->records, o->setupbin, &header, fault);
}

int keyoutput_open(struct keyoutput *o, uint32_t entries, struct fault *fault)
{
	unsigned flags = o->force ? OUTFILE_FORCE : 0;
	int rc = 0;

	o->count = 0;
	o->made_setupbin = false;
	if (o->list_path)
		rc = outfile_open(&o->list, o->list_path, flags | (o->hold ? OUTFILE_HOLD : 0),
				  fault);
	if (!rc && o->list)
		rc = keywriter_begin(&o->writer, o->list, o->format, fault);
	if (!rc && o->setupbin_path)
		rc = open_setupbin(o, flags, entries, fault);
	return rc;
}

int keyoutput_put(struct keyoutput *o, const struct keyentry *entry, struct fault *fault)
{
	struct sbin_record record;
	int rc = 0;

	o->count++;
	if (o->list)
		rc = keywriter_put(&o->writer, entry, fault);
	if (!rc && o->records) {
		sbin_record_init(&record, o->record, sizeof(o->record), o->count);
		rc = sbin_record_from_entry(&record, entry, o->scramble, fault);
		if (!rc)
			rc = sbin_writer_put(o->records, &record, fault);
	}
	if (rc)
		fault_context(fault, "PID %.4s-%.4s", entry->pair.pid, entry->pair.pid + 4);
	return rc;
}

int keyoutput_end(struct keyoutput *o, struct fault *fault)
{
	int rc = o->list ? keywriter_end(&o->writer, fault) : 0;

	return rc || !o->records ? rc : sbin_writer_end(&o->records, fault);
}

int keyoutput_commit(struct keyoutput *o, struct fault *fault)
{
	int rc = o->setupbin ? outfile_commit(&o->setupbin, fault) : 0;

	o->made_setupbin = o->setupbin_path && !rc;
	return rc || !o->list ? rc : outfile_commit(&o->list, fault);
}

void keyoutput_discard(struct keyoutput *o)
{
	sbin_writer_discard(&o->records);
	outfile_discard(&o->list);
	outfile_discard(&o->setupbin);
	secret_wipe(o->record, sizeof(o->record));
}
