/* ukpu wizard: the terminal, taken and given back; no signal and no key leaves it raw. */
#include <errno.h>
#include <locale.h>
#include <newt.h>
#include <poll.h>
#include <slang.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "ukpu/wizard/screen-private.h"

#define CELL_MAX	1024	/* characters of one cell */
#define SIGNALS_MS	200	/* between two looks at signals and at the terminal's size */

/* The size of the terminal, or a fault when it is too small for the windows. */
static int read_size(struct screen *s, struct fault *fault)
{
	struct winsize size;

	s->columns = SCREEN_COLUMNS;
	s->rows = SCREEN_ROWS;
	/* A serial line does not know its size. */
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col && size.ws_row) {
		s->columns = size.ws_col;
		s->rows = size.ws_row;
	}
	if (s->columns >= SCREEN_COLUMNS && s->rows >= SCREEN_ROWS)
		return 0;
	return fault_set(fault, KIT_ERR_UNFIT, "the terminal has %d columns and %d rows, the "
			 "wizard needs %d and %d\n"
			 "make its window larger, or use ukpu list and ukpu prepare", s->columns,
			 s->rows, SCREEN_COLUMNS, SCREEN_ROWS);
}

static int check_terminal(struct screen *s, struct fault *fault)
{
	const char *kind = getenv("TERM");

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		return fault_set(fault, KIT_ERR_STATE, "standard %s is not a terminal\n"
				 "in scripts use ukpu list, ukpu prepare and ukpu verify; over ssh "
				 "ask for a terminal with ssh -t",
				 isatty(STDIN_FILENO) ? "output" : "input");
	}
	/* The library below would print and exit on a kind that it does not know. */
	if (!kind || !kind[0] || SLtt_initialize(NULL)) {
		return fault_set(fault, KIT_ERR_UNFIT, "the wizard cannot draw on a terminal of "
				 "the kind \"%.40s\"\n"
				 "set TERM to what it is, for example TERM=vt100, or use ukpu list "
				 "and ukpu prepare", kind ? kind : "");
	}
	return read_size(s, fault);
}

/*
 * Ctrl-Z: newt would go on waiting for a key, blind to signals. It gets another key at once, which
 * does no harm anywhere.
 */
static void refuse_suspend(void *context)
{
	SLang_ungetkey(CONTROL('R'));
}

static void draw_ground(void)
{
	newtCls();
	newtDrawRootText(1, 0, "ukpu wizard: sticks for one-touch set-up");
}

int screen_open(struct screen *s, struct fault *fault)
{
	static const int held[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE,
	};
	const char *colours = getenv("NO_COLOR");
	sigset_t mask;
	int rc;

	memset(s, 0, sizeof(*s));
	s->signals = -1;
	setlocale(LC_CTYPE, "");
	rc = check_terminal(s, fault);
	if (rc)
		return rc;
	/*
	 * In the background this stops until the terminal is ours: the library below would not
	 * care whose it is, and the shell would take what it finds for its own.
	 */
	while ((rc = tcdrain(STDIN_FILENO)) && errno == EINTR)
		;
	if (rc || tcgetattr(STDIN_FILENO, &s->before))
		return fault_sys(fault, errno, "cannot read the state of the terminal");
	sigemptyset(&mask);
	for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
		sigaddset(&mask, held[i]);
	s->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signals < 0)
		return fault_sys(fault, errno, "cannot watch for signals");
	/* Threads made later inherit it. */
	sigprocmask(SIG_BLOCK, &mask, &s->mask);
	/* Who wants no colours says so to all programs alike; newt asks for a name of its own. */
	if (colours && colours[0])
		setenv("NEWT_MONO", "1", 1);
	if (newtInit()) {
		screen_close(s);
		return fault_set(fault, KIT_ERR_LIBRARY, "the terminal cannot be drawn on");
	}
	newtSetSuspendCallback(refuse_suspend, NULL);
	draw_ground();
	return 0;
}

void screen_close(struct screen *s)
{
	struct signalfd_siginfo info;

	if (s->signals < 0)
		return;
	newtFinished();
	/* Whatever the library thinks of a terminal that was lost or resized meanwhile. */
	tcsetattr(STDIN_FILENO, TCSANOW, &s->before);
	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		;
	close(s->signals);
	s->signals = -1;
	sigprocmask(SIG_SETMASK, &s->mask, NULL);
}

static void terminal_gone(struct screen *s)
{
	s->left = true;
	fault_set(&s->fault, KIT_ERR_SYSTEM, "the terminal is gone");
}

/* No key sends one, so it is not the person who leaves: the exit status says so. */
static void ended_by(struct screen *s, int signal)
{
	const char *name = sigabbrev_np(signal);

	s->left = true;
	fault_set(&s->fault, KIT_ERR_CANCELLED, "the wizard was ended by the signal SIG%s",
		  name ? name : "?");
}

/* Take note of the signals that came. False once the person or a signal wants to leave. */
static bool goes_on(struct screen *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			terminal_gone(s);
		else if (info.ssi_signo != SIGTSTP && info.ssi_signo != SIGPIPE)
			ended_by(s, (int)info.ssi_signo);
	}
	/* Not after SIGWINCH: newt resets its handler now and then, which loses one that waits. */
	if (!s->left && read_size(s, &s->fault))
		s->left = true;
	return !s->left;
}

