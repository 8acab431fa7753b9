/* Characters of UTF-8, to tell text from other bytes. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

/*
 * Bytes of the character at TEXT, of which LEFT bytes may be looked at: 1 to 4; 0 when there is
 * none, or one that controls a terminal (below 32, 127, C1).
 */
size_t utf8_character(const void *text, size_t left);

#endif
