/* The properties script: spawned, fed, heard, and killed when it takes too long. */
#include "server/core/script.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMPLAINT	200	/* bytes of standard error that go into the log */

TAILQ_HEAD(script_list, script);

struct script_pool {
	struct event_base *base;
	struct event *child;		/* SIGCHLD */
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
	size_t input_at;
	unsigned seconds;
	void (*done)(void *context, const struct script_result *result);
	void *context;
	int fd[PIPES];			/* this end; -1: closed */
	struct event *event[PIPES];
	struct event *deadline;
	char *output;			/* SCRIPT_OUTPUT + 1 */
	size_t size;
	char complaint[COMPLAINT + 1];
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
	free(s->path);
	free(s->input);
	free(s->output);
	free(s);
}

static void judge(struct script *s)
{
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

/* Stop it at once, for the reason in s->fault; it is over when SIGCHLD tells of its exit. */
static void kill_now(struct script *s)
{
	kill(-s->pid, SIGKILL);
	for (int i = 0; i < PIPES; i++)
		close_end(s, i);
}

static void on_deadline(evutil_socket_t fd, short what, void *context)
{
	struct script *s = context;

	fault_set(&s->fault, KIT_ERR_TIMEOUT, "the properties script was not done within %u s and "
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

/* The beginning of its complaints is kept for the log, on one line; the rest is let pass. */
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
	for (ssize_t i = 0; i < n && s->complaint_size < COMPLAINT; i++)
		s->complaint[s->complaint_size++] = buffer[i] == '\n' ? ' ' : buffer[i];
	s->complaint[s->complaint_size] = '\0';
	return s->complaint_size < COMPLAINT;
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
	/* A script that does not read its input may well know what to do without. */
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

static int spawn(struct script *s, const int theirs[static PIPES], struct fault *fault)
{
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char lang[] = "LANG=C.UTF-8";
	char *argv[] = { s->path, NULL }, *env[] = { path, lang, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, all;
	int err;

	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	sigfillset(&all);
	for (int i = 0; i < PIPES; i++)
		posix_spawn_file_actions_adddup2(&actions, theirs[i], i);
	posix_spawn_file_actions_addclosefrom_np(&actions, PIPES);
	posix_spawn_file_actions_addchdir_np(&actions, "/");
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETPGROUP);
	err = posix_spawn(&s->pid, s->path, &actions, &attributes, argv, env);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (!err)
		return 0;
	return fault_sys(fault, err, "cannot run the properties script %s\n"
			 "is it there, executable for the server's user, and does its first line "
			 "name its interpreter?", s->path);
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
	int theirs[PIPES] = { -1, -1, -1 }, ret;

	s->output = malloc(SCRIPT_OUTPUT + 2);
	ret = s->output ? make_pipes(s, theirs, &s->fault)
	    : fault_nomem(&s->fault);
	if (!ret)
		ret = spawn(s, theirs, &s->fault);
	for (int i = 0; i < PIPES; i++)
		if (theirs[i] >= 0)
			close(theirs[i]);
	if (ret)
		return ret;
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
	if (!p->child || event_add(p->child, NULL)) {
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
	free(*p);
	*p = NULL;
}

static void on_turn(evutil_socket_t fd, short what, void *context)
{
	start_waiting(context);
}

int script_run(struct script **out, struct script_pool *pool, const char *path,
	       const char *input, unsigned seconds, size_t limit,
	       void (*done)(void *context, const struct script_result *result), void *context,
	       struct fault *fault)
{
	struct timeval now = { .tv_sec = 0 };
	struct script *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (!s)
		return fault_nomem(fault);
	for (int i = 0; i < PIPES; i++)
		s->fd[i] = -1;
	s->pool = pool;
	s->path = strdup(path);
	s->input = strdup(input);
	s->seconds = seconds;
	s->done = done;
	s->context = context;
	pool->limit = limit;
	TAILQ_INSERT_TAIL(&pool->waiting, s, entry);
	/* From the loop, so that done() is never called before this returns. */
	if (!s->path || !s->input ||
	    event_base_once(pool->base, -1, EV_TIMEOUT, on_turn, pool, &now)) {
		destroy(s);
		return fault_nomem(fault);
	}
	*out = s;
	return 0;
}

void script_cancel(struct script **s)
{
	struct script_pool *p;

	if (!*s)
		return;
	p = (*s)->pool;
	destroy(*s);
	*s = NULL;
	/* Its place is free; but not while a stop cancels one after the other. */
	if (!TAILQ_EMPTY(&p->waiting)) {
		struct timeval now = { .tv_sec = 0 };

		event_base_once(p->base, -1, EV_TIMEOUT, on_turn, p, &now);
	}
}

int script_check(const char *path, struct fault *fault)
{
	struct stat st;

	if (stat(path, &st)) {
		fault_sys(fault, errno, "the properties script %s\n"
			  "put the script there, or set use_props_script to no", path);
	} else if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111) || access(path, X_OK)) {
		fault_set(fault, KIT_ERR_PERMISSION, "the properties script %s cannot be run\n"
			  "chmod 755 it, and see that its interpreter is installed", path);
	} else if (st.st_mode & 022) {
		fault_set(fault, KIT_ERR_REFUSED, "others can change the properties script %s\n"
			  "chmod go-w it: who changes the script says which machine gets which "
			  "name", path);
	} else {
		return 0;
	}
	return fault->code;
}
