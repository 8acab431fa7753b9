/* Host names as DNS has them. */
#include "common/hostname.h"

#include <string.h>

#define LABEL_MAX	63	/* characters between two dots */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * The number of labels in the N bytes of NAME, or 0 if one of them is empty, too long or of other
 * characters. STRICT is for hosts: no '_', and no dash at an end of a label.
 */
static size_t count_labels(const char *name, size_t n, bool strict)
{
	size_t labels = 0, begin = 0;

	if (n > HOSTNAME_MAX)
		return 0;
	for (size_t i = 0; i <= n; i++) {
		if (i < n && name[i] != '.') {
			if (!is_letter(name[i]) && name[i] != '-' && (strict || name[i] != '_'))
				return 0;
			continue;
		}
		if (i == begin || i - begin > LABEL_MAX ||
		    (strict && (name[begin] == '-' || name[i - 1] == '-')))
			return 0;
		labels++;
		begin = i + 1;
	}
	return labels;
}

bool hostname_is_fqdn(const char *name)
{
	return count_labels(name, strlen(name), true) >= 2;
}

bool hostname_is_dns_name(const void *name, size_t n, bool dots)
{
	size_t labels = count_labels(name, n, false);

	return labels == 1 || (labels && dots);
}

void hostname_drop_dot(char *name)
{
	size_t n = strlen(name);

	if (n && name[n - 1] == '.')
		name[n - 1] = 0;
}
