/* The names by which options call what a device answers, of SOAP and WS-Management together. */
#include "samples/amt-sim/sim-calls.h"

#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/sim-class.h"
#include "samples/amt-sim/sim-soap.h"

#define NAMES	64

struct names {
	const char *at[NAMES];
	size_t n;
};

/* Both dialects have most calls under one name. */
static void add(struct names *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->at[i], name) == 0)
			return;
	if (all->n < NAMES)
		all->at[all->n++] = name;
}

static void gather_calls(struct names *all)
{
	const struct sim_class *c;
	const char *call;

	for (size_t i = 0; (call = sim_soap_call(i)) != NULL; i++)
		add(all, call);
	for (size_t i = 0; (c = sim_class_at(i)) != NULL; i++)
		for (const struct sim_class_method *m = c->methods; m && m->name; m++)
			add(all, m->name);
}

static void gather_classes(struct names *all, bool read)
{
	const struct sim_class *c;

	for (size_t i = 0; (c = sim_class_at(i)) != NULL; i++)
		if (read || c->put)
			add(all, c->name);
	if (read)
		add(all, "Identify");
}

static bool has(const struct names *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++)
		if (strcmp(all->at[i], name) == 0)
			return true;
	return false;
}

static void list(const struct names *all, char *out, size_t size)
{
	size_t at = 0;

	*out = '\0';
	for (size_t i = 0; i < all->n && at < size; i++)
		at += (size_t)snprintf(out + at, size - at, "%s%s", i ? " " : "", all->at[i]);
}

int sim_calls_check(const char *name, bool read, const char *option, struct fault *fault)
{
	struct names calls = { .n = 0 }, classes = { .n = 0 };
	char text[sizeof(fault->hint)];

	gather_calls(&calls);
	gather_classes(&classes, read);
	if (!name || has(&calls, name) || has(&classes, name))
		return 0;
	list(&classes, text, sizeof(text));
	fault_set(fault, KIT_ERR_ARGUMENT, "--%s: \"%.64s\" is not a call, and not one of %s",
		  option, name, text);
	list(&calls, text, sizeof(text));
	return fault_hint(fault, "calls: %s", text);
}
