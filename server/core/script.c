/* The properties script: spawned, fed, heard, and killed when it takes too long. */
#include "server/core/script.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/secret.h"

#define COMPLAINT	200	/* bytes of standard error that go into the log */
#define HEARD		600	/* bytes of it that are kept: a secret may begin in the others */
#define WAYS_OUT	3	/* the first descriptor that a program does not expect */

TAILQ_HEAD(script_list, script);

struct script_pool {
	struct event_base *base;
	struct event *child;		/* SIGCHLD */
	struct event *turn;		/* to start what waits, from the loop */
	struct script_list running, waiting;
	size_t n_running;
	size_t limit;
};

enum { IN, OUT, ERR, PIPES };

struct script {
	TAILQ_ENTRY(script) entry;
	struct script_pool *pool;
	bool started;
	pid_t pid;
	char *path, *input;
	char **secrets;			/* SECRET */
	size_t n_secrets;
	size_t input_at;
	unsigned seconds;
	void (*done)(void *context, const struct script_result *result);
	void *context;
	int fd[PIPES];			/* this end; -1: closed */
	struct event *event[PIPES];
	struct event *deadline;
	char *output;			/* SCRIPT_OUTPUT + 1 */
	size_t size;
	char complaint[HEARD + 1];	/* SECRET, until hide_secrets() */
	size_t complaint_size;
	bool exited;
	int status;			/* of waitpid() */
	struct fault fault;
};

static void start_waiting(struct script_pool *p);

static void close_end(struct script *s, int which)
{
	if (s->event[which])
		event_free(s->event[which]);
	s->event[which] = NULL;
	if (s->fd[which] >= 0)
		close(s->fd[which]);
	s->fd[which] = -1;
}

/* How many bytes at TEXT say SECRET, whatever their case and dashes? 0: they do not. */
static size_t says(const char *text, const char *secret)
{
	const char *at = text;

	while (*secret) {
		if (*secret == '-') {
			secret++;
		} else if (*at == '-') {
			at++;
		} else if (strncasecmp(at, secret, 1) == 0) {
			at++;
			secret++;
		} else {
			return 0;
		}
	}
	return (size_t)(at - text);
}

/*
 * Put stars over every secret in what the script complained of, leave COMPLAINT bytes of it, and
 * one row of three stars for each.
 */
static void hide_secrets(struct script *s)
{
	bool secret[HEARD] = { false };
	size_t to = 0, stars = 0;

	/* All are found before one is hidden: they may overlap, or one may begin another. */
	for (size_t i = 0; i < s->n_secrets; i++)
		for (size_t at = 0; s->complaint[at]; at++)
			memset(secret + at, true, says(s->complaint + at, s->secrets[i]));
	for (size_t at = 0; at < COMPLAINT && s->complaint[at]; at++) {
		stars = secret[at] ? stars + 1 : 0;
		if (stars <= 3)
			s->complaint[to++] = stars ? '*' : s->complaint[at];
	}
	secret_wipe(s->complaint + to, sizeof(s->complaint) - to);
}

static void destroy(struct script *s)
{
	struct script_pool *p = s->pool;

	if (s->started && !s->exited) {
		kill(-s->pid, SIGKILL);
		waitpid(s->pid, NULL, 0);
	}
	for (int i = 0; i < PIPES; i++)
		close_end(s, i);
	if (s->deadline)
		event_free(s->deadline);
	if (s->started) {
		TAILQ_REMOVE(&p->running, s, entry);
		p->n_running--;
	} else {
		TAILQ_REMOVE(&p->waiting, s, entry);
	}
	for (size_t i = 0; i < s->n_secrets; i++) {
		secret_wipe(s->secrets[i], strlen(s->secrets[i]));
		free(s->secrets[i]);
	}
	free(s->secrets);
	free(s->path);
	free(s->input);
	free(s->output);
	secret_wipe(s->complaint, sizeof(s->complaint));
	free(s);
}

