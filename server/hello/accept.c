/* Who may come by certificate: the inventory, a person, or the address. */
#include "server/hello/accept.h"

#include <string.h>

#include "server/core/subnets.h"
#include "server/keymap/inventory.h"

/* A machine that the map holds something of: what a stranger says must not set it up again. */
static enum accept_verdict judge_settled(const struct config *config, const struct system *row,
					 const char *address)
{
	const char *target = *row->claimed_address ? row->claimed_address : row->address;

	if (row->vouched) {
		bool under_way = row->state == SYSTEM_QUEUED || row->state == SYSTEM_IN_SETUP ||
				 (row->state == SYSTEM_CONFIGURED && row->next_try);

		return under_way && strcmp(target, address) != 0 ? ACCEPT_ELSEWHERE : ACCEPT_YES;
	}
	if (config->reprovision == REPROVISION_NEVER)
		return ACCEPT_NEVER;
	if (row->credential == SYSTEM_BY_KEY)
		return ACCEPT_KNOWN_BY_KEY;
	return strcmp(row->address, address) == 0 ? ACCEPT_SET_UP : ACCEPT_MOVED;
}

static bool is_accepted(const struct config *config, const struct accept_answer *a,
			const char *address)
{
	if (a->listed || (a->known && a->row.vouched))
		return true;
	switch (config->pki_accept) {
	case PKI_ACCEPT_ANY:
		return true;
	case PKI_ACCEPT_SUBNET:
		return subnets_hold(config->pki_subnets, address);
	default:
		return false;
	}
}

int accept_by_certificate(const struct config *config, struct keymap *map,
			  const struct uuid *uuid, const char *address,
			  struct accept_answer *out, struct fault *fault)
{
	struct keymap_inventory listed;
	int rc = keymap_system_find(map, uuid, &out->row, fault);

	out->known = rc == 0;
	if (!rc || rc == KIT_ERR_NOT_FOUND)
		rc = keymap_inventory_find(map, uuid, &listed, fault);
	out->listed = rc == 0;
	if (rc && rc != KIT_ERR_NOT_FOUND)
		return rc;
	if (out->known && system_is_settled(&out->row))
		out->verdict = judge_settled(config, &out->row, address);
	else
		out->verdict = is_accepted(config, out, address) ? ACCEPT_YES : ACCEPT_NOT_KNOWN;
	return 0;
}
