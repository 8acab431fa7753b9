/* Finding the name and the profile of a machine: inventory, properties script, reverse DNS. */
#ifndef SERVER_SETUP_NAMING_H
#define SERVER_SETUP_NAMING_H

#include <stdbool.h>

#include "common/error.h"
#include "server/core/config.h"
#include "server/keymap/systems.h"
#include "common/uuid.h"

struct event_base;

/* The means to find names, shared by all set-ups. */
struct naming_service;
int naming_service_new(struct naming_service **out, struct event_base *base,
		       const struct config *config, struct fault *fault);
/* *s may be NULL. */
void naming_service_free(struct naming_service **s);

/* What is known of the machine. Strings are copied; "" for what is not known. */
struct naming_question {
	struct uuid uuid;
	const char *pid;
	const char *address;
	const char *inventory_fqdn;
	const char *inventory_profile;
	bool inventory_swapped;	/* it has none for UUID, but one for that in the other byte order */
	/* SECRET, may be NULL: what the script must not say, see struct script_job. */
	const char *const *secrets;
	size_t n_secrets;
};

struct naming_answer {
	/*
	 * 0, or: KIT_ERR_NOT_FOUND nothing gives a name; KIT_ERR_REFUSED, KIT_ERR_TIMEOUT,
	 * KIT_ERR_PROTOCOL...: the script failed, or, with fqdn_required, the name servers
	 * did, so that it is not known whether there is a name. FAULT says more.
	 */
	int code;
	struct fault fault;
	char fqdn[SYSTEM_FQDN + 1];
	char profile[SYSTEM_NAME + 1];	/* "" the default one */
	const char *source;		/* "the inventory", "the script", "reverse DNS" */
	bool from_dns;			/* may be stale: worth a warning */
};

/*
 * Take what the properties script answers, SIZE bytes of JSON at TEXT, into *A, which holds what
 * the inventory says: {"fqdn": ..., "profile": ...}, either of them absent or null to leave it.
 * KIT_ERR_PROTOCOL: it is something else; *A is not to be used then.
 */
int naming_read(struct naming_answer *a, const char *text, size_t size, struct fault *fault);

/*
 * Find out. done() is called exactly once, perhaps before this returns, with an answer that
 * is valid during the call; not after naming_cancel(). *out is NULL once it was called.
 */
struct naming;
void naming_start(struct naming **out, struct naming_service *service,
		  const struct naming_question *question,
		  void (*done)(void *context, const struct naming_answer *answer),
		  void *context);

/* Stop it. *n may be NULL. */
void naming_cancel(struct naming **n);

#endif
