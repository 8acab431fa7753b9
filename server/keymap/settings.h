/* Settings of the server that live in the key map (csti_configuration). */
#ifndef SERVER_KEYMAP_SETTINGS_H
#define SERVER_KEYMAP_SETTINGS_H

#include <stddef.h>

#include "common/error.h"

struct keymap;

/*
 * Settings of the server that live in the map (csti_configuration): names and values as
 * in the configuration file; the map's beat the file's. KIT_ERR_NOT_FOUND (no fault is
 * set then); KIT_ERR_RANGE when VALUE does not fit.
 */
int keymap_setting(struct keymap *m, const char *name, char *value, size_t size,
		   struct fault *fault);
/* VALUE NULL removes it. */
int keymap_setting_set(struct keymap *m, const char *name, const char *value,
		       struct fault *fault);
int keymap_settings(struct keymap *m,
		    int (*each)(void *context, const char *name, const char *value),
		    void *context, struct fault *fault);

#endif
