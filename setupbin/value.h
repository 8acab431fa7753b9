/* Values of variables as people write and read them, by the type of the variable. */
#ifndef SETUPBIN_VALUE_H
#define SETUPBIN_VALUE_H

#include <stddef.h>

#include "setupbin/variable.h"

#define SBIN_VALUE_MAX	65535	/* bytes of a value: its length field has 16 bits */

/*
 * Take TEXT as the value of the variable K:
 *   text      as it is
 *   pid, pps  with or without dashes, in any case; what is neither is taken as it is
 *   u8..u32   a word of the variable, or a number, decimal or 0x...
 *   IPv4      10.0.0.5 (kept in reverse order in the file)
 *   GUID      01234567-89ab-cdef-0123-456789abcdef (first three groups little-endian)
 *   hash      sha1:HEX:NAME, sha256:HEX:NAME or sha384:HEX:NAME
 *   raw       hexadecimal
 * and for every type, if ANY_HEX, "hex:HEX" are the bytes themselves. Whether firmware likes
 * the value is the checker's business: refused is only what cannot be put into bytes.
 *
 *   out   SBIN_VALUE_MAX bytes of room (SECRET if the variable is); *length receives how many
 * Returns 0 or KIT_ERR_FORMAT, KIT_ERR_RANGE with *fault naming the variable and what it takes,
 * never the value of a secret variable.
 */
int sbin_value_parse(const struct sbin_known *k, const char *text, bool any_hex, uint8_t *out,
		     uint16_t *length, struct fault *fault);

/*
 * The value of V as text of which sbin_value_parse() (with ANY_HEX) makes the same bytes; K may
 * be NULL for a variable that is not known. Returns a string to free (wipe it first if the
 * variable is secret), or NULL when out of memory.
 */
char *sbin_value_show(const struct sbin_known *k, const struct sbin_variable *v);

/* The number in a value of 1, 2 or 4 bytes; 0 for any other length. */
uint32_t sbin_value_number(const struct sbin_variable *v);
/* Has the variable K a word for NUMBER? The word (N bytes, no NUL) or NULL. */
const char *sbin_value_word(const struct sbin_known *k, uint32_t number, size_t *n);

#endif
