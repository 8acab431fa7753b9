/* MEBx passwords: the rule that firmware enforces, and random ones that are easy to type. */
#include "keygen/password.h"

#include <openssl/rand.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/secret.h"

static int refuse(const char **rule, int code, const char *text)
{
	if (rule)
		*rule = text;
	return code;
}

int password_check_new(const char *text, const char **rule)
{
	bool lower = false, upper = false, digit = false, other = false;
	bool strange = false, forbidden = false;
	size_t length = strlen(text);

	if (length < PASSWORD_MIN || length > PASSWORD_MAX)
		return refuse(rule, KIT_ERR_RANGE, "8 to 32 characters");
	/* No branch on a character: they come at random, a million passwords in a list. */
	for (size_t i = 0; i < length; i++) {
		unsigned c = (unsigned char)text[i];
		bool is_lower = c - 'a' < 26, is_upper = c - 'A' < 26, is_digit = c - '0' < 10;

		strange |= c - 33 > 126 - 33;
		forbidden |= (c == '"') | (c == '\'') | (c == ',') | (c == '>') | (c == '<') |
			     (c == ':') | (c == '&');
		lower |= is_lower;
		upper |= is_upper;
		digit |= is_digit;
		other |= !(is_lower | is_upper | is_digit | (c == '_'));
	}
	if (strange)
		return refuse(rule, KIT_ERR_FORMAT,
			      "only 7-bit ASCII characters 33 to 126, no space");
	if (forbidden)
		return refuse(rule, KIT_ERR_FORMAT, "none of \" ' , > < : & is allowed");
	if (!lower || !upper || !digit || !other)
		return refuse(rule, KIT_ERR_FORMAT, "at least one lower case letter, one upper case"
			      " letter, one digit and one other character ('_' does not count)");
	return 0;
}

int password_check_current(const char *text, const char **rule)
{
	size_t length = strlen(text);

	if (length < 1 || length > PASSWORD_MAX)
		return refuse(rule, KIT_ERR_RANGE, "1 to 32 characters");
	for (size_t i = 0; i < length; i++)
		if (text[i] < 33 || text[i] > 126)
			return refuse(rule, KIT_ERR_FORMAT,
				      "only 7-bit ASCII characters 33 to 126, no space");
	return 0;
}

int password_random(char *out, struct fault *fault)
{
	static const char lower[] = "abcdefghijkmnpqrstuvwxyz";
	static const char upper[] = "ABCDEFGHJKLMNPQRSTUVWXYZ";
	static const char digits[] = "23456789";
	static const char any[] =
		"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
	const unsigned kinds = sizeof(any) - 1;
	uint8_t byte = 0;
	char *at;
	int rc = 0;

	/* Drawn again as a whole until each class is there: all good ones stay equally likely. */
	do {
		at = out;
		for (int i = 0; i < 16;) {
			if (RAND_bytes(&byte, 1) != 1) {
				rc = fault_set(fault, KIT_ERR_CRYPTO,
					       "the random generator of OpenSSL failed");
				goto out;
			}
			/* 56 characters fit 4 times into a byte; what is above would be a bias. */
			if (byte >= 4 * kinds)
				continue;
			if (i && i % 4 == 0)
				*at++ = '-';
			*at++ = any[byte % kinds];
			i++;
		}
		*at = 0;
	} while (!strpbrk(out, lower) || !strpbrk(out, upper) || !strpbrk(out, digits));
out:
	secret_wipe(&byte, sizeof(byte));
	if (rc)
		secret_wipe(out, PASSWORD_MAX + 1);
	return rc;
}
