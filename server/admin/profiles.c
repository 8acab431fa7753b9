/* The profiles of map and configuration file together; those of the map are an operator's. */
#include "server/admin/profiles.h"

#include <stdio.h>
#include <string.h>

#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"

struct each {
	int (*each)(void *context, const struct profile *profile, const char *source);
	void *context;
};

static int one_of_map(void *context, const struct profile *p)
{
	const struct each *e = context;

	return e->each(e->context, p, "map");
}

int profiles_each(struct keymap *map, const struct config *config,
		  int (*each)(void *context, const struct profile *profile, const char *source),
		  void *context, struct fault *fault)
{
	struct each e = { each, context };
	struct profile of_map;
	int rc = keymap_profiles(map, one_of_map, &e, fault);

	for (size_t i = 0; !rc && config && i < config->n_profiles; i++) {
		rc = keymap_profile_find(map, config->profiles[i].name, &of_map, fault);
		if (!rc)
			profile_wipe(&of_map);
		else if (rc == KIT_ERR_NOT_FOUND)
			rc = each(context, &config->profiles[i], "file");
	}
	return rc;
}

int profiles_find(struct keymap *map, const struct config *config, const char *name,
		  struct profile *out, struct fault *fault)
{
	int rc = keymap_profile_find(map, name, out, fault);
	const struct profile *found;

	if (rc != KIT_ERR_NOT_FOUND)
		return rc;
	found = config ? config_profile(config, name) : NULL;
	if (!found)
		return fault_set(fault, rc, "there is no profile \"%s\"", name);
	*out = *found;
	return 0;
}

static int set_property(struct profile *p, const char *text, struct fault *fault)
{
	const char *equals = strchr(text, '=');
	char name[40];

	/* The text is not repeated: it may be a password that somebody gave the wrong way. */
	if (!equals || equals == text || (size_t)(equals - text) >= sizeof(name))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "a property is not of the form PROPERTY=VALUE");
	snprintf(name, sizeof(name), "%.*s", (int)(equals - text), text);
	return profile_set(p, name, equals + 1, fault);
}

int profiles_set(const struct operator *op, const char *name, const char *const *properties,
		 size_t n, struct profile *out, struct fault *fault)
{
	int rc = keymap_begin(op->map, fault);

	memset(out, 0, sizeof(*out));
	if (!rc)
		rc = keymap_profile_find(op->map, name, out, fault);
	if (rc == KIT_ERR_NOT_FOUND && (!fault || !fault->code))
		rc = profile_init(out, name, fault);
	for (size_t i = 0; !rc && i < n; i++)
		rc = set_property(out, properties[i], fault);
	if (!rc)
		rc = keymap_profile_put(op->map, out, fault);
	if (!rc)
		rc = operator_log(op, SEVERITY_INFO, "profile-set", NULL, NULL, fault,
				  "profile \"%s\" set", name);
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}

int profiles_remove(const struct operator *op, const char *name, struct fault *fault)
{
	int rc = keymap_begin(op->map, fault);

	if (!rc)
		rc = keymap_profile_remove(op->map, name, fault);
	if (!rc)
		rc = operator_log(op, SEVERITY_INFO, "profile-removed", NULL, NULL, fault,
				  "profile \"%s\" removed", name);
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}