static void judge(struct script *s)
{
	hide_secrets(s);
	/* What was found before it was killed is kept. */
	if (WIFSIGNALED(s->status))
		fault_set(&s->fault, KIT_ERR_REFUSED, "the properties script was killed by "
			  "signal %d", WTERMSIG(s->status));
	else if (WEXITSTATUS(s->status))
		fault_set(&s->fault, KIT_ERR_REFUSED, "the properties script ended with status "
			  "%d%s%s", WEXITSTATUS(s->status), s->complaint_size ? ": " : "",
			  s->complaint);
	fault_hint(&s->fault, "run %s by hand with the same input, as the server's user",
		   s->path);
}

static void finish(struct script *s)
{
	struct script_result r = { .output = "" };
	struct script_pool *p = s->pool;
	void (*done)(void *context, const struct script_result *result) = s->done;
	void *context = s->context;
	char *output = s->output;

	judge(s);
	r.fault = s->fault;
	r.code = s->fault.code;
	r.size = s->size;
	if (output) {
		output[s->size] = '\0';
		r.output = output;
	}
	s->output = NULL;
	destroy(s);
	done(context, &r);
	free(output);
	start_waiting(p);
}

/* Stop it at once, for the reason in s->fault; it is over when SIGCHLD comes. */
static void kill_now(struct script *s)
{
	kill(-s->pid, SIGKILL);
	for (int i = 0; i < PIPES; i++)
		close_end(s, i);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct script *s = context;

	fault_set(&s->fault, KIT_ERR_TIMEOUT, "the properties script did not end within %u s and "
		  "was killed\n"
		  "make %s faster, or raise props_script_timeout", s->seconds, s->path);
	kill_now(s);
}

/* Take a piece of its output. True: there may be more now. */
static bool read_output(struct script *s)
{
	ssize_t n = read(s->fd[OUT], s->output + s->size, SCRIPT_OUTPUT + 1 - s->size);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		close_end(s, OUT);
		return false;
	}
	s->size += (size_t)n;
	if (s->size <= SCRIPT_OUTPUT)
		return true;
	s->size = 0;
	fault_set(&s->fault, KIT_ERR_RANGE, "the properties script wrote more than %d bytes and "
		  "was killed", SCRIPT_OUTPUT);
	return false;
}

/*
 * The beginning of its complaints is kept for the log, on one line; the rest is read and dropped.
 */
static bool read_complaint(struct script *s)
{
	char buffer[512];
	ssize_t n = read(s->fd[ERR], buffer, sizeof(buffer));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return errno == EINTR;
	if (n <= 0) {
		close_end(s, ERR);
		return false;
	}
	for (ssize_t i = 0; i < n && s->complaint_size < HEARD; i++)
		s->complaint[s->complaint_size++] = (unsigned char)buffer[i] < ' ' ? ' '
						  : buffer[i];
	secret_wipe(buffer, sizeof(buffer));
	s->complaint[s->complaint_size] = '\0';
	return s->complaint_size < HEARD;
}

static void on_output(evutil_socket_t fd, short what, void *context)
{
	struct script *s = context;

	read_output(s);
	if (s->fault.code)
		kill_now(s);
}

static void on_complaint(evutil_socket_t fd, short what, void *context)
{
	read_complaint(context);
}

static void on_input(evutil_socket_t fd, short what, void *context)
{
	struct script *s = context;
	size_t left = strlen(s->input) - s->input_at;
	ssize_t n = write(s->fd[IN], s->input + s->input_at, left);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A script may do without its input. */
	if (n < 0 || (size_t)n == left) {
		close_end(s, IN);
		return;
	}
	s->input_at += (size_t)n;
}

static void on_child(evutil_socket_t number, short what, void *context)
{
	struct script_pool *p = context;
	struct script *s, *next;

	for (s = TAILQ_FIRST(&p->running); s; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->exited || waitpid(s->pid, &s->status, WNOHANG) != s->pid)
			continue;
		s->exited = true;
		kill(-s->pid, SIGKILL);
		/*
		 * All that it said is in the pipes by now. Whatever it left behind may hold them
		 * open for ever, even in a session of its own: their end is not waited for.
		 */
		while (s->fd[OUT] >= 0 && read_output(s))
			;
		while (s->fd[ERR] >= 0 && read_complaint(s))
			;
		finish(s);
	}
}

