/* Handling of secrets in memory, from files and from a person at a terminal. */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

/* Overwrite SIZE bytes in a way that the compiler may not leave out. P may be NULL. */
void secret_wipe(void *p, size_t size);

/* Constant-time comparison of SIZE bytes. */
bool secret_equal(const void *a, const void *b, size_t size);

/*
 * No core dumps, no ptrace by the same user. To be called by every main, and
 * again after a change of user (setuid makes the process dumpable again).
 */
void secret_protect_process(void);

/*
 * Read a secret of one line from the file PATH, or from standard input when
 * PATH is "-" (with a hidden prompt if that is a terminal). The line end is cut
 * off (LF or CRLF), and empty lines behind it; a second line that is not empty is refused.
 *
 *   out   SECRET; receives the text and a NUL; size bytes. Wiped on failure.
 *   what  names the secret in prompts and messages: "new MEBx password"
 *
 * Returns 0 or KIT_ERR_SYSTEM, KIT_ERR_NOT_FOUND, KIT_ERR_PERMISSION (others can
 * read the file), KIT_ERR_RANGE (longer than size - 1 bytes), KIT_ERR_FORMAT
 * (empty, a NUL in it, or more than one line).
 */
int secret_read(const char *path, const char *what, char *out, size_t size, struct fault *fault);

/*
 * Ask at the terminal (/dev/tty) with the echo off. Same results as secret_read();
 * KIT_ERR_SYSTEM if there is no terminal.
 */
int secret_prompt(const char *prompt, const char *what, char *out, size_t size,
		  struct fault *fault);

#endif
