/* Export: free keys out to a setup.bin, a list or both, no key twice. */
#include "server/admin/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "setupbin/file.h"

#define WHERE	256	/* bytes of the names of the files in map and log */

struct chosen {
	int64_t id;
	char pid[PID_LENGTH];
};

struct job {
	struct export *e;
	const struct operator *op;
	struct chosen *keys;
	size_t n, room;
	struct outfile *list, *setupbin;
	struct keywriter list_writer;
	struct sbin_writer *setupbin_writer;
	uint8_t record[SBIN_CHUNK];	/* SECRET */
};

static int choose(struct job *j, const struct keymap_pair *p)
{
	if (j->n == j->room) {
		size_t room = j->room ? j->room * 2 : 1024;
		struct chosen *more = realloc(j->keys, room * sizeof(*more));

		if (!more)
			return KIT_ERR_NOMEM;
		j->keys = more;
		j->room = room;
	}
	j->keys[j->n].id = p->id;
	memcpy(j->keys[j->n++].pid, p->pid, PID_LENGTH);
	return 0;
}

static int choose_each(void *context, const struct keymap_pair *p)
{
	return choose(context, p);
}

static int choose_some(struct job *j, struct fault *fault)
{
	const struct export *e = j->e;
	/* A machine that said hello with it has it, wherever from, even if nothing came of that. */
	const struct keymap_filter filter = { .now = j->op->now, .by_state = true,
					      .state = KEYMAP_FREE, .exported = e->again ? 0 : -1,
					      .unclaimed = !e->again, .batch = e->of_batch,
					      .limit = e->number };
	char only[32];
	int rc = keymap_each(j->op->map, &filter, choose_each, j, fault);

	if (rc)
		return fault_set(fault, rc, "cannot choose the keys");
	if (j->n && j->n >= e->number)
		return 0;
	snprintf(only, sizeof(only), "only %zu", j->n);
	return fault_set(fault, KIT_ERR_NOT_FOUND, "there %s %s free key%s%s%s; nothing was exported\n"
			 "import or generate more%s", j->n == 1 ? "is" : "are", j->n ? only : "no",
			 plural(j->n), e->of_batch ? " in that batch" : "",
			 e->again ? "" : " that never went out",
			 e->again ? "" : ", or give --again for keys that went out before");
}

/* A key that was named: what speaks against it is said. */
static int choose_named(struct job *j, const char *pid, struct fault *fault)
{
	char shown[PID_SHOWN + 1], went[EVENT_TIME + 1];
	struct keymap_pair pair;
	int rc = keymap_find(j->op->map, pid, j->op->now, &pair, fault);

	pidpps_show_pid(pid, shown);
	if (rc == KIT_ERR_NOT_FOUND)
		return fault_set(fault, rc, "%s is not in the map; nothing was exported", shown);
	if (rc)
		return rc;
	if (pair.state != KEYMAP_FREE)
		return fault_set(fault, KIT_ERR_STATE, "%s is %s; nothing was exported", shown,
				 keymap_state_word(pair.state));
	if (pair.exported && !j->e->again) {
		logentry_time(pair.exported_at, went);
		return fault_set(fault, KIT_ERR_STATE, "%s went out on %s (%s); nothing was "
				 "exported\n"
				 "give --again if that file or stick is gone", shown, went,
				 pair.exported_to);
	}
	if (pair.lapsed && !j->e->again) {
		logentry_time(pair.reserved_at, went);
		return fault_set(fault, KIT_ERR_STATE, "a machine said hello with %s on %s, so it "
				 "has gone out; nothing was exported\n"
				 "see whose it is (amt-provisionctl keys show %s); give --again if "
				 "that hello was forged", shown, went, shown);
	}
	for (size_t i = 0; i < j->n; i++)
		if (j->keys[i].id == pair.id)
			return fault_set(fault, KIT_ERR_ARGUMENT, "%s is named twice", shown);
	return choose(j, &pair) ? fault_nomem(fault) : 0;
}

static int choose_keys(struct job *j, struct fault *fault)
{
	int rc = 0;

	if (!j->e->n_pids)
		return choose_some(j, fault);
	for (size_t i = 0; !rc && i < j->e->n_pids; i++)
		rc = choose_named(j, j->e->pids[i], fault);
	return rc;
}

static int open_list(struct job *j, unsigned flags, struct fault *fault)
{
	/* Held back: what the map does not hold as exported is not out. */
	int rc = outfile_open(&j->list, j->e->list_path, flags | OUTFILE_HOLD, fault);

	return rc ? rc : keywriter_begin(&j->list_writer, j->list, j->e->format, fault);
}