static int make_pipes(struct script *s, int theirs[static PIPES], struct fault *fault)
{
	for (int i = 0; i < PIPES; i++) {
		int ends[2], ours = i == IN ? 1 : 0;

		if (pipe2(ends, O_CLOEXEC))
			return fault_sys(fault, errno, "cannot make a pipe for the properties "
					 "script");
		s->fd[i] = ends[ours];
		theirs[i] = ends[!ours];
		fcntl(s->fd[i], F_SETFL, fcntl(s->fd[i], F_GETFL) | O_NONBLOCK);
	}
	return 0;
}

/*
 * In the child: become the program, or say by REPORT why not. Only calls that are safe after a
 * fork; posix_spawn() would do all of this but the death signal.
 */
static void __attribute__((noreturn))
become(const struct script *s, const int theirs[static PIPES], int report, pid_t parent)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LANG=C.UTF-8";
	char *argv[] = { s->path, NULL }, *env[] = { path, lang, NULL };
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t none;
	ssize_t written;
	int err = 0;

	setsid();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)	/* it ended before that was said */
		_exit(127);
	for (int i = 1; i < NSIG; i++)
		sigaction(i, &usual, NULL);	/* some cannot be changed */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (int i = 0; i < PIPES && !err; i++)
		if (dup2(theirs[i], i) < 0)
			err = errno;
	if (!err && (close_range(WAYS_OUT, ~0u, CLOSE_RANGE_CLOEXEC) || chdir("/")))
		err = errno;
	if (!err) {
		execve(s->path, argv, env);
		err = errno;
	}
	written = write(report, &err, sizeof(err));
	(void)written;
	_exit(127);
}

static int spawn(struct script *s, const int theirs[static PIPES], struct fault *fault)
{
	pid_t parent = getpid();
	int report[2], err = 0;

	if (pipe2(report, O_CLOEXEC))
		return fault_sys(fault, errno, "cannot make a pipe for the properties script");
	s->pid = fork();
	if (s->pid == 0)
		become(s, theirs, report[1], parent);
	close(report[1]);
	if (s->pid < 0)
		err = errno;
	/* It ends when the program runs, as it is closed then. */
	while (!err && read(report[0], &err, sizeof(err)) < 0 && errno == EINTR)
		;
	close(report[0]);
	if (!err)
		return 0;
	if (s->pid > 0)
		waitpid(s->pid, NULL, 0);
	return fault_sys(fault, err, "cannot run the properties script %s\n"
			 "check that it is there, is executable for the server's user, and that "
			 "its first line names an interpreter that is installed", s->path);
}

static int add_events(struct script *s, struct fault *fault)
{
	static const event_callback_fn functions[] = {
		[IN] = on_input, [OUT] = on_output, [ERR] = on_complaint,
	};
	struct timeval limit = { .tv_sec = s->seconds };

	for (int i = 0; i < PIPES; i++) {
		s->event[i] = event_new(s->pool->base, s->fd[i],
					(i == IN ? EV_WRITE : EV_READ) | EV_PERSIST,
					functions[i], s);
		if (!s->event[i] || event_add(s->event[i], NULL))
			return fault_nomem(fault);
	}
	s->deadline = evtimer_new(s->pool->base, on_deadline, s);
	if (!s->deadline || evtimer_add(s->deadline, &limit))
		return fault_nomem(fault);
	return 0;
}

