/* The order in which firmware wants the variables of a record. */
#ifndef SETUPBIN_ORDER_H
#define SETUPBIN_ORDER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Every variable is of one class; sbin_order_after() says which classes may not come
 * before it. The rules, from MeshCentral's notes and Intel's documents:
 *   - a record begins with the current password, the new password and the
 *     manageability feature, those of them that are there;
 *   - user defined certificates are configured (2/7) before one is added (2/8);
 *   - DNS suffix, server name and server address (2/3, 2/4, 2/17) come before the
 *     provisioning halt/activate command (2/28).
 * What else says whom the machine trusts and where it says hello should come before 2/28, too
 * (sbin_order_before_start()): from there on the machine acts by what it has.
 */
enum sbin_order {
	SBIN_ORDER_CURRENT = 1,
	SBIN_ORDER_NEW = 2,
	SBIN_ORDER_MANAGEABILITY = 4,
	SBIN_ORDER_CERT_CONFIG = 8,
	SBIN_ORDER_CERT_ADD = 16,
	SBIN_ORDER_SERVER = 32,
	SBIN_ORDER_ACTIVATE = 64,
	SBIN_ORDER_OTHER = 128,
};

enum sbin_order sbin_order_of(uint16_t module, uint16_t id);
/* The classes, or'ed, that have to come after CLASS. */
unsigned sbin_order_after(enum sbin_order class);
/* Is the variable about the certificates or the server that provisioning starts with? */
bool sbin_order_before_start(uint16_t module, uint16_t id);

#endif
