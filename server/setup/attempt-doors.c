/* Several places say to be one machine: they are called side by side until one proves the PPS. */
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "server/core/config.h"
#include "server/setup/attempt-private.h"
#include "server/setup/call.h"

static void on_reply(void *context, const struct amt_reply *reply);

static int open_door(struct attempt *a, struct attempt_door *d, struct fault *fault)
{
	struct amt_limits limits = attempt_limits(a, d->tls10);
	struct amt_target target = {
		.credential = { .kind = AMT_TLS_PSK, .pid = d->pair.pair.pid,
				.pps = d->pair.pair.pps },
		.address = d->claim.address,
		.port = (uint16_t)a->services.config->callback_port, .tls10 = d->tls10,
	};
	struct amt_request request;
	int rc;

	call_close(&d->call);
	/* What is asked for does not matter: it carries no login, and changes nothing. */
	if (setup_next(a->setup, 0, &request) != SETUP_SEND)
		return fault_set(fault, KIT_ERR_STATE, "the first request cannot be written");
	rc = call_open(&d->call, a->services.pool, &target, &limits, fault);
	return rc ? rc : call_post(d->call, &request, on_reply, d, fault);
}

static void shut(struct attempt *a, struct attempt_door *d, const struct fault *why)
{
	call_close(&d->call);
	d->fault = *why;
	if (--a->open_doors == 0)
		a->on_doors(a, NULL);
}

static void on_reply(void *context, const struct amt_reply *reply)
{
	struct attempt_door *d = context;
	struct attempt *a = d->attempt;
	struct fault fault = reply->fault;

	if (call_proved(d->call)) {
		a->on_doors(a, d);
		return;
	}
	if (reply->code && reply->connected && !d->tls10 && !*call_tls(d->call)) {
		d->tls10 = true;
		fault_clear(&fault);
		if (!open_door(a, d, &fault))
			return;
	} else if (!reply->code) {
		fault_set(&fault, KIT_ERR_FORGED,
			  "the machine answered without proving its PPS");
	}
	shut(a, d, &fault);
}

int attempt_doors_open(struct attempt *a, void (*on_doors)(struct attempt *a,
							   struct attempt_door *proved),
		       struct fault *fault)
{
	struct setup_login none = { .user = "admin" };
	struct fault why = { .code = 0 };
	int rc = setup_new(&a->setup, &a->uuid, &none, 1, fault);

	if (rc)
		return rc;
	a->on_doors = on_doors;
	/* None of them is over before all are open. */
	a->open_doors = a->n_doors + 1;
	for (size_t i = 0; i < a->n_doors; i++) {
		struct attempt_door *d = &a->doors[i];

		/* So many calls at a time are no more than there may be set-ups. */
		if (i && call_pool_calls(a->services.pool) >= a->services.config->max_setups) {
			a->open_doors -= a->n_doors - i;
			secret_wipe(d, (a->n_doors - i) * sizeof(*d));
			a->n_doors = i;
			break;
		}
		d->attempt = a;
		fault_clear(&why);
		if (d->fault.code)
			a->open_doors--;
		else if (open_door(a, d, &why))
			shut(a, d, &why);
	}
	if (--a->open_doors == 0)
		return fault_pass(fault, &a->doors[0].fault);
	return 0;
}

void attempt_doors_close(struct attempt *a)
{
	for (size_t i = 0; i < a->n_doors; i++)
		call_close(&a->doors[i].call);
}

void attempt_doors_free(struct attempt *a)
{
	attempt_doors_close(a);
	if (a->doors)
		secret_wipe(a->doors, a->n_doors * sizeof(*a->doors));
	free(a->doors);
	a->doors = NULL;
	a->n_doors = 0;
}
