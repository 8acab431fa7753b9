/* Finding the name and the profile of a machine: one source after the other, until one knows. */
#include "server/setup/naming.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostname.h"
#include "server/core/dns.h"
#include "server/core/script.h"

struct naming_service {
	struct event_base *base;
	const struct config *config;
	struct script_pool *scripts;
	struct dns *dns;		/* made when it is first needed */
	char dns_servers[CONFIG_TEXT];	/* that it asks */
	size_t asking;			/* questions under way */
};

struct naming {
	struct naming_service *service;
	struct naming **handle;		/* the caller's, to be cleared when it is over */
	char address[SYSTEM_ADDRESS + 1];
	struct naming_answer answer;
	bool inventory_swapped;
	struct script *script;
	struct dns_question *question;
	void (*done)(void *context, const struct naming_answer *answer);
	void *context;
};

int naming_service_new(struct naming_service **out, struct event_base *base,
		       const struct config *config, struct fault *fault)
{
	struct naming_service *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	s->base = base;
	s->config = config;
	rc = script_pool_new(&s->scripts, base, fault);
	if (rc)
		naming_service_free(&s);
	*out = s;
	return rc;
}

void naming_service_free(struct naming_service **s)
{
	if (!*s)
		return;
	dns_free(&(*s)->dns);
	script_pool_free(&(*s)->scripts);
	free(*s);
	*s = NULL;
}

static void finish(struct naming *n)
{
	if (n->handle)
		*n->handle = NULL;
	n->done(n->context, &n->answer);
	free(n);
}

static void fail(struct naming *n, const struct fault *fault)
{
	n->answer.code = fault->code;
	n->answer.fault = *fault;
	finish(n);
}

/*
 * No source is left. CODE: KIT_ERR_NOT_FOUND, or what kept a name server from answering; that is
 * no reason to wait where set-up goes on without a name.
 */
static void give_up(struct naming *n, int code, const char *why)
{
	struct naming_answer *a = &n->answer;

	if (!n->service->config->fqdn_required)
		code = KIT_ERR_NOT_FOUND;
	a->code = fault_set(&a->fault, code, "no FQDN is known for this machine%s%s",
			    *why ? ": " : "", why);
	if (n->inventory_swapped)
		fault_hint(&a->fault, "the inventory has its UUID in the other byte order: import "
			   "that list again (amt-provisionctl inventory import --swap-uuid)");
	if (code != KIT_ERR_NOT_FOUND)
		fault_hint(&a->fault, "see that the name servers (dns_servers, or those of "
			   "/etc/resolv.conf) answer, or give its UUID a name (amt-provisionctl "
			   "inventory import)");
	fault_hint(&a->fault, "give its UUID a name (amt-provisionctl inventory import), or let "
		   "set-up go on without one (fqdn_required = no)");
	finish(n);
}

/* ---- reverse DNS ---- */

static void on_dns(void *context, int code, const char *name, const struct fault *fault)
{
	struct naming *n = context;

	n->question = NULL;
	n->service->asking--;
	if (code) {
		give_up(n, code, fault->what);
		return;
	}
	strcpy(n->answer.fqdn, name);
	n->answer.source = "reverse DNS";
	n->answer.from_dns = true;
	finish(n);
}

static void ask_dns(struct naming *n)
{
	struct naming_service *s = n->service;
	struct fault fault = { .code = 0 };

	if (!s->config->dns_fallback) {
		give_up(n, KIT_ERR_NOT_FOUND, "");
		return;
	}
	/* The configuration may name others since the last question. */
	if (s->dns && !s->asking && strcmp(s->dns_servers, s->config->dns_servers) != 0)
		dns_free(&s->dns);
	if (!s->dns) {
		strcpy(s->dns_servers, s->config->dns_servers);
		if (dns_new(&s->dns, s->base, s->dns_servers, &fault)) {
			fail(n, &fault);
			return;
		}
	}
	if (dns_reverse(&n->question, s->dns, n->address, (unsigned)s->config->dns_seconds,
			on_dns, n, &fault))
		give_up(n, fault.code, fault.what);
	else
		s->asking++;
}

/* ---- the properties script ---- */

