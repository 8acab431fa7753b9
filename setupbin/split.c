/* The unused records of one setup.bin, and how they are divided. */
#include "setupbin/split.h"

int sbin_split_check(const struct sbin_header *h, const char *name, struct fault *fault)
{
	if (sbin_header_consumable(h))
		return 0;
	return fault_set(fault, KIT_ERR_UNFIT, "the records of %s are not consumed: every machine "
			 "takes the first one", name);
}

int sbin_split_next(struct sbin_reader *r, uint32_t *index, struct sbin_record *out,
		    struct fault *fault)
{
	const struct sbin_header *h = sbin_reader_header(r);
	int rc;

	while ((rc = sbin_reader_next(r, out, NULL, fault)) == 1) {
		if (sbin_record_unused(h, out, (*index)++))
			break;
	}
	return rc;
}

/* Count the unused records and go back to the first record. */
static int count_unused(struct sbin_reader *r, uint32_t *count, struct fault *fault)
{
	struct sbin_record record;
	uint32_t index = 0;
	int rc;

	*count = 0;
	while ((rc = sbin_split_next(r, &index, &record, fault)) == 1)
		++*count;
	return rc ? rc : sbin_reader_seek(r, 0);
}

int sbin_split(struct sbin_reader *r, const char *name, size_t n, const struct sbin_split *to,
	       struct fault *fault)
{
	struct sbin_header h = *sbin_reader_header(r);
	uint32_t unused = 0, index = 0;
	int rc = sbin_split_check(&h, name, fault);

	if (!rc)
		rc = count_unused(r, &unused, fault);
	if (!rc && !unused)
		rc = fault_set(fault, KIT_ERR_STATE, "%s has no unused record", name);
	if (!rc && unused < n) {
		rc = fault_set(fault, KIT_ERR_RANGE,
			       "%s has %lu unused record%s, too few to split it into %zu", name,
			       (unsigned long)unused, plural(unused), n);
	}
	for (size_t i = 0; i < n && !rc; i++) {
		h.records = (uint32_t)(unused / n + (i < unused % n));
		h.consumed = 0;
		rc = to->begin(to->context, i, &h, sbin_reader_header_bytes(r), fault);
		for (uint32_t k = 0; k < h.records && !rc; k++) {
			struct sbin_record record;

			rc = sbin_split_next(r, &index, &record, fault);
			/* They were counted just now; a file may change meanwhile. */
			if (!rc)
				rc = fault_set(fault, KIT_ERR_TRUNCATED,
					       "%s changed while it was split", name);
			record.number = k + 1;
			if (rc == 1)
				rc = to->put(to->context, &record, fault);
		}
		if (!rc)
			rc = to->end(to->context, fault);
	}
	return rc;
}
