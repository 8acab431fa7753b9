/* The variables of one record as a list that can be changed, put in order and written. */
#include "setupbin/varlist.h"

#include <stdlib.h>
#include <string.h>

#include "setupbin/order.h"

void sbin_varlist_free(struct sbin_varlist *l)
{
	free(l->items);
	*l = (struct sbin_varlist){ 0 };
}

void sbin_varlist_clear(struct sbin_varlist *l)
{
	l->count = 0;
}

static int insert(struct sbin_varlist *l, size_t at, const struct sbin_variable *v)
{
	if (l->count == l->room) {
		size_t room = l->room != 0 ? 2 * l->room : 16;
		struct sbin_variable *items = realloc(l->items, room * sizeof(*items));

		if (!items)
			return KIT_ERR_NOMEM;
		l->items = items;
		l->room = room;
	}
	memmove(l->items + at + 1, l->items + at, (l->count - at) * sizeof(*l->items));
	l->items[at] = *v;
	l->count++;
	return 0;
}

static void take_out(struct sbin_varlist *l, size_t at)
{
	l->count--;
	memmove(l->items + at, l->items + at + 1, (l->count - at) * sizeof(*l->items));
}

static bool same(const struct sbin_variable *v, uint16_t module, uint16_t id)
{
	return v->module == module && v->id == id;
}

static enum sbin_order class_of(const struct sbin_variable *v)
{
	return sbin_order_of(v->module, v->id);
}

int sbin_varlist_add(struct sbin_varlist *l, const struct sbin_variable *v)
{
	return insert(l, l->count, v);
}

int sbin_varlist_set(struct sbin_varlist *l, const struct sbin_variable *v)
{
	bool many = same(v, SBIN_AMT, SBIN_CERT_ADD), done = false;
	size_t at = 0;

	for (size_t i = 0; i < l->count && !many; i++) {
		if (!same(&l->items[i], v->module, v->id))
			continue;
		if (done)
			take_out(l, i--);
		else
			l->items[i] = *v;
		done = true;
	}
	if (done)
		return 0;
	while (at < l->count && !(sbin_order_after(class_of(v)) & class_of(&l->items[at])))
		at++;
	return insert(l, at, v);
}

size_t sbin_varlist_remove(struct sbin_varlist *l, uint16_t module, uint16_t id)
{
	size_t removed = 0;

	for (size_t i = 0; i < l->count;) {
		if (same(&l->items[i], module, id)) {
			take_out(l, i);
			removed++;
		} else {
			i++;
		}
	}
	return removed;
}

const struct sbin_variable *sbin_varlist_find(const struct sbin_varlist *l, uint16_t module,
					      uint16_t id)
{
	for (size_t i = 0; i < l->count; i++)
		if (same(&l->items[i], module, id))
			return &l->items[i];
	return NULL;
}

/* May the item at I come next, that is before all others from FIRST on? */
static bool may_come_next(const struct sbin_varlist *l, size_t first, size_t i)
{
	enum sbin_order class = class_of(&l->items[i]);

	for (size_t other = first; other < l->count; other++)
		if (other != i && (sbin_order_after(class_of(&l->items[other])) & class))
			return false;
	return true;
}

void sbin_varlist_order(struct sbin_varlist *l)
{
	/* The rules form no circle, so that one of those left may always come next. */
	for (size_t first = 0; first + 1 < l->count; first++) {
		struct sbin_variable v;
		size_t i = first;

		while (i + 1 < l->count && !may_come_next(l, first, i))
			i++;
		v = l->items[i];
		memmove(l->items + first + 1, l->items + first, (i - first) * sizeof(*l->items));
		l->items[first] = v;
	}
}

int sbin_varlist_read(struct sbin_varlist *l, const struct sbin_record *r, size_t *end)
{
	struct sbin_walk walk;
	struct sbin_variable v;
	int step, rc = 0;

	sbin_walk_begin(&walk, r);
	while (!rc && (step = sbin_walk_next(&walk, &v)) != 0)
		rc = step < 0 ? step : sbin_varlist_add(l, &v);
	if (end)
		*end = walk.r.error != 0 ? walk.r.error_at : walk.r.at;
	return rc;
}

int sbin_varlist_write(const struct sbin_varlist *l, struct sbin_record *r, struct fault *fault)
{
	size_t needed = SBIN_RECORD_HEADER;
	struct writer w;
	int rc = 0;

	sbin_record_begin(r, &w);
	for (size_t i = 0; i < l->count; i++)
		rc = sbin_record_append(r, &w, &l->items[i], &needed);
	if (!rc)
		return 0;
	fault_set(fault, rc, "record %lu needs %zu bytes, but its %zu chunks hold %zu\n"
		  "make the records longer (--chunks %zu), or leave variables out",
		  (unsigned long)r->number, needed, r->size / SBIN_CHUNK, r->size,
		  (needed + SBIN_CHUNK - 1) / SBIN_CHUNK);
	return rc;
}
