/* ukpu wizard: finding the setup.bin, folder by folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "setupbin/header.h"
#include "ukpu/drive/probe.h"
#include "ukpu/wizard/wizard.h"

#define ENTRIES_MAX	2000	/* of a folder that are shown */
#define UUID_BYTES	16

struct folder_entry {
	char name[NAME_MAX + 1];
	bool folder;
	uint64_t bytes;
	time_t changed;
};

/* Does it begin as a setup.bin does? */
static bool begins_right(int folder, const char *name)
{
	uint8_t uuid[UUID_BYTES];
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	bool right = fd >= 0 && read(fd, uuid, sizeof(uuid)) == (ssize_t)sizeof(uuid) &&
		     sbin_uuid_major(uuid);

	if (fd >= 0)
		close(fd);
	return right;
}

static bool named_right(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && !strcasecmp(name + n - 4, ".bin");
}

/* Folders, and files that are a setup.bin by name or by their first bytes; nothing hidden. */
static bool take_entry(struct folder_entry *out, int folder, const char *name)
{
	struct stat st;

	if (name[0] == '.' || strlen(name) >= sizeof(out->name) || fstatat(folder, name, &st, 0))
		return false;
	if (!S_ISDIR(st.st_mode) &&
	    (!S_ISREG(st.st_mode) || (!named_right(name) && !begins_right(folder, name))))
		return false;
	memset(out, 0, sizeof(*out));
	memcpy(out->name, name, strlen(name));
	out->folder = S_ISDIR(st.st_mode);
	out->bytes = (uint64_t)st.st_size;
	out->changed = st.st_mtime;
	return true;
}

static int order(const void *a, const void *b)
{
	const struct folder_entry *x = a, *y = b;

	return x->folder != y->folder ? y->folder - x->folder : strcmp(x->name, y->name);
}

/* The way up first, unless this is the top. */
static int read_folder(const char *path, struct folder_entry **out, size_t *n, bool *more,
		       struct fault *fault)
{
	struct folder_entry *list = NULL;
	DIR *dir = opendir(path);
	struct dirent *d;
	size_t up = strcmp(path, "/") != 0;
	int rc = 0;

	*n = 0;
	*more = false;
	if (!dir)
		return fault_sys(fault, errno, "cannot read the folder %.200s", path);
	list = calloc(ENTRIES_MAX + 1, sizeof(*list));
	if (!list) {
		rc = fault_nomem(fault);
		goto out;
	}
	if (up)
		list[(*n)++] = (struct folder_entry){ .name = "..", .folder = true };
	while ((d = readdir(dir)) && !*more) {
		if (*n == ENTRIES_MAX)
			*more = true;
		else if (take_entry(&list[*n], dirfd(dir), d->d_name))
			++*n;
	}
	qsort(list + up, *n - up, sizeof(*list), order);
	*out = list;
	list = NULL;
out:
	free(list);
	closedir(dir);
	return rc;
}

static void fill_row(const struct wizard *w, const struct folder_entry *e, struct screen_row *row)
{
	size_t width = (size_t)w->screen.columns - 46;
	char name[4 * SCREEN_COLUMNS + NAME_MAX + 4], size[24], when[32] = "";
	char with_slash[NAME_MAX + 2];
	struct tm tm;

	snprintf(with_slash, sizeof(with_slash), "%s%s", e->name, e->folder ? "/" : "");
	screen_cell(name, sizeof(name), with_slash, width < 200 ? width : 200, false);
	if (e->folder) {
		snprintf(row->text, sizeof(row->text), "%.380s", name);
		snprintf(row->detail, sizeof(row->detail), "%s", !strcmp(e->name, "..") ?
			 "Enter: the folder above." : "Enter: into this folder.");
		return;
	}
	probe_size_text(e->bytes, size);
	if (localtime_r(&e->changed, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &tm);
	snprintf(row->text, sizeof(row->text), "%.340s %12s  %s", name, size, when);
	screen_text(name, sizeof(name), e->name, 0, false);
	snprintf(row->detail, sizeof(row->detail), "%.600s\nEnter: check it, then take it.", name);
}

/* Go into the folder NAME, if it can be read; else say why not. */
static void enter(struct wizard *w, const char *name)
{
	char path[PATH_MAX + NAME_MAX + 2], full[PATH_MAX];
	struct fault fault = { 0 };

	snprintf(path, sizeof(path), "%s/%s", w->folder, name);
	if (realpath(path, full) && !access(full, R_OK | X_OK)) {
		snprintf(w->folder, sizeof(w->folder), "%s", full);
		return;
	}
	fault_sys(&fault, errno, "cannot go into the folder %.100s", name);
	screen_fault(&w->screen, "Folder", &fault);
}

/* One look at the folder. SCREEN_REFRESH: look again. */
static enum screen_answer pick_once(struct wizard *w, const struct folder_entry *list, size_t n,
				    bool more)
{
	struct screen_row *rows = calloc(n + 1, sizeof(*rows));
	char where[400], intro[600];
	size_t current = 0;
	enum screen_answer answer;

	if (!rows) {
		w->screen.left = true;
		fault_nomem(&w->screen.fault);
		return SCREEN_LEAVE;
	}
	for (size_t i = 0; i < n; i++) {
		fill_row(w, &list[i], &rows[i]);
		if (!list[i].folder && strcasecmp(list[i].name, "setup.bin") == 0)
			current = i; /* most often it is this one; what it is shows again later */
	}
	screen_text(where, sizeof(where), w->folder, (size_t)w->screen.columns - 20, true);
	snprintf(intro, sizeof(intro), "Which setup.bin? %s\n%s", where,
		 more ? "This folder has more entries than are shown." : "");
	answer = screen_pick(&w->screen, "1. The setup.bin", intro, rows, n, &current);
	free(rows);
	if (answer != SCREEN_CHOSEN)
		return answer;
	if (current >= n)
		return SCREEN_REFRESH;
	if (list[current].folder) {
		enter(w, list[current].name);
		return SCREEN_REFRESH;
	}
	if (snprintf(w->file, sizeof(w->file), "%s/%s", strcmp(w->folder, "/") ? w->folder : "",
		     list[current].name) >= (int)sizeof(w->file)) {
		struct fault fault = { 0 };

		fault_set(&fault, KIT_ERR_RANGE, "the path of that file is too long");
		screen_fault(&w->screen, "File", &fault);
		return SCREEN_REFRESH;
	}
	return SCREEN_CHOSEN;
}

enum screen_answer wizard_pick_file(struct wizard *w)
{
	enum screen_answer answer = SCREEN_REFRESH;

	while (answer == SCREEN_REFRESH && !w->screen.left) {
		struct folder_entry *list = NULL;
		struct fault fault = { 0 };
		bool more;
		size_t n;

		if (!read_folder(w->folder, &list, &n, &more, &fault)) {
			answer = pick_once(w, list, n, more);
		} else if (!strcmp(w->folder, "/")) {
			w->screen.left = true;
			w->screen.fault = fault;
		} else {
			/* It may have gone with the stick that it was on. */
			screen_fault(&w->screen, "Folder", &fault);
			snprintf(w->folder, sizeof(w->folder), "/");
		}
		free(list);
	}
	return w->screen.left ? SCREEN_LEAVE : answer;
}
