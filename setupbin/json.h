/* setup.bin as JSON and back, byte for byte, one record in memory at a time. */
#ifndef SETUPBIN_JSON_H
#define SETUPBIN_JSON_H

#include <stdio.h>

#include "setupbin/file.h"

/*
 * The whole is an object of three members, in this order:
 *
 *   { "header": { ... }, "records": [ { ... }, ... ], "trailing": { "hex": "..." } }
 *
 * header   "file_version": "2.1", "consume": true, "consumed": 0, "modules": [1, 2]; and
 *          only where it is not what a new file has: "record_chunks", "record_count", "uuid",
 *          "chunks", "header_bytes", "number", "other_flags", "reserved", "rest" (the header's
 *          bytes from offset 40 to 511), "more" (its further chunks); "masked": true in a
 *          JSON made without secrets, of which no file can be made
 * record   "number", "valid", "scrambled", "variables": [ ... ]; and only where unusual: "type",
 *          "chunks", "header_bytes", "other_flags", "reserved", "rest" (the bytes behind the
 *          variables)
 * variable "name" and "value" as setupbin/value.h has them, or "module", "id" and "value" for
 *          one that is not known; and only where unusual: "reserved", "padding"
 * trailing the bytes behind the last whole record, where there are any
 *
 * Bytes are hexadecimal digits; in "rest" and "more" zeros at the end are left out.
 */

/*
 * Write the setup.bin IN to OUT as JSON. Without SECRETS the values of secret variables, and
 * bytes that may hold one, are null. A file that is cut short is written as far as it goes.
 * Returns 0, the errors of sbin_reader_open(), or KIT_ERR_RANGE when more than a mebibyte
 * follows the last record.
 */
int sbin_json_write(FILE *out, const struct sbin_input *in, bool secrets, struct fault *fault);

/* Reading: a stream of records, as sbin_reader has them. */
struct sbin_json;

/*
 * Begin with FILE (the caller's, to outlive the reader) up to its first record. NAME is for
 * messages. What is not there is as in a new file of version 2.1; what is not known is refused.
 * Returns 0, KIT_ERR_FORMAT or another error, with *fault saying which member and why (never a
 * value that may be secret), KIT_ERR_STATE for JSON made without secrets.
 */
int sbin_json_open(struct sbin_json **out, FILE *file, const char *name, struct fault *fault);
/* records is what "record_count" says, else 0. */
const struct sbin_header *sbin_json_header(const struct sbin_json *j);
/* The header's chunks after the first: (chunks - 1) * 512 bytes. */
const uint8_t *sbin_json_more(const struct sbin_json *j);
/* The next record: 1 and *out (plain text, SECRET, valid until the next call), 0 at the end. */
int sbin_json_next(struct sbin_json *j, struct sbin_record *out, struct fault *fault);
/* After the last record: the trailing bytes, and whether the header counts its records itself. */
const uint8_t *sbin_json_trailing(const struct sbin_json *j, size_t *size);
bool sbin_json_counted(const struct sbin_json *j);
/* Frees and wipes. *j may be NULL. */
void sbin_json_free(struct sbin_json **j);

#endif
