/* amt-provisionctl systems export: machines that are set up, for whoever manages them next. */
#include "server/amt-provisionctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keygen/outfile.h"
#include "keygen/secret.h"

const struct cli_option ctl_systems_export_options[] = {
	CTL_MAP_OPTIONS,
	{ "output", 'o', "FILE", "write to FILE, 0600 ('-': standard output)",
	  CLI_FILE | CLI_REQUIRED, 0 },
	{ "format", 'f', "FORMAT", "csv (default) or json", 0, 0 },
	{ "secrets", 0, NULL, "with the passwords: logged", 0, 0 },
	{ "all", 'a', NULL, "also machines that are not set up", 0, 0 },
	{ "force", 0, NULL, "replace a file that exists", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

struct handover {
	struct keymap *m;
	struct outfile *file;
	bool json, secrets;
	unsigned long rows;
	struct fault *fault;
};

/* A CSV field: quoted when it holds anything but plain characters. */
static int put_field(struct handover *h, const char *text, const char *end)
{
	int rc = KIT_OK;

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

static int put_csv(struct handover *h, const struct system *s, const char *password)
{
	char uuid[UUID_SHOWN + 1];
	int rc;

	uuid_show(&s->uuid, uuid);
	rc = put_field(h, uuid, ",");
	if (!rc)
		rc = put_field(h, s->fqdn, ",");
	if (!rc)
		rc = put_field(h, s->address, ",");
	if (!rc)
		rc = put_field(h, s->version, ",");
	if (!rc)
		rc = put_field(h, system_state_word(s->state), ",");
	if (!rc)
		rc = put_field(h, s->admin_user, h->secrets ? "," : "\n");
	if (!rc && h->secrets)
		rc = put_field(h, password, "\n");
	return rc;
}

static int put_json(struct handover *h, const struct system *s, const char *password)
{
	const char *comma = h->rows ? ",\n  " : "\n  ";
	json_t *row = system_json(s);
	char *text = NULL;
	int rc;

	if (row && h->secrets)
		json_object_set_new(row, "admin_password",
				    password[0] ? json_string(password) : json_null());
	text = row ? json_dumps(row, JSON_COMPACT) : NULL;
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

/*
 * The password that opens the machine now: the one that set-up gave its admin account, or,
 * where the profile left that alone, the one that the stick's record gave it.
 */
static int password_of(struct handover *h, const struct system *s,
		       char out[static PASSWORD_MAX + 1])
{
	struct system_secrets secrets;
	struct keyentry entry;
	int rc;

	out[0] = 0;
	rc = keymap_system_secrets(h->m, &s->uuid, &secrets, h->fault);
	if (!rc)
		memcpy(out, secrets.admin_password, PASSWORD_MAX + 1);
	secret_wipe(&secrets, sizeof(secrets));
	if (rc || out[0] || !s->pid[0])
		return rc;
	rc = keymap_secrets(h->m, s->pid, &entry, h->fault);
	if (!rc)
		memcpy(out, entry.new_password, PASSWORD_MAX + 1);
	secret_wipe(&entry, sizeof(entry));
	if (rc == KIT_ERR_NOT_FOUND) {
		fault_clear(h->fault);
		rc = KIT_OK;
	}
	return rc;
}

static int put_system(void *context, const struct system *s)
{
	struct handover *h = context;
	char password[PASSWORD_MAX + 1] = "";
	int rc = h->secrets ? password_of(h, s, password) : KIT_OK;

	if (!rc)
		rc = h->json ? put_json(h, s, password) : put_csv(h, s, password);
	secret_wipe(password, sizeof(password));
	h->rows++;
	return rc;
}

static int begin(struct handover *h)
{
	const char *text = h->json ? "[" : h->secrets
		? "uuid,fqdn,address,version,state,admin_user,admin_password\n"
		: "uuid,fqdn,address,version,state,admin_user\n";

	return outfile_write(h->file, text, strlen(text), h->fault);
}

int ctl_systems_export(struct cli *cli)
{
	const char *path = cli_value(cli, "output"), *format = cli_value(cli, "format");
	struct keymap_system_filter filter = { .by_state = !cli_has(cli, "all"),
					       .state = SYSTEM_CONFIGURED };
	struct fault fault = { 0 };
	struct handover h = { .secrets = cli_has(cli, "secrets"), .fault = &fault };
	int rc;

	if (format && strcmp(format, "csv") && strcmp(format, "json"))
		return cli_misuse(cli, "--format: \"%s\" is none of csv, json", format);
	h.json = format && format[0] == 'j';
	rc = ctl_open(cli, 0, &h.m, &fault);
	if (!rc)
		rc = outfile_open(&h.file, path,
				  OUTFILE_HOLD | (cli_has(cli, "force") ? OUTFILE_FORCE : 0), &fault);
	if (!rc)
		rc = begin(&h);
	if (!rc)
		rc = keymap_systems(h.m, &filter, put_system, &h, &fault);
	if (!rc && h.json)
		rc = outfile_write(h.file, "\n]\n", 3, &fault);
	/* First the log knows, then the passwords are out. */
	if (!rc)
		rc = ctl_log(h.m, h.secrets ? EVENT_SECURITY : EVENT_INFO, "systems-exported", NULL,
			     NULL, &fault, "%lu system%s exported to %s%s", h.rows, ctl_s(h.rows), path,
			     h.secrets ? ", with their passwords" : "");
	if (!rc)
		rc = outfile_commit(&h.file, &fault);
	if (!rc)
		cli_note(cli, "%lu system%s exported%s", h.rows, ctl_s(h.rows), h.secrets ? ", with passwords" : "");
	outfile_discard(&h.file);
	keymap_close(&h.m);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}
