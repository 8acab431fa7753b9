/* MEBx passwords: the rule that firmware enforces, and random ones that are easy to type. */
#ifndef KEYGEN_PASSWORD_H
#define KEYGEN_PASSWORD_H

#include "common/error.h"

#define PASSWORD_MAX	32	/* bytes, without NUL */
#define PASSWORD_MIN	8	/* for a new password; the factory's "admin" is shorter */
#define PASSWORD_FACTORY "admin"

/*
 * Does TEXT meet the rule for a NEW MEBx password (HP, Intel): 8 to 32 characters
 * of 7-bit ASCII 33..126, at least one lower case, one upper case, one digit and
 * one other ('_' counts as letter or digit), none of " ' , > < : & and no space?
 *
 * Returns 0 or KIT_ERR_RANGE (length), KIT_ERR_FORMAT (anything else); *rule (may be
 * NULL) then points to a static text that names the broken part, never the value.
 */
int password_check_new(const char *text, const char **rule);

/*
 * The same for a CURRENT password: 1 to 32 bytes of 7-bit ASCII 33..126.
 */
int password_check_current(const char *text, const char **rule);

/*
 * A random password that meets the rule: four groups of four letters and digits,
 * joined by dashes, without look-alikes (0 O o 1 l I). About 92 bits, and nothing in
 * it needs more than the shift key on a US keyboard, which is the layout of MEBx.
 *
 *   out  SECRET; receives PASSWORD_MAX + 1 bytes at most
 * Returns 0 or KIT_ERR_CRYPTO.
 */
int password_random(char *out, struct fault *fault);

#endif
