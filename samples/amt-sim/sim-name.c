/* The name that a server's certificate must have, as firmware compares it. */
#include "samples/amt-sim/sim-name.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Is SUFFIX all of NAME, or what follows one of its dots? */
static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);

	if (s == 0 || s > n || strcasecmp(name + n - s, suffix) != 0)
		return false;
	return n == s || name[n - s - 1] == '.';
}

/* The last LABELS labels of NAME, or NULL if it has fewer. */
static const char *tail(const char *name, unsigned labels)
{
	const char *p = name + strlen(name);

	if (p == name || p[-1] == '.')
		return NULL;
	while (labels > 0) {
		while (p > name && p[-1] != '.')
			p--;
		if (--labels > 0) {
			if (p == name)
				return NULL;
			p--;
		}
	}
	return p;
}

/* In how many labels two names must agree by the domain at the end of NAME; 0: in all. */
static unsigned depth_of(const char *name, unsigned major, unsigned minor)
{
	static const char two[] = " com net org gov edu de ch dk cz cl ua ";
	static const char three[] = " arpa fr cn nl br mx uk pl tw ca fi be ru se ar es no at in "
				    "tr ro hu nz pt il gr co ie za th sg hk lt id hr ee bg ";
	bool table = major >= 6 || ((major == 4 || major == 5) && minor >= 1);
	const char *top = tail(name, 1);
	char word[12] = " ";

	if (!top || strlen(top) > sizeof(word) - 3)
		return 0;
	strcat(strcat(word, top), " ");
	for (char *p = word; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p += 'a' - 'A';
	if (strcmp(word, " com ") == 0 || strcmp(word, " net ") == 0)
		return 2;
	if (!table)
		return 0;
	return strstr(two, word) ? 2 : strstr(three, word) ? 3 : 0;
}

bool sim_name_matches(const char *identifier, const char *suffix, unsigned major, unsigned minor)
{
	const char *ours, *theirs;
	unsigned depth;
	bool wild = identifier[0] == '*' && identifier[1] == '.';

	if (major < 2 || (major == 2 && minor != 2 && minor < 6))
		return false;
	if (wild)
		identifier += 2;
	if (wild ? ends_with(suffix, identifier) : ends_with(identifier, suffix))
		return true;
	depth = depth_of(suffix, major, minor);
	if (depth == 0)
		return false;
	ours = tail(suffix, depth);
	theirs = tail(identifier, depth);
	return ours && theirs && strcasecmp(ours, theirs) == 0;
}
