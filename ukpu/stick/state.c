/* Backups and journals have their place here. */
#include "ukpu/stick/state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/outfile.h"

/* The state folder's file NAME; not made. */
static int name_path(const char *name, char *out, size_t size, struct fault *fault)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	const struct passwd *user;
	int n;

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
		return fault_set(fault, KIT_ERR_NOT_FOUND, "there is no home folder to keep "
				 "backups in\n"
				 "name a folder in XDG_STATE_HOME");
	}
	if (n < 0 || (size_t)n >= size)
		return fault_set(fault, KIT_ERR_RANGE, "the path of the state folder is too long");
	return 0;
}

int state_path(const char *name, char *out, size_t size, struct fault *fault)
{
	int rc = name_path(name, out, size, fault);

	if (rc)
		return rc;
	rc = outfile_make_folders(out, 1, 0700, fault);
	return rc ? fault_hint(fault, "name another folder for backups in XDG_STATE_HOME") : 0;
}

/* Root is the one who may make the machine's folder. */
static int make_machine_folder(const char *folder, struct fault *fault)
{
	const struct group *group = getgrnam(STATE_GROUP);

	if (mkdir(folder, 0770))
		return errno == EEXIST ? 0 :
			fault_sys(fault, errno, "cannot make the folder %s", folder);
	/* Set-group-id: what is made there belongs to the group, whoever makes it. */
	if ((group && chown(folder, 0, group->gr_gid)) || chmod(folder, 02770))
		return fault_sys(fault, errno, "cannot set the owner of %s", folder);
	return outfile_sync_folder(folder, fault);
}

/* Is the user in GROUP, be it only after the next login? */
static bool is_member(const struct group *group, const char *user)
{
	for (char **member = group->gr_mem; *member; member++) {
		if (!strcmp(*member, user))
			return true;
	}
	return false;
}

/* What a person who may not write in FOLDER has to type, once. */
static int refuse(const char *folder, int err, struct fault *fault)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *name = user ? user->pw_name : "$USER";
	const struct group *group = getgrnam(STATE_GROUP);
	struct stat st;
	bool ready = group && !stat(folder, &st) && st.st_gid == group->gr_gid &&
		     (st.st_mode & 070) == 070;

	fault_set(fault, KIT_ERR_PERMISSION, "you cannot write the journal of sticks in %s: %s",
		  folder, strerror(err));
	if (ready && is_member(group, name))
		return fault_hint(fault, "log in again: you are in the group " STATE_GROUP " from "
				  "then on");
	return fault_hint(fault, "type once: %ssudo usermod -aG " STATE_GROUP " %s; then log in "
			  "again. Or keep a journal that others do not see: --own-journal",
			  ready ? "" : "sudo groupadd -rf " STATE_GROUP " && "
			  "sudo install -d -m 2770 " STATE_MACHINE " && "
			  "sudo chgrp -R " STATE_GROUP " " STATE_MACHINE " && ", name);
}

int state_journal(const char *folder, bool own, char *out, size_t size, struct fault *fault)
{
	const char *named = getenv("UKPU_JOURNAL");
	int rc;

	if (own)
		return state_path("sticks.db", out, size, fault);
	if (named && named[0]) {
		if ((size_t)snprintf(out, size, "%s", named) >= size)
			return fault_set(fault, KIT_ERR_RANGE, "UKPU_JOURNAL is too long");
		return 0;
	}
	if ((size_t)snprintf(out, size, "%s/sticks.db", folder) >= size)
		return fault_set(fault, KIT_ERR_RANGE, "%s is too long", folder);
	if (!geteuid()) {
		rc = make_machine_folder(folder, fault);
		if (rc)
			return rc;
	}
	/* By the effective user: that is who opens the file. */
	if (faccessat(AT_FDCWD, folder, R_OK | W_OK | X_OK, AT_EACCESS) ||
	    (faccessat(AT_FDCWD, out, R_OK | W_OK, AT_EACCESS) && errno != ENOENT))
		return refuse(folder, errno, fault);
	return 0;
}

/* The journals of two kinds in the state folder whose file NAME is at PATH. */
static int hand_over(char *path, size_t size, size_t folder,
		     int (*found)(void *context, const char *path, struct fault *fault),
		     void *context, struct fault *fault)
{
	static const char *const names[] = { "journal", "sticks.db" };
	int rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc; i++) {
		if ((size_t)snprintf(path + folder, size - folder, "%s", names[i]) < size - folder)
			rc = found(context, path, fault);
	}
	return rc;
}

int state_earlier(bool all, int (*found)(void *context, const char *path, struct fault *fault),
		  void *context, struct fault *fault)
{
	char path[PATH_MAX];
	const struct passwd *user;
	int n, rc = 0;

	if (!name_path("", path, sizeof(path), NULL))
		rc = hand_over(path, sizeof(path), strlen(path), found, context, fault);
	if (!all || rc)
		return rc;
	setpwent();
	while (!rc && (user = getpwent())) {
		n = snprintf(path, sizeof(path), "%s/.local/state/ukpu/", user->pw_dir);
		if (n > 0 && (size_t)n < sizeof(path) && path[0] == '/')
			rc = hand_over(path, sizeof(path), (size_t)n, found, context, fault);
	}
	endpwent();
	return rc;
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
	char name[160], part[64], when[CLOCK_TEXT + 1], made[PATH_MAX];
	int rc = KIT_ERR_EXISTS;

	name_part(part, sizeof(part), stick);
	clock_show_short(clock_now(), when);
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
