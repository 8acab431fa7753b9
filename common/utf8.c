/* Characters of UTF-8, to tell text from other bytes. */
#include "common/utf8.h"

#include <stdint.h>

size_t utf8_character(const void *text, size_t left)
{
	/* Below these a character is a control one, or longer than need be. */
	static const uint32_t least[] = { 0, 0x20, 0xA0, 0x800, 0x10000 };
	const uint8_t *s = text;
	size_t n;
	uint32_t code;

	if (left == 0 || (s[0] >= 0x80 && s[0] < 0xC2) || s[0] > 0xF4)
		return 0;
	n = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (n > left)
		return 0;
	code = n == 1 ? s[0] : s[0] & (0xFFu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3F);
	}
	if (code < least[n] || code == 0x7F || (code >= 0xD800 && code < 0xE000) || code > 0x10FFFF)
		return 0;
	return n;
}
