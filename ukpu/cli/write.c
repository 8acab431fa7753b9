/* ukpu: writing sticks side by side, and judging what stands on them afterwards. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/progress.h"
#include "ukpu/drive/probe.h"
#include "ukpu/stick/stick.h"
#include "ukpu/stick/mbr.h"
#include "ukpu/cli/ukpu.h"

void ukpu_print_result(void *context, const struct verify_result *r)
{
	if (context && (r->verdict == VERIFY_PASS || r->verdict == VERIFY_SKIP))
		return;
	printf("%s  %-17s  %s%s%s\n", verify_verdict_name(r->verdict), r->rule, r->text,
	       r->fix[0] ? "; fix: " : "", r->fix);
}

int ukpu_verify_stick(struct ukpu_stick *s, const struct disk *disk,
		      void (*found)(void *context, const struct verify_result *result),
		      void *context, struct fault *fault)
{
	const struct drive *d = target_drive(s->t);
	struct probe_signatures *signatures = calloc(1, sizeof(*signatures));
	struct verify_input in = {
		.disk = disk, .target = s->words.text, .image = !d, .usb = d && d->usb,
		.read_only = d && d->read_only, .signatures = signatures,
		.mounted = s->usage.n_mounts ? s->usage.mounts[0] : NULL,
	};
	int rc;

	if (!signatures)
		return fault_set(fault, KIT_ERR_NOMEM, "no memory to verify the stick");
	rc = probe_signatures(signatures, target_fd(s->t), 0, disk->size, fault);
	if (!rc)
		rc = verify_run(&in, found, context, &s->summary, fault);
	free(signatures);
	return rc ? fault_context(fault, "%s", s->path) : 0;
}

/* One stick being written in a thread of its own. */
struct job {
	struct ukpu_stick *stick;
	pthread_t thread;
	_Atomic uint64_t done;
	atomic_bool ended;
};

static void note_progress(void *context, uint64_t done, uint64_t total)
{
	struct job *job = context;

	atomic_store(&job->done, done);
}

static void *write_job(void *context)
{
	struct job *job = context;
	struct stick_progress progress = { note_progress, job };

	stick_write(&job->stick->plan, job->stick->t, &progress, &job->stick->fault);
	atomic_store(&job->ended, true);
	return NULL;
}

/* A line for each stick; UP lines of the last time are drawn over. */
static void draw_lines(struct job *jobs, size_t n, bool again)
{
	if (again)
		fprintf(stderr, "\033[%zuA", n);
	for (size_t i = 0; i < n; i++) {
		uint64_t total = jobs[i].stick->plan.bytes, done = atomic_load(&jobs[i].done);
		unsigned percent = total ? (unsigned)(done * 100 / total) : 0;

		fprintf(stderr, "\r%s: %u%%%s\033[K\n", jobs[i].stick->path,
			percent > 100 ? 100 : percent,
			!atomic_load(&jobs[i].ended) ? "" :
			jobs[i].stick->fault.code    ? " failed" :
						       " written");
	}
}

