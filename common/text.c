/* Paths and texts out of strangers' names. */
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

/* The first bytes of the N bytes of NAME, N at most, that end with a whole character of UTF-8. */
static size_t whole_characters(const char *name, size_t n)
{
	while (n && (name[n] & 0xC0) == 0x80)
		n--;
	return n;
}

/* NAME from its last dot on, or "" if there is none or what follows is too long. */
static const char *extension(const char *name)
{
	const char *dot = *name ? strrchr(name + 1, '.') : NULL;

	return dot && strlen(dot) <= TEXT_NAME / 4 ? dot : name + strlen(name);
}

bool text_path_numbered(char *out, size_t size, const char *folder, const char *name,
			const char *number)
{
	const char *end = extension(name);
	size_t stem = (size_t)(end - name), room = TEXT_NAME - strlen(end) - strlen(number);
	int n;

	if (stem > room)
		stem = whole_characters(name, room);
	n = snprintf(out, size, "%s/%.*s%s%s", folder, (int)stem, name, number, end);
	return n >= 0 && (size_t)n < size;
}

bool text_path(char *out, size_t size, const char *folder, const char *name)
{
	char *last;

	if (!*name || !strcmp(name, ".") || !strcmp(name, ".."))
		name = "_";
	if (!text_path_numbered(out, size, folder, name, ""))
		return false;
	for (last = out + strlen(folder) + 1; *last; last++) {
		if (*last == '/' || *last == '\\')
			*last = '_';
	}
	return true;
}

size_t text_clean(char *out, size_t size, const char *text)
{
	size_t n = 0;

	while (*text) {
		size_t bytes = utf8_character(text, strnlen(text, 4));

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
	return n;
}

void text_vprint(FILE *out, const char *format, va_list args)
{
	char *text = NULL, *clean = NULL;

	if (vasprintf(&text, format, args) < 0)
		return;
	clean = malloc(strlen(text) + 1);
	if (clean) {
		text_clean(clean, strlen(text) + 1, text);
		fputs(clean, out);
	}
	free(clean);
	free(text);
}

void text_print(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vprint(out, format, args);
	va_end(args);
}
