/* A profile: what set-up makes of a machine. Its defaults, its text form, its JSON form. */
#include "server/keymap/profiles.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "server/keymap/keymap-private.h"

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
				 "\"%.60s\" is not a name for a profile: a name has"
				 " 1 to %d letters, digits, '-', '_' and '.'",
				 name, SYSTEM_NAME);
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->admin_user, sizeof(p->admin_user), "admin");
	p->admin_policy = PROFILE_RANDOM;
	p->mebx_policy = PROFILE_AUTO;
	p->set_names = true;
	p->set_clock = true;
	p->versions.min = 2 << 8;
	p->versions.max = 255 << 8 | 255;
	return 0;
}

static int set_password(const char *name, const char *value, bool has_auto,
			enum profile_password *policy, char out[static PASSWORD_MAX + 1],
			struct fault *fault)
{
	const char *rule;
	int rc;

	if (strcmp(value, "keep") == 0 || strcmp(value, "random") == 0) {
		*policy = value[0] == 'k' ? PROFILE_KEEP : PROFILE_RANDOM;
		secret_wipe(out, PASSWORD_MAX + 1);
		return 0;
	}
	if (has_auto && strcmp(value, "auto") == 0) {
		*policy = PROFILE_AUTO;
		secret_wipe(out, PASSWORD_MAX + 1);
		return 0;
	}
	/* "-" would be standard input, which a server does not have. */
	if (strncmp(value, "file:", 5) != 0 || strcmp(value + 5, "-") == 0) {
		/* It may be a password that somebody took the wrong way: never repeat it. */
		fault_set(fault, KIT_ERR_ARGUMENT, "profile property %s is neither %skeep, random "
			  "nor file:PATH\n"
			  "write a password into a file of mode 0600 and name that: %s=file:PATH",
			  name, has_auto ? "auto, " : "", name);
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

const char *profile_tls_word(enum profile_tls tls)
{
	return tls == PROFILE_TLS_SERVER ? "server" : "keep";
}

static int set_tls(const char *value, enum profile_tls *out, struct fault *fault)
{
	for (int i = 0; i < PROFILE_TLS_WORDS; i++)
		if (strcmp(value, profile_tls_word((enum profile_tls)i)) == 0) {
			*out = (enum profile_tls)i;
			return 0;
		}
	return bad(fault, "tls", value, "keep or server");
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
		return set_password(name, value, false, &p->admin_policy, p->admin_password, fault);
	if (strcmp(name, "mebx_password") == 0)
		return set_password(name, value, true, &p->mebx_policy, p->mebx_password,
				    fault);
	if (strcmp(name, "set_names") == 0)
		return set_flag(name, value, &p->set_names, fault);
	if (strcmp(name, "set_clock") == 0)
		return set_flag(name, value, &p->set_clock, fault);
	if (strcmp(name, "rekey") == 0)
		return set_flag(name, value, &p->rekey, fault);
	if (strcmp(name, "tls") == 0)
		return set_tls(value, &p->tls, fault);
	if (strcmp(name, "amt_versions") == 0)
		return set_versions(value, &p->versions, fault);
	fault_set(fault, KIT_ERR_ARGUMENT, "a profile has no property \"%.60s\"\n"
		  "the properties are admin_user, admin_password, mebx_password, set_names, "
		  "set_clock, rekey, tls and amt_versions", name);
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
	switch (policy) {
	case PROFILE_KEEP:
		return "keep";
	case PROFILE_ONE:
		return "one";
	case PROFILE_RANDOM:
		return "random";
	case PROFILE_AUTO:
		break;
	}
	return "auto";
}

json_t *profile_json(const struct profile *p)
{
	char versions[32];

	snprintf(versions, sizeof(versions), "%d.%d-%d.%d", p->versions.min >> 8,
		 p->versions.min & 255, p->versions.max >> 8, p->versions.max & 255);
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:s}", "name", p->name,
			 "admin_user", p->admin_user, "admin_password",
			 policy_word(p->admin_policy), "mebx_password",
			 policy_word(p->mebx_policy), "set_names", p->set_names, "set_clock",
			 p->set_clock, "rekey", p->rekey, "tls", profile_tls_word(p->tls),
			 "amt_versions", versions);
}

/* ---- rows ---- */

