/* Handling of secrets in memory, from files and from a person at a terminal. */
#include "common/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

void secret_wipe(void *p, size_t size)
{
	if (p)
		OPENSSL_cleanse(p, size);
}

bool secret_equal(const void *a, const void *b, size_t size)
{
	return CRYPTO_memcmp(a, b, size) == 0;
}

void secret_protect_process(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

/*
 * Read FD to its end or to SIZE bytes, or, where SIGNALS is a signalfd, to the end of a line or to
 * a signal: ECANCELED. Returns bytes or -1 with errno.
 */
static ssize_t read_all(int fd, int signals, char *out, size_t size)
{
	struct pollfd p[] = { { .fd = fd, .events = POLLIN },
			      { .fd = signals, .events = POLLIN } };
	size_t at = 0;

	while (at < size) {
		ssize_t n = signals < 0 ? 1 : poll(p, 2, -1);

		if (n > 0 && p[1].revents) {
			errno = ECANCELED;
			return -1;
		}
		if (n > 0)
			n = read(fd, out + at, size - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += (size_t)n;
		if (n == 0 || (signals >= 0 && memchr(out, '\n', at)))
			break;
	}
	return (ssize_t)at;
}

/* Read one line from FD; see secret_read(). */
static int read_line(int fd, int signals, const char *name, const char *what, char *out,
		     size_t size, struct fault *fault)
{
	/* Room for the line, CRLF and one byte more, to notice what is too long. */
	char buffer[1024];
	size_t length;
	ssize_t n;
	char *end, *rest;
	int rc;

	n = read_all(fd, signals, buffer, sizeof(buffer));
	if (n < 0) {
		rc = errno == ECANCELED ? KIT_ERR_CANCELLED :
		     fault_sys(fault, errno, "cannot read the %s from %s", what, name);
		goto out;
	}
	end = memchr(buffer, '\n', (size_t)n);
	length = end ? (size_t)(end - buffer) : (size_t)n;
	for (rest = end; rest && rest < buffer + n && (*rest == '\n' || *rest == '\r'); rest++)
		;
	if (end && rest != buffer + n) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s has more than one line where the %s alone"
			       " is expected", name, what);
		goto out;
	}
	if (length && buffer[length - 1] == '\r')
		length--;
	if (length == 0) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "the %s from %s is empty", what, name);
		goto out;
	}
	if (memchr(buffer, 0, length)) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "the %s from %s has a NUL byte in it",
			       what, name);
		goto out;
	}
	if (length >= size) {
		rc = fault_set(fault, KIT_ERR_RANGE, "the %s from %s is longer than %zu characters",
			       what, name, size - 1);
		goto out;
	}
	memcpy(out, buffer, length);
	out[length] = 0;
	rc = 0;
out:
	secret_wipe(buffer, sizeof(buffer));
	if (rc)
		secret_wipe(out, size);
	return rc;
}

/* One try of read_hidden(). KIT_ERR_CANCELLED: a signal waits, for a terminal with its echo. */
static int ask_hidden(int fd, int signals, const char *prompt, const char *what, char *out,
		      size_t size, struct fault *fault)
{
	struct termios old, hidden;
	int rc;

	if (tcgetattr(fd, &old))
		return fault_sys(fault, errno, "cannot prepare the terminal for the %s", what);
	hidden = old;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	hidden.c_lflag |= ECHONL;
	/* TCSAFLUSH throws away what was typed before the question. */
	if (tcsetattr(fd, TCSAFLUSH, &hidden))
		return fault_sys(fault, errno, "cannot hide the %s on the terminal", what);
	if (write(STDERR_FILENO, prompt, strlen(prompt)) < 0) {
		/* The person then types without a prompt; reading still works. */
	}
	rc = read_line(fd, signals, "the terminal", what, out, size, fault);
	/* What is left of a secret that was too long is not for the shell to run. */
	tcsetattr(fd, rc ? TCSAFLUSH : TCSANOW, &old);
	if (rc == KIT_ERR_CANCELLED && write(STDERR_FILENO, "\n", 1) < 0) {
		/* As above. */
	}
	return rc;
}

/*
 * The same from the terminal FD, with a prompt and the echo off. Ctrl-C and Ctrl-Z take effect
 * when the echo is on again; after a stop the question is asked again.
 */
static int read_hidden(int fd, const char *prompt, const char *what, char *out, size_t size,
		       struct fault *fault)
{
	static const int numbers[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP };
	sigset_t held, before;
	int rc, signals;

	sigemptyset(&held);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		sigaddset(&held, numbers[i]);
	signals = signalfd(-1, &held, SFD_CLOEXEC);
	if (signals < 0)
		return fault_sys(fault, errno, "cannot prepare the terminal for the %s", what);
	do {
		sigprocmask(SIG_BLOCK, &held, &before);
		rc = ask_hidden(fd, signals, prompt, what, out, size, fault);
		/* What waits is delivered here. */
		sigprocmask(SIG_SETMASK, &before, NULL);
	} while (rc == KIT_ERR_CANCELLED);
	close(signals);
	return rc;
}

int secret_read(const char *path, const char *what, char *out, size_t size, struct fault *fault)
{
	struct stat st;
	char prompt[128];
	int fd, rc;

	secret_wipe(out, size);
	if (strcmp(path, "-") == 0) {
		if (!isatty(STDIN_FILENO))
			return read_line(STDIN_FILENO, -1, "standard input", what, out, size,
					 fault);
		snprintf(prompt, sizeof(prompt), "%s: ", what);
		return read_hidden(STDIN_FILENO, prompt, what, out, size, fault);
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		rc = fault_sys(fault, errno, "cannot open %s for the %s\n"
			       "name a file of mode 0600 that holds the %s and nothing else", path,
			       what, what);
		return rc;
	}
	if (fstat(fd, &st)) {
		rc = fault_sys(fault, errno, "cannot examine %s", path);
	} else if (S_ISREG(st.st_mode) && (st.st_mode & 077)) {
		rc = fault_set(fault, KIT_ERR_PERMISSION, "%s holds the %s, but its mode %04o "
			       "gives others access\n"
			       "chmod 600 %s", path, what, (unsigned)(st.st_mode & 07777), path);
	} else {
		rc = read_line(fd, -1, path, what, out, size, fault);
	}
	close(fd);
	return rc;
}

int secret_prompt(const char *prompt, const char *what, char *out, size_t size,
		  struct fault *fault)
{
	int fd, rc;

	secret_wipe(out, size);
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fault_sys(fault, errno, "there is no terminal to ask for the %s", what);
	rc = read_hidden(fd, prompt, what, out, size, fault);
	close(fd);
	return rc;
}
