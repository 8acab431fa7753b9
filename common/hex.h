/* Bytes as hexadecimal digits. */
#ifndef COMMON_HEX_H
#define COMMON_HEX_H

#include <stddef.h>
#include <stdint.h>

/* The value of one digit of either case, or -1. */
int hex_digit(char c);

/* N bytes as lower case digits; OUT receives 2 * N + 1 bytes. */
void hex_show(const void *data, size_t n, char *out);
/* The same in upper case. */
void hex_show_upper(const void *data, size_t n, char *out);

/* Lower case digits as a new string, to free; NULL when out of memory. */
char *hex_dup(const void *data, size_t n);

/*
 * The first N characters of TEXT, digits of either case, into at most SIZE bytes. Blanks and
 * colons may stand between two bytes. *length (may be NULL: then all SIZE bytes must be there)
 * receives the number of bytes. Returns 0, KIT_ERR_FORMAT, or KIT_ERR_RANGE for more bytes
 * than SIZE.
 */
int hex_parse(const char *text, size_t n, void *out, size_t size, size_t *length);

#endif
