/* Fuzz the configuration file: what is taken is within limits and shows as what sets it again. */
#include <stdlib.h>
#include <string.h>

#include "server/core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *c = malloc(2 * sizeof(*c)), *copy = c + 1;
	struct fault fault = { .code = 0 };
	const char *section, *name;
	char value[2048];

	if (!c || memmem(data, size, "file:", 5)) {	/* no files are read here */
		free(c);
		return 0;
	}
	config_init(c);
	config_init(copy);
	if (config_parse(c, (const char *)data, size, "fuzz", &fault)) {
		if (!*fault.what)
			abort();
		goto out;
	}
	config_check(c, NULL);
	for (size_t i = 0; config_get(c, i, &section, &name, value, sizeof(value)) == 0; i++)
		if (config_set(copy, name, value, NULL))
			abort();
	if (copy->listen.count != c->listen.count || strcmp(copy->map, c->map) ||
	    copy->max_setups != c->max_setups || copy->reprovision != c->reprovision)
		abort();
out:
	config_wipe(c);
	free(c);
	return 0;
}
