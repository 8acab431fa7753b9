/* Text files as they come: encodings and line ends. */
#include "common/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"

enum encoding { BYTES, UTF16_LE, UTF16_BE };

struct lines {
	FILE *file;
	char *name;
	enum encoding encoding;
	int error;		/* errno of a read that failed */
	bool ended;		/* nothing more comes from the file */
	unsigned long number;
	unsigned long empty;	/* empty lines that are due, for carriage returns alone */
	bool again;		/* the last line is to be returned once more */
	int rc;			/* what lines_next() returned last */
	size_t length;
	char text[LINES_MAX + 1];	/* SECRET */
	uint8_t ready[8];	/* SECRET: bytes to hand on first, last one first */
	size_t n_ready;
};

/* The next byte of the file as it is, or EOF. */
static int raw(struct lines *l)
{
	int c = l->ended ? EOF : getc_unlocked(l->file);

	if (c == EOF && !l->ended) {
		l->ended = true;
		l->error = ferror(l->file) ? errno : 0;
	}
	return c;
}

/* The next unit of UTF-16, or EOF; a byte alone at the end of the file is what it is. */
static int unit(struct lines *l)
{
	int a = raw(l), b = a == EOF ? EOF : raw(l);

	if (b == EOF)
		return a;
	return l->encoding == UTF16_LE ? a | b << 8 : a << 8 | b;
}

/* The next character of UTF-16, or EOF; U+FFFD for half a pair. */
static long character(struct lines *l)
{
	int high = unit(l), low;

	if (high < 0xD800 || high > 0xDFFF)
		return high;
	low = high < 0xDC00 ? unit(l) : 0;
	if (low < 0xDC00 || low > 0xDFFF)
		return 0xFFFD;
	return 0x10000 + ((long)(high & 0x3FF) << 10) + (low & 0x3FF);
}

static void give_back(struct lines *l, int c)
{
	if (c != EOF)
		l->ready[l->n_ready++] = (uint8_t)c;
}

/* The next byte of the text in UTF-8, or EOF. */
static int next_byte(struct lines *l)
{
	long c;

	if (l->n_ready)
		return l->ready[--l->n_ready];
	if (l->encoding == BYTES)
		return raw(l);
	c = character(l);
	if (c < 0x80)
		return (int)c;
	give_back(l, (int)(0x80 | (c & 0x3F)));
	if (c < 0x800)
		return (int)(0xC0 | c >> 6);
	give_back(l, (int)(0x80 | (c >> 6 & 0x3F)));
	if (c < 0x10000)
		return (int)(0xE0 | c >> 12);
	give_back(l, (int)(0x80 | (c >> 12 & 0x3F)));
	return (int)(0xF0 | c >> 18);
}

/*
 * Look at the first bytes: a byte order mark is left out; without one, a NUL beside the first
 * character shows UTF-16, too.
 */
static void find_encoding(struct lines *l)
{
	int a = raw(l), b = EOF, c = EOF;

	if (a == 0xEF || a == 0xFF || a == 0xFE || a == 0 || (a != EOF && a < 0x80))
		b = raw(l);
	if ((a == 0xFF && b == 0xFE) || (a == 0xFE && b == 0xFF)) {
		l->encoding = a == 0xFF ? UTF16_LE : UTF16_BE;
		return;
	}
	if (a == 0xEF && b == 0xBB) {
		c = raw(l);
		if (c == 0xBF)
			return;
	}
	if (a > 0 && b == 0)
		l->encoding = UTF16_LE;
	else if (a == 0 && b > 0)
		l->encoding = UTF16_BE;
	if (l->encoding != BYTES) {
		give_back(l, a ? a : b);
		return;
	}
	give_back(l, c);
	give_back(l, b);
	give_back(l, a);
}

int lines_open(struct lines **out, FILE *file, const char *name, struct fault *fault)
{
	struct lines *l = calloc(1, sizeof(*l));

	*out = NULL;
	if (l)
		l->name = strdup(name);
	if (!l || !l->name) {
		free(l);
		return fault_nomem(fault);
	}
	l->file = file;
	find_encoding(l);
	*out = l;
	return 0;
}

void lines_free(struct lines **lines)
{
	struct lines *l = *lines;

	*lines = NULL;
	if (!l)
		return;
	free(l->name);
	secret_wipe(l, sizeof(*l));
	free(l);
}

int lines_error(const struct lines *l, struct fault *fault)
{
	return l->error ? fault_sys(fault, l->error, "cannot read %s", l->name) : 0;
}

int lines_getc(struct lines *l)
{
	return next_byte(l);
}

void lines_ungetc(struct lines *l, int c)
{
	give_back(l, c);
}

/* Behind a carriage return: take the line feed that belongs to it, and what is between. */
static void end_of_line(struct lines *l)
{
	unsigned long returns = 0;
	int c;

	while ((c = next_byte(l)) == '\r')
		returns++;
	/* Returns before a line feed are one end with it; without one, each is an end. */
	if (c == '\n')
		return;
	l->empty = returns;
	give_back(l, c);
}

int lines_peek(struct lines *l)
{
	int c;

	while ((c = next_byte(l)) == ' ' || c == '\n' || c == '\r') {
		if (c == '\r')
			end_of_line(l);
		l->number += (c != ' ') + l->empty;
		l->empty = 0;
	}
	give_back(l, c);
	return c;
}

/* Read a line into l->text. As lines_next(). */
static int read_line(struct lines *l, struct fault *fault)
{
	size_t n = 0, skipped = 0;
	int c, rc = 1;

	while ((c = next_byte(l)) != EOF && c != '\n' && c != '\r') {
		if (n < LINES_MAX) {
			l->text[n++] = (char)c;
			continue;
		}
		rc = KIT_ERR_RANGE;
		/* A line without an end is not a line: a device, or something binary. */
		if (++skipped == LINES_SKIP)
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s is not a text file: a line in it is longer than 1 MiB",
					 l->name);
	}
	if (c == EOF && l->error)
		return lines_error(l, fault);
	if (c == EOF && n == 0)
		return 0;
	if (c == '\r')
		end_of_line(l);
	l->text[n] = '\0';
	l->length = n;
	return rc;
}

int lines_next(struct lines *l, char **line, size_t *length, struct fault *fault)
{
	if (l->again) {
		l->again = false;
	} else if (l->empty) {
		l->empty--;
		l->number++;
		l->length = 0;
		l->text[0] = '\0';
		l->rc = 1;
	} else {
		l->rc = read_line(l, fault);
		l->number += l->rc == 1 || l->rc == KIT_ERR_RANGE;
	}
	*line = l->text;
	*length = l->length;
	return l->rc;
}

void lines_again(struct lines *l)
{
	l->again = true;
}

unsigned long lines_number(const struct lines *l)
{
	return l->number;
}

const char *lines_name(const struct lines *l)
{
	return l->name;
}
