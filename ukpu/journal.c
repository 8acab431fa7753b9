/* The journal of PIDs and sticks: an append-only text file. */
#include "ukpu/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "keygen/outfile.h"
#include "setupbin/file.h"

/* STICK without blanks and control characters. */
static void escape(char *out, size_t size, const char *stick)
{
	size_t n = 0;

	for (; *stick && n + 4 < size; stick++) {
		unsigned char c = (unsigned char)*stick;

		if (c <= ' ' || c == '%' || c == 0x7F)
			n += (size_t)sprintf(out + n, "%%%02X", c);
		else
			out[n++] = (char)c;
	}
	out[n] = '\0';
	if (!n)
		snprintf(out, size, "%%00");	/* a stick without any name */
}

static int by_pid(const void *a, const void *b)
{
	return strcmp(a, b);	/* both begin with the PID */
}

/*
 * One pass: PIDS sorted; for each, the last stick (not this one) that got it. A "gone" line takes
 * back what was put on its stick before, so later lines win.
 */
struct look_up {
	char (*pids)[PID_LENGTH + 1];
	size_t n;
	struct journal_hit *seen;	/* one for each PID; "" stick: nowhere else */
};

static void forget(struct look_up *l, const char *stick)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!strcmp(l->seen[i].stick, stick))
			l->seen[i].stick[0] = '\0';
	}
}

static void take_line(struct look_up *l, char *line, const char *own)
{
	char *field[4], *at;
	const char *when, *what, *stick, *pid;

	/* A journal may have hundreds of thousands of lines, most of them of this stick. */
	for (size_t i = 0; i < 4; i++) {
		field[i] = line;
		line = strpbrk(line, i < 3 ? "\t" : "\n");
		if (!line)
			return;
		*line++ = '\0';
	}
	when = field[0];
	what = field[1];
	stick = field[2];
	pid = field[3];
	if (!strcmp(stick, own))
		return;
	if (!strcmp(what, "gone")) {
		forget(l, stick);
		return;
	}
	if (strcmp(what, "put") || strlen(pid) != PID_LENGTH)
		return;
	at = bsearch(pid, l->pids, l->n, sizeof(l->pids[0]), by_pid);
	if (at) {
		struct journal_hit *seen = &l->seen[(size_t)(at - l->pids[0]) / sizeof(l->pids[0])];

		snprintf(seen->pid, sizeof(seen->pid), "%s", pid);
		snprintf(seen->stick, sizeof(seen->stick), "%s", stick);
		snprintf(seen->time, sizeof(seen->time), "%s", when);
	}
}

long journal_elsewhere(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1],
		       size_t n, struct journal_hit *hit, struct fault *fault)
{
	struct look_up l = { .n = n };
	char own[JOURNAL_STICK], *line = NULL;
	size_t room = 0;
	FILE *f = fopen(path, "re");
	long found = 0;

	if (!f)
		return errno == ENOENT ? 0 :
			fault_sys(fault, errno, "cannot read the journal %s", path);
	escape(own, sizeof(own), stick);
	l.pids = malloc(n * sizeof(l.pids[0]) + 1);
	l.seen = calloc(n + 1, sizeof(*l.seen));
	if (!l.pids || !l.seen) {
		found = fault_set(fault, KIT_ERR_NOMEM, "no memory for the journal");
		goto out;
	}
	if (n)
		memcpy(l.pids, pids, n * sizeof(l.pids[0]));
	qsort(l.pids, n, sizeof(l.pids[0]), by_pid);
	while (getline(&line, &room, f) > 0)
		take_line(&l, line, own);
	if (ferror(f)) {
		found = fault_sys(fault, errno, "cannot read the journal %s", path);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if (!l.seen[i].stick[0])
			continue;
		if (!found++ && hit)
			*hit = l.seen[i];
	}
out:
	free(line);
	free(l.pids);
	free(l.seen);
	fclose(f);
	return found;
}

int journal_put(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1], size_t n,
		struct fault *fault)
{
	char own[JOURNAL_STICK], when[24];
	bool there = !access(path, F_OK);
	time_t now = time(NULL);
	struct tm tm;
	FILE *f = NULL;
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r = 0;

	if (fd < 0 || flock(fd, LOCK_EX) || !(f = fdopen(fd, "a"))) {
		r = fault_sys(fault, errno, "cannot write the journal %s", path);
		if (fd >= 0)
			close(fd);
		return r;
	}
	escape(own, sizeof(own), stick);
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(f, "%s\tgone\t%s\t*\n", when, own);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s\tput\t%s\t%s\n", when, own, pids[i]);
	if (fflush(f) || fsync(fd))
		r = fault_sys(fault, errno, "cannot write the journal %s", path);
	if (fclose(f) && !r)
		r = fault_sys(fault, errno, "cannot write the journal %s", path);
	/* A new name is durable only when its folder is. */
	return r || there ? r : outfile_sync_folder(path, fault);
}

int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input input;
	struct sbin_reader *reader = NULL;
	struct sbin_record record;
	struct sbin_variable pid;
	size_t room = 0;
	uint32_t number = 0, consumed;
	int r;

	*pids = NULL;
	*n = 0;
	sbin_input_memory(&input, &state, content->data, content->size, "setup.bin");
	r = sbin_reader_open(&reader, &input, fault);
	if (r)
		return r;
	consumed = sbin_reader_header(reader)->flags & SBIN_DO_NOT_CONSUME ? 0 :
		sbin_reader_header(reader)->consumed;
	while ((r = sbin_reader_next(reader, &record, NULL, fault)) == 1) {
		if (number++ < consumed || !sbin_record_valid(&record) ||
		    sbin_record_find(&record, SBIN_AMT, SBIN_PID, &pid) || pid.length != PID_LENGTH)
			continue;
		if (*n == room) {
			size_t more = room ? room * 2 : 64;
			void *p = reallocarray(*pids, more, sizeof(**pids));

			if (!p) {
				r = fault_set(fault, KIT_ERR_NOMEM, "no memory for the PIDs");
				break;
			}
			*pids = p;
			room = more;
		}
		memcpy((*pids)[*n], pid.value, PID_LENGTH);
		(*pids)[*n][PID_LENGTH] = '\0';
		/* A PID is public, but only if it is one: anything else is not written down. */
		if (!pidpps_check_pid((*pids)[*n]))
			++*n;
	}
	sbin_reader_free(&reader);
	if (r < 0) {
		free(*pids);
		*pids = NULL;
		*n = 0;
	}
	return r;
}
