/* Lists of pairs written: CSV, text and JSON. */
#ifndef KEYGEN_KEYWRITER_H
#define KEYGEN_KEYWRITER_H

#include "common/outfile.h"
#include "keygen/keylist.h"

enum keylist_format { KEYLIST_CSV, KEYLIST_TEXT, KEYLIST_JSON };

/* The names of the formats, "csv", "text", "json", ended by NULL. */
extern const char *const keylist_formats[];
/* Such a name to the format. Returns 0 or KIT_ERR_ARGUMENT. */
int keylist_format_parse(const char *name, enum keylist_format *out);

/*
 * Writing: begin, one call per entry, end. The CSV header is
 * pid,pps,current_password,admin_password.
 */
struct keywriter {
	struct outfile *file;
	enum keylist_format format;
	unsigned long entries;
};
int keywriter_begin(struct keywriter *w, struct outfile *file, enum keylist_format format,
		    struct fault *fault);
/* KIT_ERR_UNFIT: a password that is one dash, which in a text list means none. */
int keywriter_put(struct keywriter *w, const struct keyentry *entry, struct fault *fault);
int keywriter_end(struct keywriter *w, struct fault *fault);

#endif
