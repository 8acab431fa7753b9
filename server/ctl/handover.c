/* amt-provisionctl systems export: machines that are set up, for whoever manages them next. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/outfile.h"
#include "common/secret.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"

const struct cli_option ctl_systems_export_options[] = {
	CTL_MAP_OPTIONS,
	{ "output", 'o', "FILE", "write to FILE, 0600 ('-': standard output)",
	  CLI_FILE | CLI_REQUIRED, 0 },
	{ "format", 'f', "FORMAT", "csv (default) or json", 0, 0 },
	{ "secrets", 0, NULL, "with the passwords: logged", 0, 0 },
	{ "all", 'a', NULL, "also machines that are not set up", 0, 0 },
	{ "earlier", 0, NULL, "also passwords that machines had before, with the time when others"
	  " took their place", 0, 0 },
	{ "force", 0, NULL, "replace a file that exists", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct handover {
	struct keymap *m;
	struct outfile *file;
	bool json, secrets, earlier;
	unsigned long rows;
	struct fault *fault;
};

/* A CSV field: quoted when it holds anything but plain characters. */
static int put_field(struct handover *h, const char *text, const char *end)
{
	int rc = 0;

	if (!text[strcspn(text, "\",;\t\r\n ")])
		rc = outfile_write(h->file, text, strlen(text), h->fault);
	else {
		rc = outfile_write(h->file, "\"", 1, h->fault);
		for (const char *p = text; !rc && *p; p++) {
			if (*p == '"')
				rc = outfile_write(h->file, "\"", 1, h->fault);
			if (!rc)
				rc = outfile_write(h->file, p, 1, h->fault);
		}
		if (!rc)
			rc = outfile_write(h->file, "\"", 1, h->fault);
	}
	return rc ? rc : outfile_write(h->file, end, strlen(end), h->fault);
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

static int put_csv(struct handover *h, const char *const values[static COLUMNS])
{
	int last = COLUMNS - 1, rc = 0;

	while (!wanted(h, last))
		last--;
	for (int i = 0; !rc && i <= last; i++)
		if (wanted(h, i))
			rc = put_field(h, values[i], i == last ? "\n" : ",");
	return rc;
}

static int put_json(struct handover *h, const char *const values[static COLUMNS])
{
	const char *comma = h->rows ? ",\n  " : "\n  ";
	json_t *row = json_object();
	char *text;
	int rc;

	for (int i = 0; i < COLUMNS; i++)
		if (wanted(h, i))
			json_object_set_new(row, names[i], logentry_text(values[i]));
	text = json_dumps(row, JSON_COMPACT);
	if (!text)
		rc = fault_set(h->fault, KIT_ERR_NOMEM, "cannot make the JSON output");
	else
		rc = outfile_write(h->file, comma, strlen(comma), h->fault);
	if (!rc)
		rc = outfile_write(h->file, text, strlen(text), h->fault);
	if (text)
		secret_wipe(text, strlen(text));
	free(text);
	json_decref(row);
	return rc;
}

static int put_row(struct handover *h, const char *const values[static COLUMNS])
{
	int rc = h->json ? put_json(h, values) : put_csv(h, values);

	h->rows++;
	return rc;
}

/* What the machine has for certain; else what it may have got. */
static const char *either(const char *present, const char *next)
{
	return present[0] ? present : next;
}

/* What it may have got instead: its set-up broke off, and nobody knows how far it came. */
static const char *other(const char *present, const char *next)
{
	return present[0] && strcmp(present, next) != 0 ? next : "";
}

/*
 * The passwords that open the machine now: those that set-up gave it, or, where the profile
 * left them alone, the one that the stick's record gave it.
 */
static int passwords_of(struct handover *h, const struct system *s,
			struct system_secrets *out)
{
	struct keyentry entry;
	int rc = keymap_system_secrets(h->m, &s->uuid, out, h->fault);

	if (rc || !s->pid[0])
		return rc;
	rc = keymap_secrets(h->m, s->pid, &entry, h->fault);
	if (rc == KIT_ERR_NOT_FOUND) {
		fault_clear(h->fault);
		return 0;
	}
	if (!rc && !either(out->admin_password, out->next_admin_password)[0])
		memcpy(out->admin_password, entry.new_password, sizeof(out->admin_password));
	if (!rc && !either(out->mebx_password, out->next_mebx_password)[0])
		memcpy(out->mebx_password, entry.new_password, sizeof(out->mebx_password));
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static int put_earlier(void *context, const struct keymap_earlier *e)
{
	struct system_secrets secrets = { "", "", "", "" };
	char uuid[UUID_SHOWN + 1], until[EVENT_TIME + 1];
	struct handover *h = context;
	int rc = h->secrets ? keymap_earlier_secrets(h->m, e, &secrets, h->fault) : 0;

	uuid_show(&e->uuid, uuid);
	logentry_time(e->time, until);
	if (!rc) {
		const char *const values[COLUMNS] = {
			uuid, "", e->address, "", "earlier", e->admin_user,
			either(secrets.admin_password, secrets.next_admin_password),
			either(secrets.mebx_password, secrets.next_mebx_password),
			other(secrets.admin_password, secrets.next_admin_password),
			other(secrets.mebx_password, secrets.next_mebx_password), until,
		};

		rc = put_row(h, values);
	}
	secret_wipe(&secrets, sizeof(secrets));
	return rc;
}

static int put_system(void *context, const struct system *s)
{
	struct system_secrets secrets = { "", "", "", "" };
	char uuid[UUID_SHOWN + 1];
	struct handover *h = context;
	int rc = h->secrets ? passwords_of(h, s, &secrets) : 0;

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

		rc = put_row(h, values);
	}
	secret_wipe(&secrets, sizeof(secrets));
	if (!rc && h->earlier)
		rc = keymap_earlier(h->m, &s->uuid, put_earlier, h, h->fault);
	return rc;
}

static int begin(struct handover *h)
{
	return h->json ? outfile_write(h->file, "[", 1, h->fault) : put_csv(h, names);
}

int ctl_systems_export(struct cli *cli)
{
	const char *path = cli_value(cli, "output"), *format = cli_value(cli, "format");
	struct keymap_system_filter filter = { .by_state = !cli_has(cli, "all"),
					       .state = SYSTEM_CONFIGURED };
	struct fault fault = { 0 };
	struct handover h = { .secrets = cli_has(cli, "secrets"),
			      .earlier = cli_has(cli, "earlier"), .fault = &fault };
	int rc;

	if (format && strcmp(format, "csv") && strcmp(format, "json"))
		return cli_misuse(cli, "--format: \"%s\" is none of csv, json", format);
	h.json = format && format[0] == 'j';
	rc = ctl_open(cli, 0, &h.m, &fault);
	if (!rc)
		rc = outfile_open(&h.file, path,
				  OUTFILE_HOLD | (cli_has(cli, "force") ? OUTFILE_FORCE : 0),
				  &fault);
	if (!rc)
		rc = keymap_spared(h.m, h.file, &fault);
	if (!rc)
		rc = begin(&h);
	if (!rc)
		rc = keymap_systems(h.m, &filter, put_system, &h, &fault);
	if (!rc && h.json)
		rc = outfile_write(h.file, "\n]\n", 3, &fault);
	/* First the log knows, then the passwords are out. */
	if (!rc)
		rc = ctl_log(h.m, h.secrets ? SEVERITY_SECURITY : SEVERITY_INFO, "systems-exported",
			     NULL, NULL, &fault, "%lu row%s of systems exported to %s%s", h.rows,
			     plural(h.rows), strcmp(path, "-") ? path : "standard output",
			     h.secrets ? ", with their passwords" : "");
	if (!rc)
		rc = outfile_commit(&h.file, &fault);
	if (!rc)
		cli_note(cli, "%lu row%s exported%s", h.rows, plural(h.rows),
			 h.secrets ? ", with passwords" : "");
	outfile_discard(&h.file);
	keymap_close(&h.m);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}
