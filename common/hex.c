/* Bytes as hexadecimal digits. */
#include "common/hex.h"

#include <stdlib.h>

#include "common/error.h"

int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void show(const uint8_t *data, size_t n, const char *digits, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}

void hex_show(const void *data, size_t n, char *out)
{
	show(data, n, "0123456789abcdef", out);
}

void hex_show_upper(const void *data, size_t n, char *out)
{
	show(data, n, "0123456789ABCDEF", out);
}

char *hex_dup(const void *data, size_t n)
{
	char *text = calloc(n + 1, 2);

	if (text)
		hex_show(data, n, text);
	return text;
}

int hex_parse(const char *text, size_t n, void *out, size_t size, size_t *length)
{
	uint8_t *bytes = out;
	size_t at = 0;

	for (size_t i = 0; i < n;) {
		int high, low;

		if (text[i] == ' ' || text[i] == ':') {
			i++;
			continue;
		}
		high = hex_digit(text[i]);
		low = i + 1 < n ? hex_digit(text[i + 1]) : -1;
		if (high < 0 || low < 0)
			return KIT_ERR_FORMAT;
		if (at == size)
			return KIT_ERR_RANGE;
		bytes[at++] = (uint8_t)(high << 4 | low);
		i += 2;
	}
	if (length)
		*length = at;
	return length || at == size ? 0 : KIT_ERR_FORMAT;
}
