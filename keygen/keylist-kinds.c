/* The reader of lines that the inventory list has until it reads its table through common/csv. */
#include "keygen/keylist-kinds.h"

#include <errno.h>
#include <string.h>

/* The rest of a line, of which LINE has the first N bytes already. As keylist_line(). */
static int rest_of_line(FILE *file, const char *name, char *line, size_t n, size_t *length,
			struct fault *fault)
{
	size_t skipped = 0;
	int c, rc = 1;

	while ((c = getc_unlocked(file)) != EOF && c != '\n') {
		if (n == KEYLIST_LINE) {
			rc = KIT_ERR_RANGE;
			/* A line without an end is no line: a device, or something binary. */
			if (++skipped == KEYLIST_SKIP)
				return fault_set(fault, KIT_ERR_FORMAT, "%s is no key list: a line"
						 " in it has more than a mebibyte", name);
			continue;
		}
		line[n++] = (char)c;
	}
	if (c == EOF && ferror(file))
		return fault_sys(fault, errno, "cannot read %s", name);
	if (c == EOF && n == 0)
		return 0;
	if (n && line[n - 1] == '\r')
		n--;
	line[n] = 0;
	*length = n;
	return rc;
}

int keylist_line(FILE *file, const char *name, char *line, size_t *length, struct fault *fault)
{
	return rest_of_line(file, name, line, 0, length, fault);
}

int keylist_next_field(char **at, char *end, char separator, char **field, size_t *length)
{
	char *p = *at, *to;

	if (p > end)
		return 0;
	while (p < end && *p == ' ')
		p++;
	*field = to = p;
	if (p < end && *p == '"') {
		for (p++; p < end; p++) {
			if (*p == '"' && (p + 1 == end || p[1] != '"'))
				break;
			p += *p == '"';
			*to++ = *p;
		}
		if (p == end)
			return KIT_ERR_FORMAT;
		for (p++; p < end && *p == ' ';)
			p++;
		if (p < end && *p != separator)
			return KIT_ERR_FORMAT;
	} else {
		p = memchr(p, separator, (size_t)(end - p));
		if (!p)
			p = end;
		for (to = p; to > *field && to[-1] == ' ';)
			to--;
	}
	*length = (size_t)(to - *field);
	*at = p + 1;
	return 1;
}