/* Take the text KEY of the script's answer; absent and null leave OUT as it is. */
static int take_text(json_t *answer, const char *key, char *out, size_t size,
		     struct fault *fault)
{
	json_t *value = json_object_get(answer, key);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_string(value) || json_string_length(value) >= size)
		return fault_set(fault, KIT_ERR_PROTOCOL, "\"%s\" in the answer of the properties "
				 "script is not a text of at most %zu bytes", key, size - 1);
	strcpy(out, json_string_value(value));
	return 0;
}

int naming_read(struct naming_answer *a, const char *text, size_t size, struct fault *fault)
{
	char before[sizeof(a->fqdn)];
	json_error_t error;
	json_t *answer = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
	int rc;

	if (!json_is_object(answer)) {
		json_decref(answer);
		/* jansson's own text would quote the answer, which may hold anything. */
		return fault_set(fault, KIT_ERR_PROTOCOL, "the answer of the properties script "
				 "is not a JSON object (line %d, column %d)", error.line,
				 error.column);
	}
	strcpy(before, a->fqdn);
	rc = take_text(answer, "fqdn", a->fqdn, sizeof(a->fqdn), fault);
	if (!rc)
		rc = take_text(answer, "profile", a->profile, sizeof(a->profile), fault);
	json_decref(answer);
	hostname_drop_dot(a->fqdn);
	if (!rc && *a->fqdn && !hostname_is_fqdn(a->fqdn))
		rc = fault_set(fault, KIT_ERR_PROTOCOL, "\"fqdn\" in the answer of the properties "
				"script is not a fully qualified host name");
	if (!rc && strcmp(before, a->fqdn) != 0)
		a->source = "the script";
	return rc;
}

static void on_script(void *context, const struct script_result *result)
{
	struct naming *n = context;
	struct fault fault = result->fault;

	n->script = NULL;
	if (result->code || naming_read(&n->answer, result->output, result->size, &fault))
		fail(n, &fault);
	else if (*n->answer.fqdn)
		finish(n);
	else
		ask_dns(n);
}

static void ask_script(struct naming *n, const struct naming_question *q)
{
	const struct config *c = n->service->config;
	struct fault fault = { .code = 0 };
	struct script_job job = { .path = c->props_script,
				  .seconds = (unsigned)c->props_script_timeout,
				  .limit = c->props_script_parallel, .secrets = q->secrets,
				  .n_secrets = q->n_secrets, .done = on_script, .context = n };
	/* Lists of machines with AMT 2 to 5 often have the other order: a script looks for both. */
	const struct uuid other = uuid_swapped(&q->uuid);
	char uuid[UUID_SHOWN + 1], swapped[UUID_SHOWN + 1], pid[PID_SHOWN + 1], *input;
	json_t *question;

	uuid_show(&q->uuid, uuid);
	uuid_show(&other, swapped);
	pidpps_show_pid(q->pid, pid);
	question = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "uuid", uuid, "uuid_swapped",
			     swapped, "pid", pid, "address", q->address, "fqdn",
			     q->inventory_fqdn, "profile", q->inventory_profile);
	input = question ? json_dumps(question, JSON_COMPACT) : NULL;
	json_decref(question);
	job.input = input;
	if (!input)
		fault_nomem(&fault);
	else
		script_run(&n->script, n->service->scripts, &job, &fault);
	free(input);
	if (fault.code)
		fail(n, &fault);
}

void naming_start(struct naming **out, struct naming_service *service,
		  const struct naming_question *q,
		  void (*done)(void *context, const struct naming_answer *answer),
		  void *context)
{
	struct naming *n = calloc(1, sizeof(*n));

	*out = NULL;
	if (!n) {
		struct naming_answer a = { .code = KIT_ERR_NOMEM, .source = "" };

		fault_nomem(&a.fault);
		done(context, &a);
		return;
	}
	n->service = service;
	n->done = done;
	n->context = context;
	strcpy(n->address, q->address);
	strcpy(n->answer.fqdn, q->inventory_fqdn);
	strcpy(n->answer.profile, q->inventory_profile);
	n->answer.source = "the inventory";
	n->inventory_swapped = q->inventory_swapped;
	n->handle = out;
	*out = n;
	if (service->config->use_props_script)
		ask_script(n, q);
	else if (*n->answer.fqdn)
		finish(n);
	else
		ask_dns(n);
}

void naming_cancel(struct naming **n)
{
	if (!*n)
		return;
	if ((*n)->question)
		(*n)->service->asking--;
	script_cancel(&(*n)->script);
	dns_cancel(&(*n)->question);
	free(*n);
	*n = NULL;
}
