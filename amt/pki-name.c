/* The name rule of AMT. */
#include "amt/pki-name.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* Top-level domains under which so many last labels have to agree. */
static const char *const two_labels[] = {
	"com", "net", "org", "gov", "edu", "de", "ch", "dk", "cz", "cl", "ua",
};
static const char *const three_labels[] = {
	"arpa", "fr", "cn", "nl", "br", "mx", "uk", "pl", "tw", "ca", "fi", "be", "ru", "se", "ar",
	"es", "no", "at", "in", "tr", "ro", "hu", "nz", "pt", "il", "gr", "co", "ie", "za", "th",
	"sg", "hk", "lt", "id", "hr", "ee", "bg",
};
#define ALWAYS	2	/* of two_labels: the rule is as old as AMT's certificates */

static bool is_one_of(const char *label, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(label, list[i]) == 0)
			return true;
	return false;
}

/* Labels at the end of a name below TLD that have to agree; 0: the rule is not for it. */
static int depth_of(const char *tld, unsigned major, unsigned minor)
{
	bool table = major > 5 || (major >= 4 && minor >= 1);

	if (is_one_of(tld, two_labels, ALWAYS))
		return 2;
	if (!table)
		return 0;
	if (is_one_of(tld, two_labels, sizeof(two_labels) / sizeof(*two_labels)))
		return 2;
	return is_one_of(tld, three_labels, sizeof(three_labels) / sizeof(*three_labels)) ? 3 : 0;
}

/* The last N labels of NAME, or NULL where it has fewer. */
static const char *last_labels(const char *name, int n)
{
	const char *p = name + strlen(name);

	while (p > name) {
		if (p[-1] == '.' && --n == 0)
			return p;
		p--;
	}
	return n == 1 ? name : NULL;
}

/* Is END all of NAME, or whole labels at its end? */
static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	if (m == 0 || m > n || strcasecmp(name + n - m, end) != 0)
		return false;
	return m == n || name[n - m - 1] == '.';
}

static bool same_domain(const char *a, const char *b, unsigned major, unsigned minor)
{
	const char *tld = last_labels(a, 1);
	int depth = tld ? depth_of(tld, major, minor) : 0;
	const char *x = depth ? last_labels(a, depth) : NULL;
	const char *y = depth ? last_labels(b, depth) : NULL;

	return x && y && strcasecmp(x, y) == 0;
}

enum pki_name pki_name_judge(const char *suffix, const char *identifier, unsigned major,
			     unsigned minor)
{
	bool any = strncmp(identifier, "*.", 2) == 0;
	const char *base = any ? identifier + 2 : identifier;

	/* 2.2 on desktops, 2.6 on notebooks; 2.5 came before that. */
	if (major && (major < 2 || (major == 2 && (minor < 2 || minor == 5))))
		return PKI_NAME_OLD;
	if (!*suffix)
		return PKI_NAME_NO_SUFFIX;
	if (!*base || strchr(base, '*'))
		return PKI_NAME_INVALID;
	if (any ? ends_with(suffix, base) : ends_with(base, suffix))
		return PKI_NAME_ACCEPTED;
	if (same_domain(suffix, base, major, minor))
		return PKI_NAME_ACCEPTED;
	return ends_with(suffix, base) ? PKI_NAME_ABOVE : PKI_NAME_OTHER;
}

enum pki_name pki_name_judge_server(const char *server, const char *cn)
{
	if (!*cn)
		return PKI_NAME_INVALID;
	return strcasecmp(server, cn) == 0 ? PKI_NAME_ACCEPTED : PKI_NAME_OTHER;
}

const char *pki_name_text(enum pki_name answer)
{
	switch (answer) {
	case PKI_NAME_ACCEPTED:
		return "is accepted";
	case PKI_NAME_NO_SUFFIX:
		return "cannot be compared: the machine has no DNS suffix";
	case PKI_NAME_INVALID:
		return "is not a host name";
	case PKI_NAME_ABOVE:
		return "is of a domain above the machine's";
	case PKI_NAME_OTHER:
		return "is of another domain than the machine's";
	case PKI_NAME_OLD:
		return "does not count: certificates begin with AMT 2.2 and 2.6";
	}
	return "is unknown";
}
