/* ukpu wizard: the sticks to pick from, none of them preselected, unfit ones with the reason. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ukpu/stick/guard.h"
#include "ukpu/stick/identity.h"
#include "ukpu/drive/probe.h"
#include "ukpu/wizard/wizard.h"

struct choice {
	char path[PATH_MAX];
	bool fit;
};

/* Room for N sticks and the line before them. */
struct choices {
	struct choice *choice;
	struct screen_row *rows;
	size_t n;
};

static int make_room(struct choices *c, size_t n, struct fault *fault)
{
	c->choice = calloc(n + 1, sizeof(*c->choice));
	c->rows = calloc(n + 1, sizeof(*c->rows));
	if (!c->choice || !c->rows)
		return fault_nomem(fault);
	/* Whoever presses Enter without looking has picked nothing. */
	snprintf(c->rows[0].text, sizeof(c->rows[0].text), "(none picked: move to a stick)");
	snprintf(c->rows[0].detail, sizeof(c->rows[0].detail), "%s", n ?
		 "Move to the stick with the arrow keys. Plugged one in just now? F5 or Ctrl-R." :
		 "There is no stick. Plug one in, then press F5 or Ctrl-R.");
	c->n = 1;
	return 0;
}

static void clear(struct choices *c)
{
	free(c->choice);
	free(c->rows);
	memset(c, 0, sizeof(*c));
}

/* SERIAL is NULL for an image. */
static void add(struct choices *c, const char *path, const char *title, const char *serial,
		uint64_t bytes, bool fit, const char *contents, const char *verdict)
{
	bool image = !serial;
	struct screen_row *row = &c->rows[c->n];
	char p[100], t[280], s[220], size[24], all[600], on_it[600];

	snprintf(c->choice[c->n].path, sizeof(c->choice[c->n].path), "%s", path);
	c->choice[c->n].fit = fit;
	probe_size_text(bytes, size);
	screen_cell(p, sizeof(p), path, 20, true);
	screen_cell(t, sizeof(t), title, 20, false);
	serial = serial ? serial : "-";
	screen_cell(s, sizeof(s), serial, 12, false);
	snprintf(row->text, sizeof(row->text), "%s %s %s %9s %s", p, t, s, bytes ? size : "-",
		 fit ? "fit" : "no");
	/* At most two lines each for path, contents and verdict. */
	screen_text(all, sizeof(all), path, 140, true);
	screen_text(on_it, sizeof(on_it), contents, 130, false);
	screen_text(t, sizeof(t), title, 60, false);
	screen_text(s, sizeof(s), strcmp(serial, "-") ? serial : "none", 60, true);
	snprintf(row->detail, sizeof(row->detail), "%s\n%s%s%s\nOn it: %s\n%s%.300s", all, t,
		 image ? "" : ", serial ", image ? "" : s, on_it,
		 fit ? "" : "Cannot be picked: ", verdict);
	c->n++;
}

static void add_drive(struct choices *c, const struct drive *d, const struct drive *all, size_t n)
{
	char serial[230];
	char title[200], verdict[700], contents[400], advice[360];
	struct fault fault = { 0 };
	unsigned why = ~0u;
	size_t at;

	drive_title(d, title, sizeof(title));
	probe_path(d->path, d->bytes, contents, sizeof(contents));
	if (guard_judge(d, &why, verdict, 320, advice, sizeof(advice), &fault)) {
		snprintf(verdict, sizeof(verdict), "cannot find out who uses it: %.300s",
			 fault.what);
	} else if (why) {
		at = strlen(verdict);
		snprintf(verdict + at, sizeof(verdict) - at, "; %s", advice);
	}
	identity_serial_text(d, all, n, serial, sizeof(serial));
	add(c, d->path, title, serial, d->bytes, !why, contents,
	    !why ? "Fit to be written" : verdict);
}

static void add_image(struct choices *c, const char *path)
{
	char verdict[300], contents[400] = "-", size[24];
	struct stat st;

	if (stat(path, &st)) {
		snprintf(verdict, sizeof(verdict), "%s", strerror(errno));
		add(c, path, "image file", NULL, 0, false, contents, verdict);
		return;
	}
	if (!S_ISREG(st.st_mode)) {
		add(c, path, "image file", NULL, 0, false, contents,
		    "it is not a file; sticks are shown without --image");
		return;
	}
	probe_path(path, (uint64_t)st.st_size, contents, sizeof(contents));
	probe_size_text((uint64_t)st.st_size, size);
	if ((uint64_t)st.st_size < LAYOUT_MIN_BYTES)
		snprintf(verdict, sizeof(verdict), "it has only %s; 17 MiB are the least", size);
	else if (access(path, W_OK))
		snprintf(verdict, sizeof(verdict), "you cannot write to it: %s", strerror(errno));
	else
		verdict[0] = '\0';
	add(c, path, "image file", NULL, (uint64_t)st.st_size, !verdict[0], contents,
	    verdict[0] ? verdict : "Fit to be written");
}

/* The sticks as they are at this moment. */
static int read_choices(struct wizard *w, struct choices *c, struct fault *fault)
{
	struct drive *drives = NULL;
	size_t n = 0;
	int rc;

	if (w->options.image) {
		rc = make_room(c, w->n_images, fault);
		for (size_t i = 0; i < w->n_images && !rc; i++)
			add_image(c, w->images[i]);
		return rc;
	}
	rc = drive_list(DRIVE_SYS, &drives, &n, fault);
	if (!rc)
		rc = make_room(c, n, fault);
	for (size_t i = 0; i < n && !rc; i++) {
		if (drives[i].usb)
			add_drive(c, &drives[i], drives, n);
	}
	if (!rc && c->n == 1)
		snprintf(c->rows[0].detail, sizeof(c->rows[0].detail), "There is no USB drive. "
			 "Plug a stick in, then press F5 or Ctrl-R. (ukpu list --all shows other "
			 "disks.)");
	free(drives);
	return rc;
}

static void show_unfit(struct wizard *w, const struct screen_row *row)
{
	static const char *const button[] = { "Back" };
	size_t pressed;

	screen_show(&w->screen, "This stick cannot be picked", row->detail, button, 1, &pressed);
}

enum screen_answer wizard_pick_stick(struct wizard *w, char *path, size_t size)
{
	enum screen_answer answer = SCREEN_REFRESH;
	char file[300], intro[600];

	screen_text(file, sizeof(file), w->file, (size_t)w->screen.columns - 24, true);
	snprintf(intro, sizeof(intro), "Which stick is to get %s?\n%-20s %-20s %-12s %9s FIT", file,
		 w->options.image ? "IMAGE" : "PATH", "DEVICE", "SERIAL", "SIZE");
	while (answer == SCREEN_REFRESH && !w->screen.left) {
		struct choices c = { 0 };
		struct fault fault = { 0 };
		size_t current = 0;

		if (read_choices(w, &c, &fault)) {
			answer = screen_fault(&w->screen, "The sticks cannot be listed", &fault);
			answer = answer == SCREEN_LEAVE ? SCREEN_LEAVE : SCREEN_BACK;
			clear(&c);
			break;
		}
		answer = screen_pick(&w->screen, "2. The stick", intro, c.rows, c.n, &current);
		if (answer == SCREEN_CHOSEN && !c.choice[current].fit) {
			if (current)
				show_unfit(w, &c.rows[current]);
			answer = SCREEN_REFRESH;
		} else if (answer == SCREEN_CHOSEN) {
			snprintf(path, size, "%s", c.choice[current].path);
		}
		clear(&c);
	}
	return w->screen.left ? SCREEN_LEAVE : answer;
}