static void write_many(struct ukpu_stick *sticks, size_t n, bool show)
{
	const struct timespec pause = { .tv_nsec = 100000000 };
	struct job *jobs = calloc(n, sizeof(*jobs));
	bool drawn = false, busy = true;
	size_t started = 0;

	for (; jobs && started < n; started++) {
		jobs[started].stick = &sticks[started];
		if (pthread_create(&jobs[started].thread, NULL, write_job, &jobs[started]))
			break;
	}
	/* What no thread could be made for is written here, one after the other. */
	for (size_t i = started; i < n; i++)
		stick_write(&sticks[i].plan, sticks[i].t, NULL, &sticks[i].fault);
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
static char interrupted[PATH_MAX + 600];

static void tell_interrupted(int signal)
{
	ssize_t done = write(STDERR_FILENO, interrupted, strlen(interrupted));

	(void)done;
	raise(signal);		/* whose default action ends the program once this returns */
}

/* Who ends the program while it writes is told what that means. OLD is for forget_signals(). */
static void mind_signals(const struct ukpu_stick *s, size_t n, struct sigaction *old)
{
	struct sigaction mind = { .sa_handler = tell_interrupted, .sa_flags = SA_RESETHAND };
	const char *name = s->cli->program->name;
	int used = snprintf(interrupted, sizeof(interrupted), "\n%s: interrupted while it wrote: "
			    "what is on %s%s now is not complete\n  ", name, s->path,
			    n > 1 ? " and the others" : "");

	/* What was rebuilt from the stick itself may stand nowhere else any more. */
	if (!strcmp(s->cli->verb->name, "repair") && !cli_has(s->cli, "from"))
		snprintf(interrupted + used, sizeof(interrupted) - (size_t)used,
			 "rebuild it from the copy that was kept: %s repair %s --from %s\n", name,
			 s->words.text, s->copies == 1 ? s->kept : "COPY");
	else
		snprintf(interrupted + used, sizeof(interrupted) - (size_t)used,
			 "run the command again\n");
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

static void write_one(struct ukpu_stick *s)
{
	struct progress bar;
	struct stick_progress progress = { show_progress, &bar };

	progress_begin(&bar, s->path, s->plan.bytes, true, s->cli->quiet);
	stick_write(&s->plan, s->t, &progress, &s->fault);
	progress_end(&bar);
}

void ukpu_judge_written(struct ukpu_stick *s,
			void (*found)(void *context, const struct verify_result *result),
			void *context)
{
	const struct disk *fresh;

	if (target_fresh(s->t, &fresh, &s->fault) || !s->content.size)
		return;
	ukpu_note_written(s);
	memset(&s->usage, 0, sizeof(s->usage));		/* held exclusively: nothing is mounted */
	if (ukpu_verify_stick(s, fresh, found, context, &s->fault))
		return;
	if (s->summary.failed) {
		fault_set(&s->fault, KIT_ERR_VERIFY, "%s is written, and what was written came "
			  "back, but firmware would not take it: %u rule%s failed\n"
			  "each says what mends it; ukpu verify %s shows them again", s->path,
			  s->summary.failed, plural(s->summary.failed), s->words.text);
	}
}

size_t ukpu_write_all(struct ukpu_stick *sticks, size_t n)
{
	struct sigaction old[ENDINGS];
	struct fault late = { 0 };
	size_t failed = 0;
	int only_bad = 1;

	mind_signals(sticks, n, old);
	if (n == 1)
		write_one(sticks);
	else
		write_many(sticks, n, !sticks->cli->quiet && isatty(STDERR_FILENO));
	forget_signals(old);
	for (size_t i = 0; i < n; i++) {
		struct ukpu_stick *s = &sticks[i];

		if (!s->fault.code)
			ukpu_judge_written(s, ukpu_print_result, &only_bad);
		/* A kernel that goes on with the old table is no failure of the stick's. */
		fault_clear(&late);
		if (!s->fault.code && mbr_reread(s->t, &late))
			cli_warn(s->cli, "%s; it will after the stick is pulled", late.what);
		if (s->fault.code) {
			cli_fail(s->cli, &s->fault);
			failed++;
		}
	}
	return failed;
}

int ukpu_failed_status(const struct ukpu_stick *s)
{
	if (!s->fault.code)
		return EXIT_YES;
	return s->fault.code == KIT_ERR_VERIFY && s->summary.failed ? EXIT_NO : EXIT_CANNOT;
}

void ukpu_print_summary(const struct ukpu_stick *s)
{
	const struct sbin_summary *c = &s->summary.contents;
	char post[SBIN_POST_TEXT];

	printf("%s: ready. Layout %s; %u record%s, %u left; ", s->path,
	       layout_name(s->plan.layout.kind), c->records, plural(c->records), c->valid);
	if (c->next)
		printf("next is record %u, PID %s.\n", c->next,
		       c->next_pid[0] ? c->next_pid : "none");
	else
		printf("none is next.\n");
	sbin_post_text(c->post_seconds, post);
	printf("  Expect %s more in each machine's POST.\n", post);
	if (!target_is_image(s->t))
		printf("  Pull the stick now: other systems leave files on it.\n");
}
