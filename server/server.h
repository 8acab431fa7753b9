/* The daemon as a whole: sockets, map and set-ups tied together on one event loop. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "common/error.h"
#include "server/core/config.h"
#include "server/setup/fleet.h"
#include "server/hello/listener.h"

struct server;

/*
 * Open the map, listen, take up what was interrupted. CONFIG is moved into the server: the
 * caller's copy is wiped. PATH is the file it came from, which SIGHUP has read again.
 *
 * Returns 0 or the errors of keymap_open(), listener_open(), config_check().
 */
int server_new(struct server **out, struct config *config, const char *path,
	       struct fault *fault);

/* Run until SIGTERM, SIGINT, or the map is gone; SIGHUP reloads. Returns 0, or why it gave up. */
int server_run(struct server *s, struct fault *fault);

/* *s may be NULL. */
void server_free(struct server **s);

#endif