enum screen_answer screen_run(struct screen *s, newtComponent form, newtComponent *pressed)
{
	static const int keys[] = {
		NEWT_KEY_ESCAPE, NEWT_KEY_F5, CONTROL('R'), NEWT_KEY_F10, CONTROL('C'),
	};
	struct newtExitStruct end = { 0 };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		newtFormAddHotKey(form, keys[i]);
	/* Looked at now and then: newt can watch a descriptor, too, but never frees that. */
	newtFormSetTimer(form, SIGNALS_MS);
	do {
		int columns = s->columns, rows = s->rows;

		newtFormRun(form, &end);
		if (!goes_on(s))
			return SCREEN_LEAVE;
		if (s->columns != columns || s->rows != rows)
			return SCREEN_REDRAW;
	} while (end.reason == NEWT_EXIT_TIMER);
	switch (end.reason) {
	case NEWT_EXIT_COMPONENT:
		*pressed = end.u.co;
		return SCREEN_CHOSEN;
	case NEWT_EXIT_HOTKEY:
		if (end.u.key == NEWT_KEY_ESCAPE)
			return SCREEN_BACK;
		if (end.u.key == NEWT_KEY_F5 || end.u.key == CONTROL('R'))
			return SCREEN_REFRESH;
		s->left = true;
		return SCREEN_LEAVE;
	default:
		terminal_gone(s);
		return SCREEN_LEAVE;
	}
}

void screen_open_window(struct screen *s, int width, int height, const char *title,
			const char *help)
{
	newtCenteredWindow((unsigned)width, (unsigned)height, title);
	newtPushHelpLine(help);
}

void screen_close_window(struct screen *s, newtComponent form, enum screen_answer answer)
{
	newtFormDestroy(form);
	newtPopHelpLine();
	newtPopWindow();
	if (answer == SCREEN_REDRAW) {
		/* newt takes the new size, but goes on drawing on a screen of the old one. */
		SLtt_get_screen_size();
		SLsmg_reinit_smg();
		draw_ground();
	}
}

void screen_watch(struct screen *s, const char *title, const char *text, const char *text_later,
		  const _Atomic uint64_t *done, uint64_t total, const _Atomic bool *ended)
{
	int width = s->columns - 12;
	struct pollfd wait[2] = { { s->signals, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
	newtComponent form = newtForm(NULL, NULL, 0), bar, label;
	char keys[64];
	bool later = false, said = false;

	screen_open_window(s, width, 6, title, "The stick must not be pulled now");
	label = newtTextbox(1, 1, width - 2, 2, NEWT_FLAG_WRAP);
	bar = newtScale(1, 4, width - 2, total ? (long long)total : 1);
	newtTextboxSetText(label, text);
	newtFormAddComponents(form, label, bar, NULL);
	newtDrawForm(form);
	newtRefresh();
	while (!*ended) {
		uint64_t now = *done;

		if (poll(wait, 2, 100) < 0) {
			if (errno == EINTR)
				continue;
			break;
		}
		if (wait[0].revents)
			goes_on(s);
		if (wait[1].revents) {
			ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

			if (n <= 0) {
				terminal_gone(s);
				wait[1].fd = -1;
			} else if (memchr(keys, CONTROL('C'), (size_t)n)) {
				s->left = true;
			}
		}
		if (s->left && !said && wait[1].fd >= 0) {
			newtPopHelpLine();
			newtPushHelpLine("The wizard ends when this stick is done");
			said = true;
		}
		if (now >= total && !later) {
			newtTextboxSetText(label, text_later);
			later = true;
		}
		if (wait[1].fd < 0)
			continue;
		newtScaleSet(bar, now < total ? now : total);
		newtRefresh();
	}
	screen_close_window(s, form, SCREEN_REDRAW);
}

size_t screen_text(char *out, size_t size, const char *text, size_t most, bool tail)
{
	wchar_t wide[CELL_MAX];
	mbstate_t state = { 0 };
	size_t n = 0, first = 0, columns = 0, at = 0, length = strlen(text);
	const char *dots = "";

	if (tail && length >= CELL_MAX)
		text += length - CELL_MAX + 1;
	while (*text && n < CELL_MAX) {
		wchar_t c;
		size_t used = mbrtowc(&c, text, strlen(text), &state);

		if (used == (size_t)-1 || used == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			used = 1;
			c = L'?';
		}
		if (!iswprint((wint_t)c) || wcwidth(c) < 1)
			c = L'?';
		wide[n++] = c;
		columns += (size_t)wcwidth(c);
		text += used;
	}
	if (most > 3 && columns > most) {
		dots = "...";
		while (columns > most - 3 && first < n)
			columns -= (size_t)wcwidth(tail ? wide[first++] : wide[--n]);
		columns += 3;
	}
	if (tail)
		at += (size_t)snprintf(out, size, "%s", dots);
	memset(&state, 0, sizeof(state));
	for (; first < n && at + MB_CUR_MAX < size; first++) {
		size_t used = wcrtomb(out + at, wide[first], &state);

		at += used == (size_t)-1 ? 0 : used;
	}
	if (!tail)
		for (; *dots && at + 1 < size; dots++)
			out[at++] = *dots;
	out[at < size ? at : size - 1] = '\0';
	return columns;
}

void screen_cell(char *out, size_t size, const char *text, size_t width, bool tail)
{
	size_t columns = screen_text(out, size, text, width, tail), at = strlen(out);

	for (; columns < width && at + 1 < size; columns++)
		out[at++] = ' ';
	out[at] = '\0';
}
