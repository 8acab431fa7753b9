/* What the two halves of the JSON reader share; its outside is setupbin/json.h. */
#ifndef SETUPBIN_JSON_PRIVATE_H
#define SETUPBIN_JSON_PRIVATE_H

#include <jansson.h>

#include "setupbin/json.h"

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

/* Where the text at hand stands: "header", "record 7", "trailing". */
struct place {
	const char *what;
	unsigned long number;		/* 0: none */
};

/* Sets the fault "NAME: PLACE, "MEMBER" WHY" (MEMBER may be ""). Returns CODE. */
int sbin_json_refuse(const struct sbin_json *j, struct place at, struct fault *fault, int code,
		     const char *member, const char *why);

/*
 * Take the objects apart: the header's (NULL: as an empty one) into j->header and j->more, the
 * next record's into R (over j->record), and the trailing bytes'.
 */
int sbin_json_take_header(struct sbin_json *j, json_t *o, struct fault *fault);
int sbin_json_take_record(struct sbin_json *j, json_t *o, struct sbin_record *r,
			  struct fault *fault);
int sbin_json_take_trailing(struct sbin_json *j, json_t *o, struct fault *fault);

#endif
