/* The UUID of a machine: one byte order inside, SMBIOS order on the wire, text for people. */
#ifndef COMMON_UUID_H
#define COMMON_UUID_H

#include <stdbool.h>
#include <stdint.h>

#define UUID_SHOWN 36	/* characters of the text form, without NUL */

/* Bytes in the order in which the text form shows them (RFC 4122, network order). */
struct uuid {
	uint8_t bytes[16];
};

/*
 * From and to SMBIOS order, as the hello has it and CIM_ComputerSystemPackage's
 * PlatformGUID too: the first three groups little-endian, the last two as they stand.
 */
void uuid_from_smbios(const uint8_t smbios[static 16], struct uuid *out);
void uuid_to_smbios(const struct uuid *uuid, uint8_t out[static 16]);

/* Lower case with dashes; OUT receives UUID_SHOWN + 1 bytes. */
void uuid_show(const struct uuid *uuid, char out[static UUID_SHOWN + 1]);

/*
 * 32 hex digits of either case, with the four dashes or with none, braces around
 * them allowed; TEXT ends in NUL. Returns 0 or KIT_ERR_FORMAT.
 */
int uuid_parse(const char *text, struct uuid *out);

/*
 * The same UUID with the bytes of its first three groups in the other order, as programs show
 * it that take SMBIOS before 2.6 (AMT 2 to 5) for the later one, or the reverse.
 */
struct uuid uuid_swapped(const struct uuid *uuid);

bool uuid_equal(const struct uuid *a, const struct uuid *b);

/*
 * What a main board that was never given a UUID says, and many others say too: sixteen times
 * the same byte, or a default that is known to be widespread.
 */
bool uuid_is_blank(const struct uuid *uuid);

#endif
