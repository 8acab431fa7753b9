/* Hand-over: machines that are set up, written to a file for the tool that manages them next. */
#include "server/admin/handover.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/outfile.h"
#include "common/secret.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"

struct handover_run {
	struct handover *h;
	const struct operator *op;
	struct outfile *file;
	struct fault *fault;
};

const char *const handover_formats[] = {
	[HANDOVER_CSV] = "csv", [HANDOVER_JSON] = "json", NULL,
};

/* A CSV field: quoted when it holds anything but plain characters. */
static int put_field(struct handover_run *j, const char *text, const char *end)
{
	int rc;

	if (!text[strcspn(text, "\",;\t\r\n ")]) {
		rc = outfile_write(j->file, text, strlen(text), j->fault);
	} else {
		rc = outfile_write(j->file, "\"", 1, j->fault);
		for (const char *p = text; !rc && *p; p++) {
			if (*p == '"')
				rc = outfile_write(j->file, "\"", 1, j->fault);
			if (!rc)
				rc = outfile_write(j->file, p, 1, j->fault);
		}
		if (!rc)
			rc = outfile_write(j->file, "\"", 1, j->fault);
	}
	return rc ? rc : outfile_write(j->file, end, strlen(end), j->fault);
}

/* The columns, in their order; those of secrets only with --secrets, the last with --earlier. */
enum column {
	UUID, FQDN, ADDRESS, VERSION, STATE, ADMIN_USER, ADMIN_PASSWORD, MEBX_PASSWORD,
	OTHER_ADMIN, OTHER_MEBX, UNTIL, COLUMNS
};

static const char *const names[COLUMNS] = {
	[UUID] = "uuid", [FQDN] = "fqdn", [ADDRESS] = "address", [VERSION] = "version",
	[STATE] = "state", [ADMIN_USER] = "admin_user", [ADMIN_PASSWORD] = "admin_password",
	[MEBX_PASSWORD] = "mebx_password", [OTHER_ADMIN] = "other_admin_password",
	[OTHER_MEBX] = "other_mebx_password", [UNTIL] = "until",
};

static bool wanted(const struct handover *h, int column)
{
	if (column >= ADMIN_PASSWORD && column <= OTHER_MEBX)
		return h->secrets;
	return column != UNTIL || h->earlier;
}

static int put_csv(struct handover_run *j, const char *const values[static COLUMNS])
{
	int last = COLUMNS - 1, rc = 0;

	while (!wanted(j->h, last))
		last--;
	for (int i = 0; !rc && i <= last; i++)
		if (wanted(j->h, i))
			rc = put_field(j, values[i], i == last ? "\n" : ",");
	return rc;
}

static int put_json(struct handover_run *j, const char *const values[static COLUMNS])
{
	const char *comma = j->h->rows ? ",\n  " : "\n  ";
	json_t *row = json_object();
	char *text;
	int rc;

	for (int i = 0; i < COLUMNS; i++)
		if (wanted(j->h, i))
			json_object_set_new(row, names[i], logentry_text(values[i]));
	text = json_dumps(row, JSON_COMPACT);
	if (!text)
		rc = fault_nomem(j->fault);
	else
		rc = outfile_write(j->file, comma, strlen(comma), j->fault);
	if (!rc)
		rc = outfile_write(j->file, text, strlen(text), j->fault);
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(row);
	return rc;
}

static int put_row(struct handover_run *j, const char *const values[static COLUMNS])
{
	int rc = j->h->format == HANDOVER_JSON ? put_json(j, values) : put_csv(j, values);

	j->h->rows++;
	return rc;
}

/* What the machine has for certain; else what it may have got. */
static const char *either(const char *present, const char *next)
{
	return present[0] ? present : next;
}

/* What it may have got instead: its set-up broke off, and how far it came is unknown. */
static const char *other(const char *present, const char *next)
{
	return present[0] && strcmp(present, next) != 0 ? next : "";
}

/*
 * The passwords that open the machine now: those that set-up gave it, or, where the profile
 * left them alone, the one that the stick's record gave it.
 */
static int passwords_of(struct handover_run *j, const struct system *s,
			struct system_secrets *out)
{
	struct keyentry entry;
	int rc = keymap_system_secrets(j->op->map, &s->uuid, out, j->fault);

