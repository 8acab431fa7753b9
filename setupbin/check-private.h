/* What the parts of the checker share; its outside is setupbin/check.h. */
#ifndef SETUPBIN_CHECK_PRIVATE_H
#define SETUPBIN_CHECK_PRIVATE_H

#include "keygen/pidset.h"
#include "setupbin/check.h"

struct sbin_checker {
	void (*found)(void *context, const struct sbin_finding *finding);
	void *context;
	struct sbin_summary *summary;
	const struct sbin_header *header;
	struct pidset *pids;
	unsigned modules;	/* bits 0 and 1: modules 1 and 2 are in the header's list */
	unsigned modules_reported;	/* those whose absence has been reported */
	unsigned long keys;	/* records with a PID or PPS */

	/* The record at hand; number 0 for the header and the file. */
	uint32_t number;
	uint64_t offset;	/* of the record in the file, bytes */
	bool past;		/* consumed: what is wrong in it harms no machine any more */
};

/*
 * Report: AT is the offset in the file. An error or warning in a consumed record is only noted.
 * The hint may be NULL.
 */
void sbin_report(struct sbin_checker *c, enum sbin_severity severity, uint64_t at,
		 const char *variable, const char *rule, const char *hint, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* The variables of the record at hand, and what follows them. KIT_ERR_NOMEM. */
int sbin_check_body(struct sbin_checker *c, const struct sbin_record *r, struct fault *fault);

/* One variable for itself: length, version, value. AT is its offset in the file. */
void sbin_check_value(struct sbin_checker *c, const struct sbin_known *k,
		      const struct sbin_variable *v, uint64_t at);

/* Are these N bytes all zero? If not, *at receives the index of the first that is not. */
bool sbin_all_zero(const uint8_t *data, size_t n, size_t *at);

#endif
