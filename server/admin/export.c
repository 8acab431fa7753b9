/* Export: free keys out to a setup.bin, a list or both, no key twice. */
#include "server/admin/export.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"

#define WHERE	256	/* bytes of the names of the files in map and log */

struct chosen {
	int64_t id;
	char pid[PID_LENGTH];
};

struct export_run {
	struct export *e;
	const struct operator *op;
	struct chosen *keys;
	size_t n, room;
};

static int choose(struct export_run *j, const struct keymap_pair *p)
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

static int choose_some(struct export_run *j, struct fault *fault)
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
	return fault_set(fault, KIT_ERR_NOT_FOUND,
			 "there %s %s free key%s%s%s; nothing was exported\n"
			 "import or generate more%s",
			 j->n == 1 ? "is" : "are", j->n ? only : "no", plural(j->n),
			 e->of_batch ? " in that batch" : "",
			 e->again ? "" : " that never went out",
			 e->again ? "" : ", or give --again for keys that went out before");
}

/* A key that was named: what speaks against it is said. */
static int choose_named(struct export_run *j, const char *pid, struct fault *fault)
{
	char shown[PID_SHOWN + 1], went[CLOCK_TEXT + 1];
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
		clock_show(pair.exported_at, went);
		return fault_set(fault, KIT_ERR_STATE, "%s went out on %s (%s); nothing was "
				 "exported\n"
				 "give --again if that file or stick is gone", shown, went,
				 pair.exported_to);
	}
	if (pair.lapsed && !j->e->again) {
		clock_show(pair.reserved_at, went);
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

static int choose_keys(struct export_run *j, struct fault *fault)
{
	int rc = 0;

	if (!j->e->n_pids)
		return choose_some(j, fault);
	for (size_t i = 0; !rc && i < j->e->n_pids; i++)
		rc = choose_named(j, j->e->pids[i], fault);
	return rc;
}

static int open_files(struct export_run *j, struct fault *fault)
{
	int rc = keyoutput_open(&j->e->output, (uint32_t)j->n, fault);

	if (!rc)
		rc = keymap_spared(j->op->map, j->e->output.list, fault);
	return rc ? rc : keymap_spared(j->op->map, j->e->output.setupbin, fault);
}

static int write_each(struct export_run *j, int64_t batch, struct fault *fault)
{
	struct keyentry entry;
	int rc = 0;

	for (size_t i = 0; !rc && i < j->n; i++) {
		rc = keymap_secrets(j->op->map, j->keys[i].pid, &entry, fault);
		if (!rc)
			rc = keyoutput_put(&j->e->output, &entry, fault);
		if (!rc)
			rc = keymap_mark_exported(j->op->map, j->keys[i].id, batch, fault);
		if (i % 1024 == 0 && j->e->progress)
			j->e->progress(j->e->context, i, j->n);
	}
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static int write_keys(struct export_run *j, struct fault *fault)
{
	struct keyoutput *out = &j->e->output;
	const bool both = out->setupbin_path && out->list_path;
	char where[WHERE];
	int64_t batch;
	int rc;

	snprintf(where, sizeof(where), "%s%s%s", out->setupbin_path ? out->setupbin_path : "",
		 both ? " and " : "", out->list_path ? out->list_path : "");
	rc = keymap_batch(j->op->map, "export", where, j->op->now, &batch, fault);
	if (!rc)
		rc = write_each(j, batch, fault);
	if (!rc)
		rc = keyoutput_end(out, fault);
	return rc ? rc : operator_log(j->op, SEVERITY_INFO, "keys-exported",
				      j->n == 1 ? j->keys[0].pid : NULL, NULL, fault,
				      "%zu key%s exported to %s (batch %" PRId64 ")", j->n,
				      plural(j->n), where, batch);
}

/* The marks are durable: now the files may appear. */
static int let_out(struct export_run *j, struct fault *fault)
{
	struct keyoutput *out = &j->e->output;
	int rc = keymap_commit(j->op->map, fault);

	if (rc)
		return rc;
	rc = keyoutput_commit(out, fault);
	/* A second setup.bin would give the keys to machines twice. */
	if (rc && out->made_setupbin)
		fault_hint(fault, "%s is written; fix this and export the list alone, with --again",
			   out->setupbin_path);
	else if (rc)
		fault_hint(fault, "fix this and export again with --again: the keys are marked "
			   "exported, though not all files are written");
	return rc;
}

int export_keys(struct export *e, const struct operator *op, struct fault *fault)
{
	struct export_run j = { .e = e, .op = op };
	/* Nobody may reserve or export one of them meanwhile. */
	int rc = keymap_begin(op->map, fault);

	e->exported = 0;
	/* Held back: what the map does not hold as exported is not out. */
	e->output.hold = true;
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
	keyoutput_discard(&e->output);
	free(j.keys);
	return rc;
}
