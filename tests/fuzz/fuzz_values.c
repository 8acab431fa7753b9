/* Fuzz values of profiles and settings, as people and the map give them: lines of NAME=VALUE. */
#include <stdlib.h>
#include <string.h>

#include "server/core/config.h"
#include "server/keymap/profiles.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was taken is within the limits that set-up relies on. */
static void check_profile(const struct profile *p)
{
	if (!memchr(p->admin_user, 0, sizeof(p->admin_user)) || !p->admin_user[0] ||
	    strlen(p->admin_user) > 16 || strchr(p->admin_user, ':') ||
	    p->versions.min > p->versions.max || p->admin_policy == PROFILE_ONE ||
	    p->mebx_policy == PROFILE_ONE)
		abort();
}

static void set_one(struct profile *p, struct config *c, char *line)
{
	struct fault fault = { .code = 0 };
	char *value = strchr(line, '=');

	if (!value)
		return;
	*value++ = 0;
	if (profile_set(p, line, value, &fault) && (!fault.code || !*fault.what))
		abort();
	check_profile(p);
	fault_clear(&fault);
	if (config_set(c, line, value, &fault) && (!fault.code || !*fault.what))
		abort();
	config_check(c, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = malloc(sizeof(*c));
	char *text = malloc(size + 1), *rest = text, *line;
	struct profile p;

	/* No files are read here. */
	if (!c || !text || memmem(data, size, "file:", 5)) {
		free(c);
		free(text);
		return 0;
	}
	memcpy(text, data, size);
	text[size] = 0;
	config_init(c);
	if (profile_init(&p, "fuzz", NULL))
		abort();
	while ((line = strsep(&rest, "\n")))
		set_one(&p, c, line);
	profile_wipe(&p);
	config_wipe(c);
	free(c);
	free(text);
	return 0;
}
