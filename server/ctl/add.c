/* amt-provisionctl keys add: one pair, typed from a sticker or a letter. */
#include "server/ctl/amt-provisionctl.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "server/keymap/pairs.h"

#define TRIES	3	/* a person may mistype twice */
#define TYPED	120	/* bytes of a line typed */

const struct cli_option ctl_keys_add_options[] = {
	CTL_MAP_OPTIONS,
	{ "pid", 0, "PID", "the PID; asked for if not given", 0, 0 },
	{ "pps-file", 0, "FILE", "a file (mode 0600) that holds the PPS, or '-'; else it is typed,"
	  " unseen", CLI_FILE, 0 },
	{ "current-password-file", 0, "FILE", "the MEBx password that the machine has now"
	  " (default: not known)", CLI_FILE, 0 },
	{ "new-password-file", 0, "FILE", "the MEBx password that the stick gives the machine: what"
	  " the server logs in with", CLI_FILE, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

static int ask_pid(struct cli *cli, char out[static PID_LENGTH + 1], struct fault *fault)
{
	char typed[TYPED];
	int rc;

	if (cli_has(cli, "pid")) {
		const char *text = cli_value(cli, "pid");

		rc = pidpps_parse_pid(text, strlen(text), out, NULL);
		return rc ? fault_set(fault, rc, "--pid: %s", pidpps_rule(rc, false)) : 0;
	}
	for (int i = 1;; i++) {
		rc = cli_ask(cli, "PID (XXXX-XXXX): ", typed, sizeof(typed), fault);
		if (rc == KIT_ERR_STATE)
			fault_hint(fault, "give --pid, and --pps-file");
		if (rc)
			return rc;
		rc = pidpps_parse_pid(typed, strlen(typed), out, NULL);
		if (!rc)
			return 0;
		if (i == TRIES)
			return fault_set(fault, rc, "no PID after %d tries", TRIES);
		cli_warn(cli, "that is no PID: %s", pidpps_rule(rc, false));
	}
}

/* Which group of four does its check character say is mistyped? From 1; 0: cannot tell. */
static int wrong_group(const char *typed)
{
	char pps[PPS_LENGTH];
	size_t n = 0;
	int group = 0;

	for (const char *p = typed; *p; p++) {
		if (*p == '-' || *p == ' ')
			continue;
		if (n == PPS_LENGTH)
			return 0;
		pps[n++] = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
	}
	for (size_t i = 0; n == PPS_LENGTH && !group && i < n; i += 4)
		if (pidpps_check_character(pps + i, 3) != pps[i + 3])
			group = (int)(i / 4) + 1;
	secret_wipe(pps, sizeof(pps));
	return group;
}

static int take_pps(const char *typed, char out[static PPS_LENGTH + 1], struct fault *fault)
{
	int rc = pidpps_parse_pps(typed, strlen(typed), out, NULL), group;

	if (!rc)
		return 0;
	group = rc == KIT_ERR_CHECK ? wrong_group(typed) : 0;
	if (group)
		return fault_set(fault, rc, "that is no PPS: group %d of 8 is mistyped (its check"
				 " character does not fit)", group);
	return fault_set(fault, rc, "that is no PPS: %s", pidpps_rule(rc, true));
}

static int ask_pps(struct cli *cli, char out[static PPS_LENGTH + 1], struct fault *fault)
{
	const char *file = cli_value(cli, "pps-file");
	char typed[TYPED];
	int rc;

	for (int i = 1;; i++) {
		struct fault mistyped = { 0 };

		rc = file ? secret_read(file, "PPS", typed, sizeof(typed), fault)
			  : secret_prompt("PPS (8 groups of 4, not shown): ", "PPS", typed,
					  sizeof(typed), fault);
		if (rc && !file && !fault->hint[0])
			fault_hint(fault, "give --pps-file");
		if (rc)
			return rc;
		rc = take_pps(typed, out, &mistyped);
		secret_wipe(typed, sizeof(typed));
		if (!rc)
			return 0;
		if (file || i == TRIES)
			return fault_pass(fault, &mistyped);
		cli_warn(cli, "%s", mistyped.what);
	}
}

static int read_password(struct cli *cli, const char *option, const char *what,
			 int (*check)(const char *text, const char **rule),
			 char out[static PASSWORD_MAX + 1], struct fault *fault)
{
	const char *file = cli_value(cli, option), *rule = NULL;
	int rc;

	if (!file)
		return 0;
	rc = secret_read(file, what, out, PASSWORD_MAX + 1, fault);
	if (!rc && check(out, &rule))
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s: %s", what, rule);
	return rc;
}

static int add(struct cli *cli, struct keymap *m, const struct keyentry *entry,
	       enum keymap_added *added, struct fault *fault)
{
	char shown[PID_SHOWN + 1];
	int64_t batch;
	int rc;

	pidpps_show_pid(entry->pair.pid, shown);
	rc = keymap_begin(m, fault);
	if (!rc)
		rc = keymap_batch(m, "add", cli_has(cli, "pps-file") ? "from a file" : "typed",
				  ctl_now(), &batch, fault);
	if (!rc)
		rc = keymap_add(m, entry, batch, added, fault);
	if (rc == KIT_ERR_DUPLICATE) {
		fault_set(fault, rc, "%s is in the map with another PPS, so nothing was added\n"
			  "look whether it was read from another machine's label; if the map's is "
			  "wrong, revoke it", shown);
	}
	if (!rc && *added == KEYMAP_ADDED)
		rc = ctl_log(m, SEVERITY_INFO, "key-added", entry->pair.pid, NULL, fault,
			     "key added");
	if (!rc)
		rc = keymap_commit(m, fault);
	return rc;
}

static void say(struct cli *cli, const struct keyentry *entry, enum keymap_added added)
{
	char shown[PID_SHOWN + 1];

	pidpps_show_pid(entry->pair.pid, shown);
	switch (added) {
	case KEYMAP_ADDED:
		cli_note(cli, "%s added", shown);
		break;
	case KEYMAP_SAME:
		cli_note(cli, "%s is in the map already, the same pair", shown);
		break;
	case KEYMAP_COMPLETED:
		cli_note(cli, "%s was in the map and lacked a password, which it has now", shown);
		break;
	case KEYMAP_DIFFERS:
		cli_warn(cli, "%s is in the map with another password, which is kept", shown);
	}
	if (added == KEYMAP_ADDED && !entry->new_password[0])
		cli_warn(cli, "without the machine's new MEBx password the server cannot log in to"
			 " it: add it with --new-password-file");
}

int ctl_keys_add(struct cli *cli)
{
	struct keyentry entry = { .used = false };
	enum keymap_added added = KEYMAP_SAME;
	struct fault fault = { 0 };
	struct keymap *m = NULL;
	int rc;

	rc = ctl_open(cli, KEYMAP_CREATE, &m, &fault);
	if (!rc)
		rc = ask_pid(cli, entry.pair.pid, &fault);
	if (!rc)
		rc = ask_pps(cli, entry.pair.pps, &fault);
	if (!rc)
		rc = read_password(cli, "current-password-file", "current MEBx password",
				   password_check_current, entry.current_password, &fault);
	if (!rc)
		rc = read_password(cli, "new-password-file", "new MEBx password",
				   password_check_new, entry.new_password, &fault);
	if (!rc)
		rc = add(cli, m, &entry, &added, &fault);
	if (!rc)
		say(cli, &entry, added);
	secret_wipe(&entry, sizeof(entry));
	keymap_close(&m);
	return rc ? cli_fail(cli, &fault) : EXIT_YES;
}
