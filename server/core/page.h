/* One page of text by HTTP, for programs that read counters. */
#ifndef SERVER_CORE_PAGE_H
#define SERVER_CORE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "server/core/address.h"
#include "server/core/config.h"

struct evbuffer;
struct event_base;

#define PAGE_HEAD	8192	/* bytes of a request's head */
#define PAGE_SECONDS	10	/* for a request and its answer */
#define PAGE_CLIENTS	64	/* connections; one more closes the oldest */

struct page_source {
	const char *path;	/* "/metrics"; any other is not found */
	const char *type;	/* of its content */
	void (*fill)(void *context, struct evbuffer *out);
	void *context;
};

/*
 * Serve SOURCE, whose strings are borrowed, on ADDRESSES. Each connection has one request. Returns
 * 0, KIT_ERR_BUSY (another program listens there), or KIT_ERR_NOMEM.
 */
struct page;
int page_new(struct page **out, struct event_base *base, const struct config_addresses *addresses,
	     const struct page_source *source, struct fault *fault);
/* *p may be NULL. */
void page_free(struct page **p);

/* Where it is served, for address I: the address, and its port; 0: none. */
uint16_t page_where(const struct page *p, size_t i, char address[static ADDRESS_TEXT + 1]);

/*
 * The status of an answer to the request that begins with the N bytes at DATA, if PATH is all there
 * is: 200, 400, 404, 405, 431; 0: its head is not complete yet.
 */
int page_status(const char *data, size_t n, const char *path);

#endif
