/* Finding the name and the profile of a machine, one source after the other. */
#include "server/naming.h"

#include <stdlib.h>
#include <string.h>

struct naming_service {
	struct event_base *base;
	const struct config *config;
};

int naming_service_new(struct naming_service **out, struct event_base *base,
		       const struct config *config, struct fault *fault)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return fault_set(fault, KIT_ERR_NOMEM, "out of memory");
	(*out)->base = base;
	(*out)->config = config;
	return 0;
}

void naming_service_free(struct naming_service **s)
{
	free(*s);
	*s = NULL;
}

bool naming_is_fqdn(const char *name)
{
	size_t label = 0, n = strlen(name);
	bool dot = false;

	if (n == 0 || n > SYSTEM_FQDN)
		return false;
	for (const char *p = name; *p; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			      (*p >= '0' && *p <= '9');

		if (*p == '.') {
			if (label == 0 || p[-1] == '-')
				return false;
			dot = true;
			label = 0;
			continue;
		}
		if ((!letter && *p != '-') || (*p == '-' && label == 0) || ++label > 63)
			return false;
	}
	return dot && label > 0 && name[n - 1] != '-';
}

void naming_start(struct naming **out, struct naming_service *service,
		  const struct naming_question *question,
		  void (*done)(void *context, const struct naming_answer *answer),
		  void *context)
{
	struct naming_answer a = { .source = "the inventory" };

	*out = NULL;
	strcpy(a.fqdn, question->inventory_fqdn);
	strcpy(a.profile, question->inventory_profile);
	if (!*a.fqdn) {
		a.code = fault_set(&a.fault, KIT_ERR_NOT_FOUND, "no FQDN is known for this "
				   "machine");
		fault_todo(&a.fault, "give its UUID a name (amt-provisionctl inventory import), "
			   "or let set-up go on without one (fqdn_required = no)");
	}
	done(context, &a);
}

void naming_cancel(struct naming **n)
{
	*n = NULL;
}
