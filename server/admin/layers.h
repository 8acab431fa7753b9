/* Settings and profiles in their layers: built-in defaults, configuration file, map. */
#ifndef SERVER_ADMIN_LAYERS_H
#define SERVER_ADMIN_LAYERS_H

#include "server/admin/operator.h"
#include "server/core/config.h"
#include "server/keymap/profiles.h"

#define LAYERS_VALUE	1200	/* bytes of a value as text: a list of addresses is the longest */

struct layers;

/*
 * Read the layers. CONF: the configuration file, or NULL for none. MAP, which stays the
 * caller's, may be NULL: no layer of the map. Settings of the map that make no sense are
 * left out, so that a person can remove them. Errors of config_load() and the map.
 */
int layers_open(struct layers **out, const char *conf, struct keymap *map, struct fault *fault);
/* *l may be NULL. */
void layers_close(struct layers **l);

/* What counts: the settings of all layers together. */
struct config *layers_config(struct layers *l);

/*
 * Setting I of those that count, as config_get(); *source is "default", "file" or "map".
 * VALUE receives LAYERS_VALUE bytes at most. For listing: I from 0 until KIT_ERR_NOT_FOUND.
 */
int layers_get(struct layers *l, size_t i, const char **section, const char **name, char *value,
	       const char **source);

/*
 * Keep a setting in the map (that L was opened with, and that of OP), where it beats the file's;
 * VALUE NULL takes it out again. KIT_ERR_ARGUMENT: the value makes no sense, alone or with the
 * others, or the server reads it before it opens the map; KIT_ERR_NOT_FOUND: no such setting,
 * or not in the map.
 */
int layers_set(struct layers *l, const struct operator *op, const char *name, const char *value,
	       struct fault *fault);

/*
 * Every profile that counts, first those of the map: one of the file with the name of one of
 * the map does not. SOURCE is "map" or "file". As keymap_each().
 */
int layers_each_profile(struct layers *l,
			int (*each)(void *context, const struct profile *profile,
				    const char *source),
			void *context, struct fault *fault);

/* The profile of that name that counts: *out with its SECRET passwords. KIT_ERR_NOT_FOUND. */
int layers_find_profile(struct layers *l, const char *name, struct profile *out,
			struct fault *fault);

/*
 * Make or change the map's profile NAME by N texts "PROPERTY=VALUE" (see profile_set()).
 * *out (profile_wipe()) is the profile as it is then.
 */
int layers_set_profile(const struct operator *op, const char *name,
		       const char *const *properties, size_t n, struct profile *out,
		       struct fault *fault);

/* Remove the map's profile NAME. KIT_ERR_NOT_FOUND. */
int layers_remove_profile(const struct operator *op, const char *name, struct fault *fault);

#endif
