/* Host names as DNS has them. */
#include "common/hostname.h"

#include <string.h>

bool hostname_is_fqdn(const char *name)
{
	size_t label = 0, n = strlen(name);
	bool dot = false;

	if (n == 0 || n > HOSTNAME_MAX)
		return false;
	for (const char *p = name; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			      (*p >= '0' && *p <= '9');

		if (*p == '.') {
			if (label == 0 || p[-1] == '-')
				return false;
			dot = true;
			label = 0;
			continue;
		}
		if ((!letter && *p != '-') || (*p == '-' && label == 0) || ++label > 63)
			return false;
	}
	return dot && label > 0 && name[n - 1] != '-';
}

void hostname_drop_dot(char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '.')
		name[n - 1] = 0;
}
