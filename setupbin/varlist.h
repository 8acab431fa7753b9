/* The variables of one record as a list that can be changed, put in order and written. */
#ifndef SETUPBIN_VARLIST_H
#define SETUPBIN_VARLIST_H

#include "setupbin/record.h"

/* Values are borrowed: they must outlive the list. */
struct sbin_varlist {
	struct sbin_variable *items;
	size_t count, room;
};

/* An empty list is { 0 }. */
void sbin_varlist_free(struct sbin_varlist *l);
/* Forget the items, keep the memory. */
void sbin_varlist_clear(struct sbin_varlist *l);

/* At the end. KIT_ERR_NOMEM. */
int sbin_varlist_add(struct sbin_varlist *l, const struct sbin_variable *v);
/*
 * Set a variable: the first one of its ids is replaced in its place and others of the
 * same ids are taken out; where there was none, it goes to the end, or to the last place
 * that the order rules allow. A certificate addition is always one more. KIT_ERR_NOMEM.
 */
int sbin_varlist_set(struct sbin_varlist *l, const struct sbin_variable *v);
/* Take all variables of these ids out. Returns how many there were. */
size_t sbin_varlist_remove(struct sbin_varlist *l, uint16_t module, uint16_t id);
/* NULL when it is not there. */
const struct sbin_variable *sbin_varlist_find(const struct sbin_varlist *l, uint16_t module,
					      uint16_t id);
/* Bring the items into the order that the rules demand, and else leave them as they stand. */
void sbin_varlist_order(struct sbin_varlist *l);

/*
 * The variables of R, borrowed from its data, after those that are in the list.
 * *end (may be NULL) receives the offset in the record at which the list of variables ends.
 * Returns 0, KIT_ERR_NOMEM, or KIT_ERR_TRUNCATED when an entry runs out of the record: those
 * before it are in the list then, and *end is that entry's offset.
 */
int sbin_varlist_read(struct sbin_varlist *l, const struct sbin_record *r, size_t *end);
/*
 * Append the items to R, begun by sbin_record_init(). KIT_ERR_RANGE with *fault naming the
 * bytes needed when they do not fit.
 */
int sbin_varlist_write(const struct sbin_varlist *l, struct sbin_record *r, struct fault *fault);

#endif