int keymap_profile_put(struct keymap *m, const struct profile *p, struct fault *fault)
{
	const struct seal_place admin = keymap_place_profile("admin_password", p->name);
	const struct seal_place mebx = keymap_place_profile("mebx_password", p->name);
	uint8_t sealed[2][SEALED_PASSWORD];
	struct sql_statement *s;
	bool own;
	int rc;

	rc = keymap_write(m, "INSERT INTO profiles(name, admin_user, admin_policy,"
			  " admin_password, mebx_policy, mebx_password, set_names, set_clock,"
			  " rekey, min_version, max_version, tls)"
			  " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
			  " ON CONFLICT(name) DO UPDATE SET admin_user = excluded.admin_user,"
			  " admin_policy = excluded.admin_policy,"
			  " admin_password = excluded.admin_password,"
			  " mebx_policy = excluded.mebx_policy,"
			  " mebx_password = excluded.mebx_password,"
			  " set_names = excluded.set_names, set_clock = excluded.set_clock,"
			  " rekey = excluded.rekey, min_version = excluded.min_version,"
			  " max_version = excluded.max_version, tls = excluded.tls", &s, &own,
			  fault);
	if (rc)
		return rc;
	bind_text(s, 1, p->name);
	bind_text(s, 2, p->admin_user);
	sql_bind_int(s, 3, p->admin_policy);
	sql_bind_int(s, 5, p->mebx_policy);
	sql_bind_int(s, 7, p->set_names);
	sql_bind_int(s, 8, p->set_clock);
	sql_bind_int(s, 9, p->rekey);
	sql_bind_int(s, 10, p->versions.min);
	sql_bind_int(s, 11, p->versions.max);
	sql_bind_int(s, 12, p->tls);
	rc = keymap_seal_text(m, s, 4, &admin, p->admin_password, PASSWORD_MAX, sealed[0], fault);
	if (!rc)
		rc = keymap_seal_text(m, s, 6, &mebx, p->mebx_password, PASSWORD_MAX, sealed[1],
				      fault);
	if (rc)
		sql_done(s);
	else
		rc = sql_run(s, "keep a profile", NULL, fault);
	return keymap_leave(m, own, rc, fault);
}

#define PROFILE \
	"SELECT name, admin_user, admin_policy, admin_password, mebx_policy," \
	" mebx_password, set_names, set_clock, rekey, min_version, max_version, tls FROM profiles"

static int read_profile(struct keymap *m, struct sql_statement *s, struct profile *out,
			struct fault *fault)
{
	struct seal_place place;
	int rc;

	memset(out, 0, sizeof(*out));
	get_text(s, 0, out->name, sizeof(out->name));
	get_text(s, 1, out->admin_user, sizeof(out->admin_user));
	out->admin_policy = (enum profile_password)sql_int(s, 2);
	out->mebx_policy = (enum profile_password)sql_int(s, 4);
	out->set_names = (int)sql_int(s, 6);
	out->set_clock = (int)sql_int(s, 7);
	out->rekey = (int)sql_int(s, 8);
	out->versions.min = (uint16_t)(int)sql_int(s, 9);
	out->versions.max = (uint16_t)(int)sql_int(s, 10);
	out->tls = sql_int(s, 11) == PROFILE_TLS_SERVER ? PROFILE_TLS_SERVER : PROFILE_TLS_KEEP;
	place = keymap_place_profile("admin_password", out->name);
	rc = keymap_unseal_text(m, s, 3, &place, PASSWORD_MAX, out->admin_password, fault);
	place = keymap_place_profile("mebx_password", out->name);
	if (!rc)
		rc = keymap_unseal_text(m, s, 5, &place, PASSWORD_MAX, out->mebx_password, fault);
	if (rc)
		profile_wipe(out);
	return rc;
}

int keymap_profile_find(struct keymap *m, const char *name, struct profile *out,
			struct fault *fault)
{
	struct sql_statement *s;
	int rc;

	rc = sql_statement(m->db, PROFILE " WHERE name = ?1", &s, fault);
	if (rc)
		return rc;
	bind_text(s, 1, name);
	rc = sql_step(s, "read a profile", fault);
	if (rc == 0)
		rc = KIT_ERR_NOT_FOUND;
	else if (rc > 0)
		rc = read_profile(m, s, out, fault);
	sql_done(s);
	return rc;
}

int keymap_profiles(struct keymap *m, int (*each)(void *context, const struct profile *profile),
		    void *context, struct fault *fault)
{
	struct profile profile;
	struct sql_statement *s = NULL;
	int rc, stop = 0;

	rc = sql_prepare(m->db, PROFILE " ORDER BY name", &s, fault);
	if (rc)
		return rc;
	while ((rc = sql_step(s, "list the profiles", fault)) > 0) {
		rc = read_profile(m, s, &profile, fault);
		if (rc)
			break;
		stop = each(context, &profile);
		profile_wipe(&profile);
		if (stop)
			break;
	}
	sql_free(&s);
	return stop ? stop : rc;
}

int keymap_profile_remove(struct keymap *m, const char *name, struct fault *fault)
{
	struct sql_statement *s;
	int changed = 0, rc;
	bool own;

	rc = keymap_write(m, "DELETE FROM profiles WHERE name = ?1", &s, &own, fault);
	if (rc)
		return rc;
	bind_text(s, 1, name);
	rc = sql_run(s, "remove a profile", &changed, fault);
	if (!rc && !changed)
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "no profile \"%s\" in the key map", name);
	return keymap_leave(m, own, rc, fault);
}