	if (rc || !s->pid[0])
		return rc;
	rc = keymap_secrets(j->op->map, s->pid, &entry, j->fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		fault_clear(j->fault);
		return 0;
	}
	/* Until it was seen to take a new one, it may have that of the record. */
	if (!rc && !out->admin_password[0])
		memcpy(out->admin_password, entry.new_password, sizeof(out->admin_password));
	if (!rc && !either(out->mebx_password, out->next_mebx_password)[0])
		memcpy(out->mebx_password, entry.new_password, sizeof(out->mebx_password));
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static int put_earlier(void *context, const struct keymap_earlier *e)
{
	struct system_secrets secrets = { "", "", "", "" };
	char uuid[UUID_SHOWN + 1], until[CLOCK_TEXT + 1];
	struct handover_run *j = context;
	int rc = j->h->secrets ? keymap_earlier_secrets(j->op->map, e, &secrets, j->fault) : 0;

	uuid_show(&e->uuid, uuid);
	clock_show(e->time, until);
	if (!rc) {
		const char *const values[COLUMNS] = {
			uuid, "", e->address, "", "earlier", e->admin_user,
			either(secrets.admin_password, secrets.next_admin_password),
			either(secrets.mebx_password, secrets.next_mebx_password),
			other(secrets.admin_password, secrets.next_admin_password),
			other(secrets.mebx_password, secrets.next_mebx_password), until,
		};

		rc = put_row(j, values);
	}
	secret_wipe(&secrets, sizeof(secrets));
	return rc;
}

static int put_system(void *context, const struct system *s)
{
	struct system_secrets secrets = { "", "", "", "" };
	char uuid[UUID_SHOWN + 1];
	struct handover_run *j = context;
	int rc;

	/* One that waits for permission was set up: a mere hello takes it off no list. */
	if (!j->h->all && s->state != SYSTEM_CONFIGURED &&
	    (s->state != SYSTEM_NEEDS_PERMISSION || !s->configured_at))
		return 0;
	rc = j->h->secrets ? passwords_of(j, s, &secrets) : 0;
	uuid_show(&s->uuid, uuid);
	if (!rc) {
		const char *const values[COLUMNS] = {
			uuid, s->fqdn, s->address, s->version, system_state_word(s->state),
			s->admin_user,
			either(secrets.admin_password, secrets.next_admin_password),
			either(secrets.mebx_password, secrets.next_mebx_password),
			other(secrets.admin_password, secrets.next_admin_password),
			other(secrets.mebx_password, secrets.next_mebx_password), "",
		};

		rc = put_row(j, values);
	}
	secret_wipe(&secrets, sizeof(secrets));
	if (!rc && j->h->earlier)
		rc = keymap_earlier(j->op->map, &s->uuid, put_earlier, j, j->fault);
	return rc;
}

static int write_rows(struct handover_run *j)
{
	const struct keymap_system_filter filter = { 0 };
	const bool json = j->h->format == HANDOVER_JSON;
	int rc = json ? outfile_write(j->file, "[", 1, j->fault) : put_csv(j, names);

	if (!rc)
		rc = keymap_systems(j->op->map, &filter, put_system, j, j->fault);
	return rc || !json ? rc : outfile_write(j->file, "\n]\n", 3, j->fault);
}

int handover_write(struct handover *h, const struct operator *op, struct fault *fault)
{
	struct handover_run j = { .h = h, .op = op, .fault = fault };
	int rc = outfile_open(&j.file, h->path, OUTFILE_HOLD | (h->force ? OUTFILE_FORCE : 0),
			      fault);

	h->rows = 0;
	if (!rc)
		rc = keymap_spared(op->map, j.file, fault);
	if (!rc)
		rc = write_rows(&j);
	/* First the log has it, then the passwords are out. */
	if (!rc)
		rc = operator_log(op, h->secrets ? SEVERITY_SECURITY : SEVERITY_INFO,
				  "systems-exported", NULL, NULL, fault,
				  "%lu row%s of systems exported to %s%s", h->rows, plural(h->rows),
				  strcmp(h->path, "-") ? h->path : "standard output",
				  h->secrets ? ", with their passwords" : "");
	if (!rc)
		rc = outfile_commit(&j.file, fault);
	outfile_discard(&j.file);
	return rc;
}
