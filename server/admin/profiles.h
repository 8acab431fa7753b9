/* The profiles of map and configuration file together; those of the map are an operator's. */
#ifndef SERVER_ADMIN_PROFILES_H
#define SERVER_ADMIN_PROFILES_H

#include "server/admin/operator.h"
#include "server/core/config.h"
#include "server/keymap/profiles.h"

/*
 * Every profile that counts, first those of the map: one of the file with the name of one of
 * the map does not. CONFIG may be NULL: no file. SOURCE is "map" or "file". As keymap_each().
 */
int profiles_each(struct keymap *map, const struct config *config,
		  int (*each)(void *context, const struct profile *profile, const char *source),
		  void *context, struct fault *fault);

/* The one that counts of that name: *out with its SECRET passwords. KIT_ERR_NOT_FOUND. */
int profiles_find(struct keymap *map, const struct config *config, const char *name,
		  struct profile *out, struct fault *fault);

/*
 * Make or change the map's profile NAME by N texts "PROPERTY=VALUE" (see profile_set()).
 * *out (profile_wipe()) is the profile as it is then.
 */
int profiles_set(const struct operator *op, const char *name, const char *const *properties,
		 size_t n, struct profile *out, struct fault *fault);

/* Remove the map's profile NAME. KIT_ERR_NOT_FOUND. */
int profiles_remove(const struct operator *op, const char *name, struct fault *fault);

#endif
