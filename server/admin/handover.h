/* Hand-over: machines that are set up, written to a file for the tool that manages them next. */
#ifndef SERVER_ADMIN_HANDOVER_H
#define SERVER_ADMIN_HANDOVER_H

#include <stdbool.h>

#include "server/admin/operator.h"

enum handover_format { HANDOVER_CSV, HANDOVER_JSON };

/* Their words, "csv" and "json", ended by NULL. */
extern const char *const handover_formats[];

struct handover {
	const char *path;	/* 0600; "-": standard output */
	enum handover_format format;
	bool secrets;		/* with the passwords, which the log says */
	bool earlier;		/* also rows with the passwords that machines had before */
	bool all;		/* also machines that are not set up */
	bool force;		/* replace a file that exists */

	unsigned long rows;	/* written */
};

/*
 * One row (CSV with a header line, or an array of objects) for each machine: uuid, fqdn,
 * address, version, state, admin_user; with secrets admin_password, mebx_password and, of a
 * set-up that broke off, those that the machine may have got instead (other_admin_password,
 * other_mebx_password); with earlier until, the time when others took their place.
 * The file appears once the log has the export. Errors of the map and of output files.
 */
int handover_write(struct handover *h, const struct operator *op, struct fault *fault);

#endif
