/* ukpu: writing sticks side by side, with progress, and saying what a signal means meanwhile. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/progress.h"
#include "common/text.h"
#include "ukpu/cli/terminal.h"
#include "ukpu/stick/mbr.h"

/* One stick being written in a thread of its own. */
struct write_thread {
	struct work *work;
	pthread_t thread;
	_Atomic uint64_t done;
	atomic_bool ended;
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	struct write_thread *job = context;

	atomic_store(&job->done, done);
}

static void *write_job(void *context)
{
	struct write_thread *job = context;
	struct stick_progress progress = { note_progress, job };

	stick_write(&job->work->plan, job->work->t, &progress, &job->work->fault);
	atomic_store(&job->ended, true);
	return NULL;
}

/* A line for each stick; UP lines of the last time are drawn over. */
static void draw_lines(struct write_thread *jobs, size_t n, bool again)
{
	if (again)
		fprintf(stderr, "\033[%zuA", n);
	for (size_t i = 0; i < n; i++) {
		uint64_t total = jobs[i].work->plan.bytes, done = atomic_load(&jobs[i].done);
		unsigned percent = total ? (unsigned)(done * 100 / total) : 0;

		fputc('\r', stderr);
		text_print(stderr, "%s: %u%%%s", jobs[i].work->path, percent > 100 ? 100 : percent,
			   !atomic_load(&jobs[i].ended) ? "" :
			   jobs[i].work->fault.code    ? " failed" :
							  " written");
		fputs("\033[K\n", stderr);
	}
}

static void write_many(struct work *works, size_t n, bool show)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct write_thread *jobs = calloc(n, sizeof(*jobs));
	bool drawn = false, busy = true;
	size_t started = 0;

	for (; jobs && started < n; started++) {
		jobs[started].work = &works[started];
		if (pthread_create(&jobs[started].thread, NULL, write_job, &jobs[started]))
			break;
	}
	/* What no thread could be made for is written here, one after the other. */
	for (size_t i = started; i < n; i++)
		stick_write(&works[i].plan, works[i].t, NULL, &works[i].fault);
	while (busy && started) {
		busy = false;
		for (size_t i = 0; i < started; i++)
			busy = busy || !atomic_load(&jobs[i].ended);
		if (show) {
			draw_lines(jobs, started, drawn);
			drawn = true;
		}
		if (busy)
			nanosleep(&pause, NULL);
	}
	for (size_t i = 0; i < started; i++)
		pthread_join(jobs[i].thread, NULL);
	free(jobs);
}

static const int endings[] = { SIGINT, SIGTERM, SIGHUP };

#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

/* What a handler says must be ready before: then it can do no more than write it. */
static char interrupted[3 * PATH_MAX + 600];

static void say_interrupted(int signal)
{
	ssize_t done = write(STDERR_FILENO, interrupted, strlen(interrupted));

	(void)done;
	raise(signal);		/* whose default action ends the program once this returns */
}

/* Whoever ends the program while it writes sees what that means. OLD: for forget_signals(). */
static void mind_signals(const struct terminal *t, const struct work *works, size_t n,
			 const char *recover, struct sigaction *old)
{
	struct sigaction mind = { .sa_handler = say_interrupted, .sa_flags = SA_RESETHAND };
	char path[PATH_MAX], how[2 * PATH_MAX + 100];

	/* The handler may not: it only writes. */
	text_clean(path, sizeof(path), works->path);
	text_clean(how, sizeof(how), recover ? recover : "");
	snprintf(interrupted, sizeof(interrupted), "\n%s: interrupted while writing: what is on "
		 "%s%s now is not complete\n  %s%s\n", t->cli->program->name, path,
		 n > 1 ? " and the others" : "",
		 recover ? "rebuild it from the copy that was kept: " : "run the command again",
		 how);
	for (size_t i = 0; i < ENDINGS; i++) {
		sigaction(endings[i], NULL, &old[i]);
		if (old[i].sa_handler == SIG_DFL)
			sigaction(endings[i], &mind, NULL);
	}
}

static void forget_signals(const struct sigaction *old)
{
	for (size_t i = 0; i < ENDINGS; i++)
		sigaction(endings[i], &old[i], NULL);
}

static void show_progress(void *context, uint64_t done, uint64_t total)
{
	progress_update(context, done);
}

static void write_one(const struct terminal *t, struct work *w)
{
	struct progress bar;
	struct stick_progress progress = { show_progress, &bar };

	progress_begin(&bar, w->path, w->plan.bytes, true, t->cli->quiet);
	stick_write(&w->plan, w->t, &progress, &w->fault);
	progress_end(&bar);
}

size_t terminal_write(struct terminal *t, struct work *works, size_t n, const char *recover)
{
	struct sigaction old[ENDINGS];
	struct fault late = { 0 };
	size_t failed = 0;
	int only_bad = 1;

	mind_signals(t, works, n, recover, old);
	if (n == 1)
		write_one(t, works);
	else
		write_many(works, n, !t->cli->quiet && isatty(STDERR_FILENO));
	forget_signals(old);
	for (size_t i = 0; i < n; i++) {
		struct work *w = &works[i];

		if (!w->fault.code)
			work_judge(w, terminal_print_result, &only_bad);
		/* A kernel that goes on with the old table is not a failure of the stick. */
		fault_clear(&late);
		if (!w->fault.code && mbr_reread(w->t, &late))
			cli_warn(t->cli, "%s; it will after the stick is pulled", late.what);
		if (w->fault.code) {
			cli_fail(t->cli, &w->fault);
			failed++;
		}
	}
	return failed;
}
