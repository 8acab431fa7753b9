/* A profile: what set-up makes of a machine. Its defaults, its text form, its JSON form. */
#include "server/keymap/profile.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"

#define NAME_CHARACTERS	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

static int bad(struct fault *fault, const char *name, const char *value, const char *expected)
{
	return fault_set(fault, KIT_ERR_ARGUMENT, "profile property %s: \"%.60s\" is not %s", name,
			 value, expected);
}

int profile_init(struct profile *p, const char *name, struct fault *fault)
{
	memset(p, 0, sizeof(*p));
	if (!name[0] || strlen(name) > SYSTEM_NAME || strspn(name, NAME_CHARACTERS) != strlen(name))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "\"%.60s\" is no name for a profile: it takes"
				 " 1 to %d letters, digits, '-', '_' and '.'",
				 name, SYSTEM_NAME);
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->admin_user, sizeof(p->admin_user), "admin");
	p->admin_policy = PROFILE_RANDOM;
	p->mebx_policy = PROFILE_KEEP;
	p->set_names = true;
	p->set_clock = true;
	p->versions.min = 2 << 8;
	p->versions.max = 10 << 8 | 255;
	return 0;
}

static int set_password(const char *name, const char *value, enum profile_password *policy,
			char out[static PASSWORD_MAX + 1], struct fault *fault)
{
	const char *rule;
	int rc;

	if (strcmp(value, "keep") == 0 || strcmp(value, "random") == 0) {
		*policy = value[0] == 'k' ? PROFILE_KEEP : PROFILE_RANDOM;
		secret_wipe(out, PASSWORD_MAX + 1);
		return 0;
	}
	/* "-" would be standard input, which a server does not have. */
	if (strncmp(value, "file:", 5) != 0 || strcmp(value + 5, "-") == 0) {
		/* It may be a password that somebody took the wrong way: never repeat it. */
		fault_set(fault, KIT_ERR_ARGUMENT, "profile property %s is neither keep, random "
			  "nor file:PATH\n"
			  "write a password into a file of mode 0600 and name that: %s=file:PATH",
			  name, name);
		return KIT_ERR_ARGUMENT;
	}
	rc = secret_read(value + 5, name, out, PASSWORD_MAX + 1, fault);
	if (rc)
		return rc;
	rc = password_check_new(out, &rule);
	if (rc) {
		secret_wipe(out, PASSWORD_MAX + 1);
		return fault_set(fault, rc, "the %s in %s cannot serve: %s", name, value + 5, rule);
	}
	*policy = PROFILE_ONE;
	return 0;
}

static int set_flag(const char *name, const char *value, bool *out, struct fault *fault)
{
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
		return bad(fault, name, value, "yes or no");
	*out = value[0] == 'y';
	return 0;
}

/* "MAJOR.MINOR" at *text; returns the version or -1, *text behind it. */
static int version_at(const char **text)
{
	unsigned major, minor;
	int used = 0;

	if ((*text)[0] < '0' || (*text)[0] > '9' ||
	    sscanf(*text, "%3u.%3u%n", &major, &minor, &used) != 2 || !used || major > 255 ||
	    minor > 255 || memchr(*text, ' ', (size_t)used) || memchr(*text, '+', (size_t)used))
		return -1;
	*text += used;
	return (int)(major << 8 | minor);
}

static int set_versions(const char *value, struct profile_versions *out, struct fault *fault)
{
	const char *p = value;
	int min = version_at(&p), max = min;

	if (min >= 0 && *p == '-') {
		p++;
		max = version_at(&p);
	}
	if (min < 0 || max < min || *p)
		return bad(fault, "amt_versions", value, "a version or a range such as 2.0-10.255");
	out->min = (uint16_t)min;
	out->max = (uint16_t)max;
	return 0;
}

int profile_set(struct profile *p, const char *name, const char *value, struct fault *fault)
{
	if (strcmp(name, "admin_user") == 0) {
		/* What a Digest user name and a log line can carry. */
		if (!value[0] || strlen(value) > 16 ||
		    strspn(value, NAME_CHARACTERS "$") != strlen(value))
			return bad(fault, name, value,
				   "1 to 16 letters, digits, '-', '_', '.', '$'");
		snprintf(p->admin_user, sizeof(p->admin_user), "%s", value);
		return 0;
	}
	if (strcmp(name, "admin_password") == 0)
		return set_password(name, value, &p->admin_policy, p->admin_password, fault);
	if (strcmp(name, "mebx_password") == 0)
		return set_password(name, value, &p->mebx_policy, p->mebx_password, fault);
	if (strcmp(name, "set_names") == 0)
		return set_flag(name, value, &p->set_names, fault);
	if (strcmp(name, "set_clock") == 0)
		return set_flag(name, value, &p->set_clock, fault);
	if (strcmp(name, "rekey") == 0)
		return set_flag(name, value, &p->rekey, fault);
	if (strcmp(name, "amt_versions") == 0)
		return set_versions(value, &p->versions, fault);
	fault_set(fault, KIT_ERR_ARGUMENT, "a profile has no property \"%.60s\"\n"
		  "the properties are admin_user, admin_password, mebx_password, set_names, "
		  "set_clock, rekey and amt_versions", name);
	return KIT_ERR_ARGUMENT;
}

bool profile_serves(const struct profile *p, unsigned major, unsigned minor)
{
	unsigned version = major << 8 | (minor > 255 ? 255 : minor);

	return version >= p->versions.min && version <= p->versions.max;
}

void profile_wipe(struct profile *p)
{
	secret_wipe(p, sizeof(*p));
}

static const char *policy_word(enum profile_password policy)
{
	return policy == PROFILE_KEEP ? "keep" : policy == PROFILE_ONE ? "one" : "random";
}

json_t *profile_json(const struct profile *p)
{
	char versions[32];

	snprintf(versions, sizeof(versions), "%d.%d-%d.%d", p->versions.min >> 8,
		 p->versions.min & 255, p->versions.max >> 8, p->versions.max & 255);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s}", "name", p->name, "admin_user",
			 p->admin_user, "admin_password", policy_word(p->admin_policy),
			 "mebx_password", policy_word(p->mebx_policy), "set_names", p->set_names,
			 "set_clock", p->set_clock, "rekey", p->rekey, "amt_versions", versions);
}
