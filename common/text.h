/* Names and texts from strangers, made fit for a folder and a terminal of this machine. */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define TEXT_NAME	255	/* bytes of one name, as file systems here take them */

/*
 * FOLDER/NAME into OUT, SIZE bytes. NAME (UTF-8) may be anything: it will not lead out of the
 * folder, and where it is too long it is cut before its extension. False when the path does not
 * fit.
 */
bool text_path(char *out, size_t size, const char *folder, const char *name);

/* The same for a NAME that is clean already, with NUMBER before its extension: "a~2.txt". */
bool text_path_numbered(char *out, size_t size, const char *folder, const char *name,
			const char *number);

/*
 * TEXT as a terminal and JSON can take it: '?' for control characters and what is not UTF-8. OUT
 * receives SIZE bytes (at least 1) at most, and ends with a whole character. Returns its length.
 */
size_t text_clean(char *out, size_t size, const char *text);

/* Print to OUT, as printf(), what text_clean() makes of it: names may be a stranger's. */
void text_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprint(FILE *out, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