static int start(struct script *s)
{
	int theirs[PIPES] = { -1, -1, -1 }, rc;

	s->output = malloc(SCRIPT_OUTPUT + 2);
	rc = s->output ? make_pipes(s, theirs, &s->fault) : fault_nomem(&s->fault);
	if (!rc)
		rc = spawn(s, theirs, &s->fault);
	for (int i = 0; i < PIPES; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	if (rc)
		return rc;
	TAILQ_REMOVE(&s->pool->waiting, s, entry);
	TAILQ_INSERT_TAIL(&s->pool->running, s, entry);
	s->pool->n_running++;
	s->started = true;
	return add_events(s, &s->fault);
}

static void start_waiting(struct script_pool *p)
{
	struct script *s;

	while (p->n_running < p->limit && (s = TAILQ_FIRST(&p->waiting)))
		if (start(s)) {
			finish(s);	/* which comes back here for the next */
			return;
		}
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	start_waiting(context);
}

int script_pool_new(struct script_pool **out, struct event_base *base, struct fault *fault)
{
	struct script_pool *p = calloc(1, sizeof(*p));

	*out = NULL;
	if (!p)
		return fault_nomem(fault);
	TAILQ_INIT(&p->running);
	TAILQ_INIT(&p->waiting);
	p->base = base;
	p->child = evsignal_new(base, SIGCHLD, on_child, p);
	p->turn = evtimer_new(base, on_turn, p);
	if (!p->turn || !p->child || event_add(p->child, NULL)) {
		script_pool_free(&p);
		return fault_nomem(fault);
	}
	*out = p;
	return 0;
}

void script_pool_free(struct script_pool **p)
{
	if (!*p)
		return;
	if ((*p)->child)
		event_free((*p)->child);
	if ((*p)->turn)
		event_free((*p)->turn);
	free(*p);
	*p = NULL;
}

static int copy_job(struct script *s, const struct script_job *job)
{
	s->path = strdup(job->path);
	s->input = strdup(job->input);
	s->secrets = calloc(job->n_secrets + 1, sizeof(*s->secrets));
	if (!s->path || !s->input || !s->secrets)
		return KIT_ERR_NOMEM;
	for (size_t i = 0; i < job->n_secrets; i++) {
		if (!job->secrets[i] || !*job->secrets[i])
			continue;
		s->secrets[s->n_secrets] = strdup(job->secrets[i]);
		if (!s->secrets[s->n_secrets])
			return KIT_ERR_NOMEM;
		s->n_secrets++;
	}
	s->seconds = job->seconds;
	s->done = job->done;
	s->context = job->context;
	return 0;
}

int script_run(struct script **out, struct script_pool *pool, const struct script_job *job,
	       struct fault *fault)
{
	struct timeval now = { 0 };
	struct script *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	for (int i = 0; i < PIPES; i++)
		s->fd[i] = -1;
	s->pool = pool;
	pool->limit = job->limit;
	TAILQ_INSERT_TAIL(&pool->waiting, s, entry);
	/* From the loop, so that done() is never called before this returns. */
	if (copy_job(s, job) || evtimer_add(pool->turn, &now)) {
		destroy(s);
		return fault_nomem(fault);
	}
	*out = s;
	return 0;
}

void script_cancel(struct script **s)
{
	struct timeval now = { 0 };
	struct script_pool *p;

	if (!*s)
		return;
	p = (*s)->pool;
	destroy(*s);
	*s = NULL;
	/* Its place is free; but not while a stop cancels one after the other. */
	if (!TAILQ_EMPTY(&p->waiting))
		evtimer_add(p->turn, &now);
}

int script_check(const char *path, struct fault *fault)
{
	struct stat st;

	if (stat(path, &st)) {
		fault_sys(fault, errno, "the properties script %s\n"
			  "put the script there, or set use_props_script to no", path);
	} else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111) || access(path, X_OK)) {
		fault_set(fault, KIT_ERR_PERMISSION, "the properties script %s cannot be run\n"
			  "chmod 755 it, and check that its interpreter is installed", path);
	} else if (st.st_mode & 022) {
		fault_set(fault, KIT_ERR_REFUSED, "others can change the properties script %s\n"
			  "remove the right (chmod go-w): the script decides which machine gets "
			  "which name", path);
	} else {
		return 0;
	}
	return fault->code;
}
