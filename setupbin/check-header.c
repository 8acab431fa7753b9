/* The checker: the file header, for itself and against the size of the file. */
#include <string.h>

#include "setupbin/checker.h"

#define MODULES_AT 40	/* offset of the module list */

static void check_version(struct sbin_checker *c)
{
	const struct sbin_header *h = c->header;
	int major = sbin_uuid_major(h->uuid);

	if (h->version.major != major)
		sbin_report(c, SBIN_ERROR, 24, "", "uuid-version", "make the file anew",
			    "the file type UUID is that of version %d, the major version says %u",
			    major, h->version.major);
	else if (sbin_version_uuid(h->version) == NULL)
		sbin_report(c, SBIN_WARNING, 25, "", "minor-version",
			    "make the file as 1.0, 2.0, 2.1, 3.0 or 4.0",
			    "there is no version %u.%u that documents tell of", h->version.major,
			    h->version.minor);
}

static void check_fields(struct sbin_checker *c)
{
	const struct sbin_header *h = c->header;

	if (h->chunks != 1)
		sbin_report(c, SBIN_WARNING, 16, "", "header-chunks", "make the file anew",
			    "the header has %u chunks, not 1", h->chunks);
	if (h->number != 0)
		sbin_report(c, SBIN_WARNING, 20, "", "header-number", "make the file anew",
			    "the header's record number is %lu, not 0", (unsigned long)h->number);
	if (h->version.major < 2 && h->flags != 0)
		sbin_report(
			c, SBIN_WARNING, 26, "", "header-flags",
			"make the file as version 2.0 or later",
			"version 1 has no flags, so that its records are consumed all the same");
	else if ((h->flags & ~SBIN_DO_NOT_CONSUME) != 0)
		sbin_report(c, SBIN_WARNING, 26, "", "header-flags", "make the file anew",
			    "flags that nobody knows are set: %#x", h->flags);
	if (h->reserved != 0)
		sbin_report(c, SBIN_WARNING, 38, "", "header-reserved", "make the file anew",
			    "reserved bytes of the header are not zero");
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
		sbin_report(c, SBIN_ERROR, 28, "", "no-records", "make the file with records",
			    "the file has no records");
	if (h->consumed > h->records)
		sbin_report(c, SBIN_ERROR, 32, "", "consumed-count", "make the file anew",
			    "the consumed counter is %lu, with %lu record%s in all",
			    (unsigned long)h->consumed, (unsigned long)h->records,
			    plural(h->records));
	else if (!c->summary->consumable && h->consumed != 0)
		sbin_report(c, SBIN_WARNING, 32, "", "consumed-count", "make the file anew",
			    "the consumed counter is %lu in a file that is not consumed",
			    (unsigned long)h->consumed);
	else if (h->records != 0 && h->consumed == h->records)
		sbin_report(c, SBIN_WARNING, 32, "", "all-consumed",
			    "make a new file for the next machines", "all records are consumed");
	if (!c->summary->consumable && h->records > 1)
		sbin_report(
			c, SBIN_WARNING, 28, "", "never-reached", "keep only the first record",
			"the file is not consumed, so that only the first of %lu records is ever "
			"taken",
			(unsigned long)h->records);
}

/* The list of modules, and that nothing stands behind it. */
static void check_modules(struct sbin_checker *c, const uint8_t *bytes)
{
	const struct sbin_header *h = c->header;
	size_t n = 0, size = (size_t)h->chunks * SBIN_CHUNK, at;
	uint16_t module = 0;

	while (n <= SBIN_HEADER_MODULES && (module = get_le16(h->rest + 2 * n)) != 0) {
		uint64_t offset = MODULES_AT + 2 * n;

		n++;
		if (module > 2) {
			sbin_report(c, SBIN_WARNING, offset, "", "module-list",
				    "make the file anew",
				    "module %u in the header's list is unknown", module);
			continue;
		}
		if (c->modules & 1u << (module - 1))
			sbin_report(c, SBIN_WARNING, offset, "", "module-list",
				    "make the file anew",
				    "module %u stands twice in the header's list", module);
		c->modules |= 1u << (module - 1);
	}
	if (module != 0) {
		sbin_report(c, SBIN_ERROR, MODULES_AT, "", "module-list", "make the file anew",
			    "the header's list of modules has no end");
		return;
	}
	if (h->header_bytes != MODULES_AT + 2 * (n + 1))
		sbin_report(c, SBIN_WARNING, 18, "", "header-bytes", "make the file anew",
			    "the header says that it has %u bytes; with %zu modules it has %zu",
			    h->header_bytes, n, MODULES_AT + 2 * (n + 1));
	at = MODULES_AT + 2 * (n + 1);
	if (!sbin_all_zero(bytes + at, size - at, &n))
		sbin_report(c, SBIN_WARNING, at + n, "", "header-padding", "make the file anew",
			    "bytes behind the header's list of modules are not zero");
}

void sbin_check_header(struct sbin_checker *c, const uint8_t *bytes, uint64_t size)
{
	check_version(c);
	check_fields(c);
	check_counts(c, size);
	check_modules(c, bytes);
}
