/* Backups and the journal have their place here. */
#include "ukpu/stick/state.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/outfile.h"

int state_path(const char *name, char *out, size_t size, struct fault *fault)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user;
	int n, rc;

	if (!home || home[0] != '/') {
		user = getpwuid(geteuid());
		home = user ? user->pw_dir : NULL;
	}
	/* A relative XDG_STATE_HOME is to be ignored, says the XDG base directory specification. */
	if (base && base[0] == '/') {
		n = snprintf(out, size, "%s/ukpu/%s", base, name);
	} else if (home && home[0] == '/') {
		n = snprintf(out, size, "%s/.local/state/ukpu/%s", home, name);
	} else {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "no home folder to keep backups and "
				 "journal in\n"
				 "name a place in XDG_STATE_HOME");
	}
	if (n < 0 || (size_t)n >= size)
		return fault_set(fault, KIT_ERR_RANGE, "the path of the state folder is too long");
	rc = outfile_make_folders(out, 1, 0700, fault);
	return rc ? fault_hint(fault, "name another place for backups and journal in "
			      "XDG_STATE_HOME") : 0;
}

/* STICK as part of a file's name: letters, digits, dots and dashes. */
static void name_part(char *out, size_t size, const char *stick)
{
	size_t n = 0;

	for (; stick[n] && n + 1 < size; n++) {
		char c = stick[n];

		out[n] = isalnum((unsigned char)c) || (c == '.' && n) ? c : '-';
	}
	out[n] = '\0';
}

int state_backup(const struct content *content, const char *path, const char *stick, int force,
		 char *saved, size_t size, struct fault *fault)
{
	struct outfile *file = NULL;
	char name[160], part[64], when[32], made[PATH_MAX];
	time_t now = time(NULL);
	struct tm tm;
	int rc = KIT_ERR_EXISTS;

	name_part(part, sizeof(part), stick);
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	/* Two backups of the same second get different names. */
	for (unsigned i = 0; rc == KIT_ERR_EXISTS && i < 100; i++) {
		struct fault why = { 0 };

		if (!path) {
			snprintf(name, sizeof(name), i ? "backup-%s-%s-%u.bin" : "backup-%s-%s.bin",
				 part, when, i);
			rc = state_path(name, made, sizeof(made), fault);
			if (rc)
				return rc;
		}
		rc = outfile_open(&file, path ? path : made, force ? OUTFILE_FORCE : 0, &why);
		if (!rc)
			rc = outfile_write(file, content->data, content->size, &why);
		if (!rc)
			rc = outfile_commit(&file, &why);
		outfile_discard(&file);
		if (rc && (path || rc != KIT_ERR_EXISTS)) {
			fault_pass(fault, &why);
			return fault_context(fault, "the backup could not be made, so nothing was "
					     "written to the stick");
		}
	}
	if (rc)
		return fault_set(fault, rc, "no free name for the backup beside %s", made);
	snprintf(saved, size, "%s", path ? path : made);
	return 0;
}
