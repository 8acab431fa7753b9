/* The order in which firmware wants the variables of a record. */
#include "setupbin/order.h"

#include <stddef.h>

#include "setupbin/variable.h"

enum sbin_order sbin_order_of(uint16_t module, uint16_t id)
{
	static const struct { uint16_t module, id; enum sbin_order class; } table[] = {
		{ SBIN_ME, SBIN_CURRENT_PASSWORD, SBIN_ORDER_CURRENT },
		{ SBIN_ME, SBIN_NEW_PASSWORD, SBIN_ORDER_NEW },
		{ SBIN_ME, SBIN_MANAGEABILITY, SBIN_ORDER_MANAGEABILITY },
		{ SBIN_AMT, SBIN_CERT_CONFIG, SBIN_ORDER_CERT_CONFIG },
		{ SBIN_AMT, SBIN_CERT_ADD, SBIN_ORDER_CERT_ADD },
		{ SBIN_AMT, SBIN_DNS_SUFFIX, SBIN_ORDER_SERVER },
		{ SBIN_AMT, SBIN_SERVER_FQDN, SBIN_ORDER_SERVER },
		{ SBIN_AMT, SBIN_SERVER_ADDRESS, SBIN_ORDER_SERVER },
		{ SBIN_AMT, SBIN_HALT_ACTIVATE, SBIN_ORDER_ACTIVATE },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].module == module && table[i].id == id)
			return table[i].class;
	return SBIN_ORDER_OTHER;
}

bool sbin_order_before_start(uint16_t module, uint16_t id)
{
	return module == SBIN_AMT &&
	       (id == SBIN_CERT_CONFIG || id == SBIN_CERT_ADD || id == SBIN_PUBLIC_ROOTS ||
		id == SBIN_REMOTE_CONFIG || id == SBIN_SERVER_PORT);
}

unsigned sbin_order_after(enum sbin_order class)
{
	const unsigned all = 2 * SBIN_ORDER_OTHER - 1;

	switch (class) {
	case SBIN_ORDER_CURRENT:
		return all & ~(unsigned)SBIN_ORDER_CURRENT;
	case SBIN_ORDER_NEW:
		return all & ~(unsigned)(SBIN_ORDER_CURRENT | SBIN_ORDER_NEW);
	case SBIN_ORDER_MANAGEABILITY:
		return all & ~(unsigned)(SBIN_ORDER_CURRENT | SBIN_ORDER_NEW |
					 SBIN_ORDER_MANAGEABILITY);
	case SBIN_ORDER_CERT_CONFIG:
		return SBIN_ORDER_CERT_ADD;
	case SBIN_ORDER_SERVER:
		return SBIN_ORDER_ACTIVATE;
	case SBIN_ORDER_CERT_ADD:
	case SBIN_ORDER_ACTIVATE:
	case SBIN_ORDER_OTHER:
		break;
	}
	return 0;
}
