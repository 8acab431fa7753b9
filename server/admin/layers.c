/* Settings and profiles in their layers: built-in defaults, configuration file, map. */
#include "server/admin/layers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/profiles.h"
#include "server/keymap/settings.h"

struct layers {
	struct config initial, file, all;
	struct keymap *map;
};

/*
 * config_set() over the map's settings. One that makes no sense any more (a newer kit's)
 * must not keep the person from removing it.
 */
static int apply(void *context, const char *name, const char *value)
{
	config_set(context, name, value, NULL);
	return 0;
}

int layers_open(struct layers **out, const char *conf, struct keymap *map, struct fault *fault)
{
	struct layers *l = calloc(1, sizeof(*l));
	int rc = 0;

	*out = NULL;
	if (!l)
		return fault_nomem(fault);
	config_init(&l->initial);
	config_init(&l->file);
	config_init(&l->all);
	if (conf)
		rc = config_load(&l->file, conf, fault);
	if (!rc && conf)
		rc = config_load(&l->all, conf, fault);
	l->map = map;
	if (!rc && map)
		rc = keymap_settings(map, apply, &l->all, fault);
	if (rc)
		layers_close(&l);
	*out = l;
	return rc;
}

void layers_close(struct layers **l)
{
	if (!*l)
		return;
	config_wipe(&(*l)->file);
	config_wipe(&(*l)->all);
	free(*l);
	*l = NULL;
}

struct config *layers_config(struct layers *l)
{
	return &l->all;
}

int layers_get(struct layers *l, size_t i, const char **section, const char **name, char *value,
	       const char **source)
{
	char of_map[LAYERS_VALUE], of_file[LAYERS_VALUE], initial[LAYERS_VALUE];
	int rc = config_get(&l->all, i, section, name, value, LAYERS_VALUE);

	if (rc)
		return rc;
	if (l->map && keymap_setting(l->map, *name, of_map, sizeof(of_map), NULL) == 0) {
		*source = "map";
		return 0;
	}
	config_get(&l->file, i, section, name, of_file, sizeof(of_file));
	config_get(&l->initial, i, section, name, initial, sizeof(initial));
	*source = strcmp(of_file, initial) == 0 ? "default" : "file";
	return 0;
}

/* The server has to find the map before it can read a setting in it. */
static bool is_read_before_map(const char *name)
{
	return strcmp(name, "map") == 0 || strcmp(name, "key_file") == 0;
}

static int check(struct layers *l, const char *name, const char *value, struct fault *fault)
{
	char before[LAYERS_VALUE];
	int rc;

	if (!value) {
		rc = keymap_setting(l->map, name, before, sizeof(before), fault);
		if (rc == KIT_ERR_NOT_FOUND)
			fault_set(fault, rc, "the map has no setting \"%s\"", name);
		return rc;
	}
	if (is_read_before_map(name))
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s cannot be set in the map\n"
				 "set it in the server's configuration file", name);
	rc = config_set(&l->all, name, value, fault);
	if (rc == KIT_ERR_NOT_FOUND)
		fault_set(fault, rc, "there is no setting \"%s\"", name);
	return rc ? rc : config_check(&l->all, fault);
}

int layers_set(struct layers *l, const struct operator *op, const char *name, const char *value,
	       struct fault *fault)
{
	int rc = check(l, name, value, fault);

	if (!rc)
		rc = keymap_begin(op->map, fault);
	if (!rc)
		rc = keymap_setting_set(op->map, name, value, fault);
	if (!rc)
		rc = operator_log(op, SEVERITY_INFO, "setting-changed", NULL, NULL, fault,
				  value ? "setting %s changed" : "setting %s taken out of the map",
				  name);
	if (!rc)
		rc = keymap_commit(op->map, fault);
	keymap_rollback(op->map);
	return rc;
}

/* ---- profiles ---- */

struct each_profile {
	int (*each)(void *context, const struct profile *profile, const char *source);
	void *context;
};

static int one_of_map(void *context, const struct profile *p)
{
	const struct each_profile *e = context;

	return e->each(e->context, p, "map");
}

int layers_each_profile(struct layers *l,
			int (*each)(void *context, const struct profile *profile,
				    const char *source),
			void *context, struct fault *fault)
{
	struct each_profile e = { each, context };
	struct profile of_map;
	int rc = l->map ? keymap_profiles(l->map, one_of_map, &e, fault) : 0;

	for (size_t i = 0; !rc && i < l->file.n_profiles; i++) {
		rc = !l->map ? KIT_ERR_NOT_FOUND
		     : keymap_profile_find(l->map, l->file.profiles[i].name, &of_map, fault);
		if (!rc)
			profile_wipe(&of_map);
		else if (rc == KIT_ERR_NOT_FOUND)
			rc = each(context, &l->file.profiles[i], "file");
	}
	return rc;
}

int layers_find_profile(struct layers *l, const char *name, struct profile *out,
			struct fault *fault)
{
	int rc = l->map ? keymap_profile_find(l->map, name, out, fault) : KIT_ERR_NOT_FOUND;
	const struct profile *found;

	if (rc != KIT_ERR_NOT_FOUND)
		return rc;
	found = config_profile(&l->file, name);
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

int layers_set_profile(const struct operator *op, const char *name,
		       const char *const *properties, size_t n, struct profile *out,
		       struct fault *fault)
{
	int rc = keymap_begin(op->map, fault);

	memset(out, 0, sizeof(*out));
	if (!rc)
		rc = keymap_profile_find(op->map, name, out, fault);
	if (rc == KIT_ERR_NOT_FOUND && !fault->code)
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

int layers_remove_profile(const struct operator *op, const char *name, struct fault *fault)
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