static int open_setupbin(struct job *j, unsigned flags, struct fault *fault)
{
	struct sbin_header header;
	int rc = outfile_open(&j->setupbin, j->e->setupbin_path, flags, fault);

	if (!rc)
		rc = outfile_distinct(j->setupbin, j->list, fault);
	if (!rc)
		rc = sbin_header_make(&header, j->e->version, 0, (uint32_t)j->n, fault);
	return rc ? rc : sbin_writer_open(&j->setupbin_writer, j->setupbin, &header, fault);
}

static int open_files(struct job *j, struct fault *fault)
{
	unsigned flags = j->e->force ? OUTFILE_FORCE : 0;
	int rc = 0;

	if (j->e->list_path)
		rc = open_list(j, flags, fault);
	if (!rc && j->e->setupbin_path)
		rc = open_setupbin(j, flags, fault);
	if (!rc)
		rc = keymap_spared(j->op->map, j->list, fault);
	return rc ? rc : keymap_spared(j->op->map, j->setupbin, fault);
}

static int put(struct job *j, const struct keyentry *entry, uint32_t number, struct fault *fault)
{
	struct sbin_record record;
	int rc = 0;

	if (j->list)
		rc = keywriter_put(&j->list_writer, entry, fault);
	if (!rc && j->setupbin_writer) {
		sbin_record_init(&record, j->record, sizeof(j->record), number);
		rc = sbin_record_from_entry(&record, entry, j->e->scramble, fault);
		if (!rc)
			rc = sbin_writer_put(j->setupbin_writer, &record, fault);
	}
	if (rc)
		fault_context(fault, "PID %.4s-%.4s", entry->pair.pid, entry->pair.pid + 4);
	return rc;
}

static int write_each(struct job *j, int64_t batch, struct fault *fault)
{
	struct keyentry entry;
	int rc = 0;

	for (size_t i = 0; !rc && i < j->n; i++) {
		rc = keymap_secrets(j->op->map, j->keys[i].pid, &entry, fault);
		if (!rc)
			rc = put(j, &entry, (uint32_t)i + 1, fault);
		if (!rc)
			rc = keymap_mark_exported(j->op->map, j->keys[i].id, batch, fault);
		if (i % 1024 == 0 && j->e->progress)
			j->e->progress(j->e->context, i, j->n);
	}
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static int write_keys(struct job *j, struct fault *fault)
{
	const struct export *e = j->e;
	const bool both = e->setupbin_path && e->list_path;
	char where[WHERE];
	int64_t batch;
	int rc;

	snprintf(where, sizeof(where), "%s%s%s", e->setupbin_path ? e->setupbin_path : "",
		 both ? " and " : "", e->list_path ? e->list_path : "");
	rc = keymap_batch(j->op->map, "export", where, j->op->now, &batch, fault);
	if (!rc)
		rc = write_each(j, batch, fault);
	if (!rc && j->list)
		rc = keywriter_end(&j->list_writer, fault);
	if (!rc && j->setupbin_writer)
		rc = sbin_writer_end(&j->setupbin_writer, fault);
	return rc ? rc : operator_log(j->op, SEVERITY_INFO, "keys-exported",
				      j->n == 1 ? j->keys[0].pid : NULL, NULL, fault,
				      "%zu key%s exported to %s (batch %" PRId64 ")", j->n,
				      plural(j->n), where, batch);
}

/* The marks are durable: now the files may appear. */
static int let_out(struct job *j, struct fault *fault)
{
	int rc = keymap_commit(j->op->map, fault);
	bool written;

	if (rc)
		return rc;
	if (j->setupbin)
		rc = outfile_commit(&j->setupbin, fault);
	written = j->e->setupbin_path && !rc;
	if (!rc && j->list)
		rc = outfile_commit(&j->list, fault);
	/* A second setup.bin would give the keys to machines twice. */
	if (rc && written)
		fault_hint(fault, "%s is written; fix this and export the list alone, with --again",
			   j->e->setupbin_path);
	else if (rc)
		fault_hint(fault, "fix this and export again with --again: the keys are marked "
			   "exported, though not all files are written");
	return rc;
}

int export_keys(struct export *e, const struct operator *op, struct fault *fault)
{
	struct job j = { .e = e, .op = op };
	/* Nobody may reserve or export one of them meanwhile. */
	int rc = keymap_begin(op->map, fault);

	e->exported = 0;
	if (!rc)
		rc = choose_keys(&j, fault);
	if (!rc)
		rc = open_files(&j, fault);
	if (!rc)
		rc = write_keys(&j, fault);
	if (!rc)
		rc = let_out(&j, fault);
	if (!rc)
		e->exported = j.n;
	keymap_rollback(op->map);
	sbin_writer_discard(&j.setupbin_writer);
	outfile_discard(&j.list);
	outfile_discard(&j.setupbin);
	free(j.keys);
	secret_wipe(j.record, sizeof(j.record));
	return rc;
}
