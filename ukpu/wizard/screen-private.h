/* Between the two files of the wizard's screen that know newt. Not for others. */
#ifndef UKPU_WIZARD_SCREEN_PRIVATE_H
#define UKPU_WIZARD_SCREEN_PRIVATE_H

#include <newt.h>

#include "ukpu/wizard/wizard.h"

#define CONTROL(letter)	((letter) & 0x1f)

/* The terminal has another size: the window is to be made again. Never leaves these files. */
#define SCREEN_REDRAW	((enum screen_answer)(SCREEN_LEAVE + 1))

/* A centred window of WIDTH by HEIGHT within its border, and a line of help at the bottom. */
void screen_open_window(struct screen *s, int width, int height, const char *title,
			const char *help);
/*
 * Wait for a person, or a signal, in the form of the topmost window. *pressed is the component
 * that ended it, when SCREEN_CHOSEN.
 */
enum screen_answer screen_run(struct screen *s, newtComponent form, newtComponent *pressed);
/* Take away form and window; after SCREEN_REDRAW the screen takes its new size. */
void screen_close_window(struct screen *s, newtComponent form, enum screen_answer answer);

#endif
