/* Paths and texts out of strangers' names. */
#include "ukpu/tame.h"

#include <stdio.h>
#include <string.h>

/* The first bytes of the N bytes of NAME, N at most, that end with a whole character of UTF-8. */
static size_t whole_characters(const char *name, size_t n)
{
	while (n && (name[n] & 0xC0) == 0x80)
		n--;
	return n;
}

/* What stands behind the last dot of NAME, the dot included; "" for nothing that is worth it. */
static const char *extension(const char *name)
{
	const char *dot = *name ? strrchr(name + 1, '.') : NULL;

	return dot && strlen(dot) <= TAME_NAME / 4 ? dot : name + strlen(name);
}

bool tame_path_numbered(char *out, size_t size, const char *folder, const char *name,
			const char *number)
{
	const char *end = extension(name);
	size_t stem = (size_t)(end - name), room = TAME_NAME - strlen(end) - strlen(number);
	int n;

	if (stem > room)
		stem = whole_characters(name, room);
	n = snprintf(out, size, "%s/%.*s%s%s", folder, (int)stem, name, number, end);
	return n >= 0 && (size_t)n < size;
}

bool tame_path(char *out, size_t size, const char *folder, const char *name)
{
	char *last;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		name = "_";
	if (!tame_path_numbered(out, size, folder, name, ""))
		return false;
	for (last = out + strlen(folder) + 1; *last; last++) {
		if (*last == '/' || *last == '\\')
			*last = '_';
	}
	return true;
}

/* Bytes of the character of UTF-8 at P; 0: it is none, or a control character (C1 included). */
static size_t character(const unsigned char *p)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 :
		p[0] < 0xF5 ? 4 : 0;

	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	}
	if ((n == 1 && (p[0] < 0x20 || p[0] == 0x7F)) || (n == 2 && p[0] == 0xC2 && p[1] < 0xA0))
		return 0;
	/* Longer than need be, halves of a pair, past the last one. */
	if ((p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xED && p[1] > 0x9F) ||
	    (p[0] == 0xF0 && p[1] < 0x90) || (p[0] == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

void tame_text(char *out, size_t size, const char *text)
{
	size_t n = 0;

	while (*text) {
		size_t bytes = character((const unsigned char *)text);

		if (n + (bytes ? bytes : 1) >= size)
			break;
		if (bytes)
			memcpy(out + n, text, bytes);
		else
			out[n] = '?';
		n += bytes ? bytes : 1;
		text += bytes ? bytes : 1;
	}
	out[n] = '\0';
}
