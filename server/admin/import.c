/* Import: lists of pairs of every kind into the map, each list whole or not at all. */
#include "server/admin/import.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "setupbin/source.h"

#define HELD	65536	/* entries sorted at a time: see hold() */

struct held_entry {
	struct keyentry entry;	/* SECRET */
	unsigned long line;
};

struct import_run {
	struct import *im;
	const struct operator *op;
	int64_t batch;
	struct held_entry *held;
	size_t n_held;
};

static void bad_line(struct import *im, const struct keyproblem *problem, const char *pid)
{
	im->bad++;
	if (im->bad_line)
		im->bad_line(im->context, problem, pid);
}

static void conflict(struct import *im, unsigned long line, const char *pid)
{
	char shown[PID_SHOWN + 1], rule[120];
	const struct keyproblem problem = { .line = line, .field = "pid",
					    .code = KIT_ERR_DUPLICATE, .rule = rule };

	pidpps_show_pid(pid, shown);
	snprintf(rule, sizeof(rule),
		 "%s is in the map, or further up in the file, with another PPS", shown);
	im->other_pps++;
	bad_line(im, &problem, pid);
}

static int take(struct import_run *j, const struct held_entry *h, struct fault *fault)
{
	enum keymap_added added = KEYMAP_ADDED;
	struct import *im = j->im;
	int rc;

	/* Once the list is refused, the rest is read for its bad lines alone. */
	if (im->bad && !im->skip_bad)
		return 0;
	if (j->op->map) {
		rc = keymap_add(j->op->map, &h->entry, j->batch, &added, fault);
		if (rc == KIT_ERR_DUPLICATE) {
			conflict(im, h->line, h->entry.pair.pid);
			return 0;
		}
		if (rc)
			return rc;
	}
	switch (added) {
	case KEYMAP_ADDED:
		im->added++;
		im->without_password += !h->entry.new_password[0];
		break;
	case KEYMAP_SAME:
		im->same++;
		break;
	case KEYMAP_COMPLETED:
		im->completed++;
		break;
	case KEYMAP_DIFFERS:
		im->other_password++;
		break;
	}
	return 0;
}

static int by_pid(const void *a, const void *b)
{
	const struct held_entry *x = a, *y = b;
	int order = memcmp(x->entry.pair.pid, y->entry.pair.pid, PID_LENGTH);

	return order ? order : x->line < y->line ? -1 : 1;
}

/* Hand on what is held. */
static int release(struct import_run *j, struct fault *fault)
{
	int rc = 0;

	/* Only a long list: a short one keeps its order in the map. */
	if (j->n_held == HELD)
		qsort(j->held, j->n_held, sizeof(*j->held), by_pid);
	for (size_t i = 0; !rc && i < j->n_held; i++)
		rc = take(j, &j->held[i], fault);
	secret_wipe(j->held, j->n_held * sizeof(*j->held));
	j->n_held = 0;
	return rc;
}

/*
 * Hold an entry back until there are many, so that they go into the index in its own
 * order: a third of the time of a long import is its jumping about there otherwise.
 */
static int hold(struct import_run *j, const struct keyentry *entry, unsigned long line,
		struct fault *fault)
{
	j->held[j->n_held++] = (struct held_entry){ *entry, line };
	return j->n_held == HELD ? release(j, fault) : 0;
}

static void progress(const struct import *im, FILE *file, uint64_t size, unsigned long lines)
{
	if (im->progress)
		im->progress(im->context, size ? (uint64_t)ftello(file) : lines, size);
}

static int read_list(struct import_run *j, FILE *file, struct keysource *source,
		     struct fault *fault)
{
	struct import *im = j->im;
	struct keyproblem bad;
	struct keyentry entry;
	struct stat st;
	uint64_t size = fstat(fileno(file), &st) == 0 && S_ISREG(st.st_mode)
		? (uint64_t)st.st_size : 0;
	int rc;

	progress(im, file, size, 0);
	while ((rc = keysource_next(source, &entry, &bad, fault)) != 0) {
		if (rc == KIT_ERR_FORMAT && !fault->code) {
			bad_line(im, &bad, "");
			continue;
		}
		if (rc < 0)
			break;
		rc = hold(j, &entry, source->counts.lines, fault);
		if (rc)
			break;
		if (source->counts.lines % 4096 == 0)
			progress(im, file, size, source->counts.lines);
	}
	secret_wipe(&entry, sizeof(entry));
	if (!rc)
		rc = release(j, fault);
	im->lines = source->counts.lines;
	im->lower_case = source->counts.folded;
	im->wiped = source->counts.wiped;
	return rc;
}

/* What happened to the list, in the map's log: part of the same transaction. */
static int note(const struct import *im, const struct operator *op, struct fault *fault)
{
	return operator_log(op, SEVERITY_INFO, "keys-imported", NULL, NULL, fault,
			    "%lu key%s imported from %s (%s), %lu in the map already, %lu left out",
			    im->added, plural(im->added), im->name, im->kind,
			    im->same + im->completed + im->other_password, im->bad);
}

static int import_source(struct import_run *j, FILE *file, struct keysource *source,
			 struct fault *fault)
{
	const struct operator *op = j->op;
	struct import *im = j->im;
	int rc = 0;

	im->kind = source->kind;
	j->held = malloc(HELD * sizeof(*j->held));
	if (!j->held)
		return fault_nomem(fault);
	if (op->map)
		rc = keymap_begin(op->map, fault);
	if (!rc && op->map)
		rc = keymap_batch(op->map, "import", im->name, op->now, &j->batch, fault);
	if (!rc)
		rc = read_list(j, file, source, fault);
	if (!rc && op->map && !im->dry_run && (!im->bad || im->skip_bad)) {
		rc = note(im, op, fault);
		if (!rc)
			rc = keymap_commit(op->map, fault);
	}
	if (op->map)
		keymap_rollback(op->map);
	secret_wipe(j->held, j->n_held * sizeof(*j->held));
	free(j->held);
	return rc;
}

int import_keys(struct import *im, const struct operator *op, FILE *file, struct fault *fault)
{
	struct import_run job = { .im = im, .op = op };
	struct keysource *source = NULL;
	int rc;

	im->columns = NULL;
	rc = sbin_source_open(&source, file, im->name, im->wanted, im->n_wanted, fault);
	if (!rc && source->columns && !(im->columns = strdup(source->columns)))
		rc = fault_nomem(fault);
	if (!rc)
		rc = import_source(&job, file, source, fault);
	im->good = !rc && (!im->bad || im->skip_bad);
	if (!im->good)
		im->added = im->same = im->completed = im->other_password =
			im->without_password = 0;
	if (rc)
		fault_hint(fault, "nothing of %s was imported", im->name);
	keysource_free(&source);
	return rc;
}
