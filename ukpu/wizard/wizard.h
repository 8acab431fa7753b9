/* ukpu wizard: the screen it draws on, and what its files share. */
#ifndef UKPU_WIZARD_WIZARD_H
#define UKPU_WIZARD_WIZARD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <termios.h>

#include "ukpu/stick/work.h"

/* ---- the screen: screen.c, window.c ---- */

#define SCREEN_COLUMNS	80	/* a smaller terminal is refused */
#define SCREEN_ROWS	24

/* The terminal, while the wizard has it. */
struct screen {
	int signals;			/* a descriptor that signals are read from */
	sigset_t mask;			/* of the process, as it was */
	struct termios before;		/* the terminal, as it was */
	int columns, rows;
	bool left;			/* the person, a signal or the terminal ended it */
	struct fault fault;		/* why, if it was not the person */
};

/* What a person did with a window. */
enum screen_answer {
	SCREEN_CHOSEN,
	SCREEN_BACK,		/* Escape */
	SCREEN_REFRESH,		/* F5, Ctrl-R */
	SCREEN_LEAVE,		/* Ctrl-C, F10, a signal, no terminal any more: left is set */
};

/*
 * Take the terminal. Signals that would end the process are held back from here to
 * screen_close(), so that none leaves the terminal raw. Returns 0 or KIT_ERR_STATE (standard
 * input or output is not a terminal), KIT_ERR_UNFIT (it is too small, or of an unknown kind).
 */
int screen_open(struct screen *s, struct fault *fault);
/* Give it back as it was. */
void screen_close(struct screen *s);

/*
 * TEXT as one line of at most MOST columns (0: as long as it is; at most 1,024 characters). What
 * cannot be shown becomes '?'. TAIL: what is too long loses its beginning, not its end. Returns
 * columns. screen_cell() fills it up to WIDTH with blanks.
 */
size_t screen_text(char *out, size_t size, const char *text, size_t most, bool tail);
void screen_cell(char *out, size_t size, const char *text, size_t width, bool tail);

/* One line of a list. */
struct screen_row {
	char text[640];		/* the line */
	char detail[2200];	/* shown below the list while the line is the current one */
};

/*
 * Have one of N rows picked; *current is the one to begin on, and receives the one that was
 * left or picked. INTRO: at most two lines above them.
 */
enum screen_answer screen_pick(struct screen *s, const char *title, const char *intro,
			       const struct screen_row *rows, size_t n, size_t *current);

/* Show TEXT, which may be long, and have one of N buttons pressed: *pressed from 0. */
enum screen_answer screen_show(struct screen *s, const char *title, const char *text,
			       const char *const *buttons, size_t n, size_t *pressed);
/* Show what went wrong, until a key. */
enum screen_answer screen_fault(struct screen *s, const char *title, const struct fault *fault);

/* Show TEXT and have the word "yes" typed. *yes: was it exactly that? */
enum screen_answer screen_ask(struct screen *s, const char *title, const char *text, bool *yes);

/*
 * Show TEXT and a bar until *ended. No key stops it: signals and Ctrl-C only set s->left, for
 * afterwards. *done counts up to TOTAL, after which TEXT_LATER is shown.
 */
void screen_watch(struct screen *s, const char *title, const char *text, const char *text_later,
		  const _Atomic uint64_t *done, uint64_t total, const _Atomic bool *ended);

/* ---- the wizard ---- */

struct wizard {
	struct screen screen;
	struct work_options options;	/* every guard holds; image: sticks are the files named */
	struct work_face face;
	char **images;
	size_t n_images;
	enum layout_kind layout;
	char folder[PATH_MAX];		/* where setup.bin files are looked for */
	char file[PATH_MAX];		/* the setup.bin that was picked */
	struct sbin_summary keys;	/* what is in it */
	FILE *log;			/* a line for each stick, for when the screen is gone */
	unsigned sticks;		/* that were written, well or not */
	int status;			/* to exit with: of the worst of them */
};

/* Have a setup.bin picked, into w->file: file.c. Folders are gone through. */
enum screen_answer wizard_pick_file(struct wizard *w);
/* Have a fit stick picked; PATH receives SIZE bytes at most: drive.c. */
enum screen_answer wizard_pick_stick(struct wizard *w, char *path, size_t size);

/*
 * Read w->file and check it. What the checker finds fault with goes to TEXT. Returns 0; or a
 * fault, also when there is an error in it or no record is left.
 */
int wizard_load(struct wizard *w, struct content *content, FILE *text, struct fault *fault);

/* Make w->face: questions in windows. */
void wizard_make_face(struct wizard *w);

/*
 * Guards, questions, writing, verdict for the stick PATH: write.c. SCREEN_CHOSEN when
 * it was written, well or not, SCREEN_BACK when it was left as it is. *another: the person
 * wants another setup.bin next.
 */
enum screen_answer wizard_write(struct wizard *w, const char *path, bool *another);

#endif
