/* ukpu wizard: its kinds of windows: a list, a text with buttons, a question. */
#include <string.h>

#include "ukpu/wizard/screen-private.h"

#define DETAIL_LINES	6
#define INTRO_LINES	2

/* What the list's callback needs. */
struct picker {
	const struct screen_row *rows;
	newtComponent detail;
};

static void show_detail(newtComponent list, void *context)
{
	const struct picker *p = context;
	const struct screen_row *row = newtListboxGetCurrent(list);

	if (row)
		newtTextboxSetText(p->detail, row->detail);
}

enum screen_answer screen_pick(struct screen *s, const char *title, const char *intro,
			       const struct screen_row *rows, size_t n, size_t *current)
{
	enum screen_answer answer;

	do {
		int width = s->columns - 6, height = s->rows - 6;
		int lines = height - INTRO_LINES - DETAIL_LINES - 2;
		newtComponent form = newtForm(NULL, NULL, NEWT_FLAG_NOF12), text, list, pressed;
		struct picker p = { rows, NULL };

		screen_open_window(s, width, height, title,
				   "Arrows: move  Enter: pick  F5 or Ctrl-R: read again  "
				   "Esc: back  Ctrl-C: leave");
		text = newtTextbox(1, 0, width - 2, INTRO_LINES, NEWT_FLAG_WRAP);
		newtTextboxSetText(text, intro);
		list = newtListbox(1, INTRO_LINES + 1, lines,
				   NEWT_FLAG_RETURNEXIT | NEWT_FLAG_SCROLL);
		newtListboxSetWidth(list, width - 2);
		p.detail = newtTextbox(1, height - DETAIL_LINES, width - 2, DETAIL_LINES,
				       NEWT_FLAG_WRAP);
		for (size_t i = 0; i < n; i++)
			newtListboxAppendEntry(list, rows[i].text, &rows[i]);
		if (*current < n)
			newtListboxSetCurrent(list, (int)*current);
		newtComponentAddCallback(list, show_detail, &p);
		show_detail(list, &p);
		newtFormAddComponents(form, text, list, p.detail, NULL);
		answer = screen_run(s, form, &pressed);
		if (newtListboxGetCurrent(list))
			*current = (size_t)((struct screen_row *)newtListboxGetCurrent(list) -
					    rows);
		screen_close_window(s, form, answer);
	} while (answer == SCREEN_REDRAW);
	return answer;
}

/*
 * Put a box with TEXT into FORM, of at most MOST lines; returns how many it got. What is longer
 * scrolls, and says so on the line below.
 */
static int add_text(newtComponent form, const char *text, int width, int most)
{
	newtComponent box = newtTextbox(1, 1, width, most, NEWT_FLAG_WRAP);
	int lines;

	newtTextboxSetText(box, text);
	lines = newtTextboxGetNumLines(box);
	if (lines <= most) {
		newtTextboxSetHeight(box, lines > 0 ? lines : 1);
		newtFormAddComponent(form, box);
		return lines;
	}
	newtComponentDestroy(box);
	/* newt makes it two columns wider, and shows no bar in them. */
	box = newtTextbox(1, 1, width - 2, most, NEWT_FLAG_WRAP | NEWT_FLAG_SCROLL);
	newtTextboxSetText(box, text);
	newtFormAddComponents(form, box, newtLabel(1, most + 1, "(The text is longer: Tab, then "
						   "Down, Up, PgDn, PgUp.)"), NULL);
	return most;
}

enum screen_answer screen_show(struct screen *s, const char *title, const char *text,
			       const char *const *buttons, size_t n, size_t *pressed)
{
	enum screen_answer answer;

	*pressed = 0;
	do {
		int width = s->columns - 10, lines, at = 1;
		newtComponent form = newtForm(NULL, NULL, NEWT_FLAG_NOF12), hit = NULL;
		newtComponent button[4] = { 0 };

		lines = add_text(form, text, width - 2, s->rows - 10);
		screen_open_window(s, width, lines + 4, title,
				   "Tab: next button  Enter: press it  Esc: back  Ctrl-C: leave");
		for (size_t i = 0; i < n && i < 4; i++) {
			button[i] = newtCompactButton(at, lines + 2, buttons[i]);
			newtFormAddComponent(form, button[i]);
			at += (int)strlen(buttons[i]) + 6;
		}
		newtFormSetCurrent(form, button[0]);
		do
			answer = screen_run(s, form, &hit);
		while (answer == SCREEN_REFRESH);
		for (size_t i = 0; i < n && i < 4 && answer == SCREEN_CHOSEN; i++) {
			if (button[i] == hit)
				*pressed = i;
		}
		screen_close_window(s, form, answer);
	} while (answer == SCREEN_REDRAW);
	return answer;
}

enum screen_answer screen_fault(struct screen *s, const char *title, const struct fault *fault)
{
	static const char *const button[] = { "Back" };
	const char *what = fault->what[0] ? fault->what : error_text(fault->code);
	char text[sizeof(fault->what) + sizeof(fault->hint) + 8];
	size_t pressed;

	snprintf(text, sizeof(text), "%s\n\n%s", what, fault->hint);
	return screen_show(s, title, text, button, 1, &pressed);
}

enum screen_answer screen_ask(struct screen *s, const char *title, const char *text, bool *yes)
{
	enum screen_answer answer;

	*yes = false;
	do {
		int width = s->columns - 10, lines;
		newtComponent form = newtForm(NULL, NULL, NEWT_FLAG_NOF12), entry, hit;

		lines = add_text(form, text, width - 2, s->rows - 11);
		screen_open_window(s, width, lines + 5, title,
				   "Type yes and press Enter  Esc: back, nothing is written  "
				   "Ctrl-C: leave");
		entry = newtEntry(34, lines + 2, "", 12, NULL, NEWT_FLAG_RETURNEXIT);
		newtFormAddComponents(form,
				      newtLabel(1, lines + 2, "Type the word yes to go on:"),
				      entry, NULL);
		newtFormSetCurrent(form, entry);
		do
			answer = screen_run(s, form, &hit);
		while (answer == SCREEN_REFRESH);
		if (answer == SCREEN_CHOSEN)
			*yes = !strcmp(newtEntryGetValue(entry), "yes");
		screen_close_window(s, form, answer);
	} while (answer == SCREEN_REDRAW);
	return answer;
}
