/* The journal of PIDs and sticks: an append-only text file. */
#include "ukpu/stick/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/outfile.h"
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

/* For people: blanks are harmless there. */
static void show_blanks(char *stick)
{
	for (char *p; (p = strstr(stick, "%20")); ) {
		*p = ' ';
		memmove(p + 1, p + 3, strlen(p + 3) + 1);
	}
}

static int by_pid(const void *a, const void *b)
{
	return strcmp(a, b);	/* both begin with the PID */
}

/*
 * One pass over the lines: PIDS sorted; for each, all sticks that got it. What a stick got belongs
 * to one of its generations: "next" begins a new one, "done" ends the older ones, "gone" all.
 */
struct place {
	uint32_t stick;			/* index */
	uint32_t generation;
	char time[24];
	struct place *more;		/* of the same PID */
};

struct known_stick {
	char name[JOURNAL_STICK];	/* as it stands in the journal */
	uint32_t generation, first;	/* the one that is written; the first that still stands */
};

struct look_up {
	char (*pids)[PID_LENGTH + 1];
	size_t n;
	struct place **places;		/* one list for each PID */
	struct known_stick *stick;
	size_t n_sticks, room, last;
};

static struct known_stick *find_stick(struct look_up *l, const char *name)
{
	struct known_stick *more;

	/* Lines of one stick mostly stand together. */
	if (l->n_sticks && !strcmp(l->stick[l->last].name, name))
		return &l->stick[l->last];
	for (size_t i = 0; i < l->n_sticks; i++) {
		if (!strcmp(l->stick[i].name, name)) {
			l->last = i;
			return &l->stick[i];
		}
	}
	if (l->n_sticks == l->room) {
		l->room = l->room ? l->room * 2 : 16;
		more = reallocarray(l->stick, l->room, sizeof(*l->stick));
		if (!more)
			return NULL;
		l->stick = more;
	}
	l->last = l->n_sticks++;
	more = &l->stick[l->last];
	memset(more, 0, sizeof(*more));
	snprintf(more->name, sizeof(more->name), "%s", name);
	return more;
}

static int add_place(struct look_up *l, const char *pid, const char *stick, const char *when)
{
	char *at = bsearch(pid, l->pids, l->n, sizeof(l->pids[0]), by_pid);
	struct place **list, *p;
	struct known_stick *s;

	if (!at)
		return 0;
	s = find_stick(l, stick);
	if (!s)
		return KIT_ERR_NOMEM;
	list = &l->places[(size_t)(at - l->pids[0]) / sizeof(l->pids[0])];
	for (p = *list; p && p->stick != l->last; )
		p = p->more;
	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return KIT_ERR_NOMEM;
		p->stick = (uint32_t)l->last;
		p->more = *list;
		*list = p;
	}
	p->generation = s->generation;
	snprintf(p->time, sizeof(p->time), "%s", when);
	return 0;
}

static int take_line(struct look_up *l, char *line, const char *own)
{
	char *field[4];
	const char *what, *stick;
	struct known_stick *s;

	/* A journal may have hundreds of thousands of lines, most of them of this stick. */
	for (size_t i = 0; i < 4; i++) {
		field[i] = line;
		line = strpbrk(line, i < 3 ? "\t" : "\n");
		if (!line)
			return 0;
		*line++ = '\0';
	}
	what = field[1];
	stick = field[2];
	if (own && !strcmp(stick, own))
		return 0;
	if (!strcmp(what, "put"))
		return strlen(field[3]) == PID_LENGTH ? add_place(l, field[3], stick, field[0]) : 0;
	if (strcmp(what, "next") && strcmp(what, "done") && strcmp(what, "gone"))
		return 0;
	s = find_stick(l, stick);
	if (!s)
		return KIT_ERR_NOMEM;
	if (strcmp(what, "done"))
		s->generation++;
	if (strcmp(what, "next"))
		s->first = s->generation;
	return 0;
}

/* The sticks that still have a PID of the list; *latest is the one that got it last. */
static bool still_there(const struct look_up *l, const struct place *p, const struct place **latest)
{
	*latest = NULL;
	for (; p; p = p->more) {
		if (p->generation >= l->stick[p->stick].first &&
		    (!*latest || strcmp(p->time, (*latest)->time) > 0))
			*latest = p;
	}
	return *latest;
}

static void free_look_up(struct look_up *l)
{
	for (size_t i = 0; i < l->n && l->places; i++) {
		struct place *p, *next;

		for (p = l->places[i]; p; p = next) {
			next = p->more;
			free(p);
		}
	}
	free(l->places);
	free(l->pids);
	free(l->stick);
}

long journal_elsewhere(const char *path, const char *stick, const char (*pids)[PID_LENGTH + 1],
		       size_t n, struct journal_hit *hit, struct fault *fault)
{
	struct look_up l = { .n = n };
	char own[JOURNAL_STICK], *line = NULL;
	const struct place *latest;
	size_t room = 0;
	FILE *f = fopen(path, "re");
	long found = 0;
	int rc = 0;

	if (!f)
		return errno == ENOENT ? 0 :
			fault_sys(fault, errno, "cannot read the journal %s", path);
	if (stick)
		escape(own, sizeof(own), stick);
	l.pids = malloc(n * sizeof(l.pids[0]) + 1);
	l.places = calloc(n + 1, sizeof(*l.places));
	if (!l.pids || !l.places) {
		found = fault_set(fault, KIT_ERR_NOMEM, "no memory for the journal");
		goto out;
	}
	if (n)
		memcpy(l.pids, pids, n * sizeof(l.pids[0]));
	qsort(l.pids, n, sizeof(l.pids[0]), by_pid);
	while (!rc && getline(&line, &room, f) > 0)
		rc = take_line(&l, line, stick ? own : NULL);
	if (rc || ferror(f)) {
		found = rc ? fault_set(fault, rc, "no memory for the journal") :
			fault_sys(fault, errno, "cannot read the journal %s", path);
		goto out;
	}
	for (size_t i = 0; i < n; i++) {
		if (!still_there(&l, l.places[i], &latest))
			continue;
		if (!found++ && hit) {
			pidpps_show_pid(l.pids[i], hit->pid);
			snprintf(hit->stick, sizeof(hit->stick), "%s", l.stick[latest->stick].name);
			show_blanks(hit->stick);
			snprintf(hit->time, sizeof(hit->time), "%s", latest->time);
		}
	}
out:
	free(line);
	free_look_up(&l);
	fclose(f);
	return found;
}

/* Does the file end in the middle of a line, because a program or the machine died there? */
static bool is_torn(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char last;

	return end > 0 && pread(fd, &last, 1, end - 1) == 1 && last != '\n';
}

/*
 * Append a line WHAT, then one for each PID; on the medium afterwards if DURABLE. Only if the
 * journal has SIZE bytes (negative: any), which somebody knows.
 */
static int append(const char *path, int64_t size, const char *stick, const char *what,
		  const char (*pids)[PID_LENGTH + 1], size_t n, bool durable, struct fault *fault)
{
	char own[JOURNAL_STICK], when[24];
	bool there = !access(path, F_OK);
	time_t now = time(NULL);
	struct tm tm;
	FILE *f = NULL;
	int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int rc = 0;

	if (fd < 0 || flock(fd, LOCK_EX) || !(f = fdopen(fd, "a"))) {
		rc = fault_sys(fault, errno, "cannot write the journal %s", path);
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (size >= 0 && lseek(fd, 0, SEEK_END) != size) {
		fclose(f);
		return KIT_ERR_BUSY;
	}
	escape(own, sizeof(own), stick);
	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	fprintf(f, "%s%s\t%s\t%s\t*\n", is_torn(fd) ? "\n" : "", when, what, own);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "%s\tput\t%s\t%s\n", when, own, pids[i]);
	if (fflush(f) || (durable && fsync(fd)))
		rc = fault_sys(fault, errno, "cannot write the journal %s", path);
	if (fclose(f) && !rc)
		rc = fault_sys(fault, errno, "cannot write the journal %s", path);
	/* A new name is durable only when its folder is. */
	return rc || there || !durable ? rc : outfile_sync_folder(path, fault);
}

int journal_put(const char *path, int64_t size, const char *stick,
		const char (*pids)[PID_LENGTH + 1], size_t n, struct fault *fault)
{
	return append(path, size, stick, "next", pids, n, true, fault);
}

int journal_done(const char *path, const char *stick, struct fault *fault)
{
	return append(path, -1, stick, "done", NULL, 0, false, fault);
}

int journal_gone(const char *path, const char *stick, struct fault *fault)
{
	return append(path, -1, stick, "gone", NULL, 0, true, fault);
}

int journal_pids(const struct content *content, char (**pids)[PID_LENGTH + 1], size_t *n,
		 struct fault *fault)
{
	struct sbin_memory_input state;
	struct sbin_input input;
	struct sbin_reader *reader = NULL;
	const struct sbin_header *h;
	struct sbin_record record;
	struct sbin_variable pid;
	size_t room = 0;
	uint32_t number = 0, consumed;
	int rc;

	*pids = NULL;
	*n = 0;
	sbin_input_memory(&input, &state, content->data, content->size, "setup.bin");
	rc = sbin_reader_open(&reader, &input, fault);
	if (rc)
		return rc;
	h = sbin_reader_header(reader);
	consumed = sbin_header_consumable(h) ? h->consumed : 0;
	while ((rc = sbin_reader_next(reader, &record, NULL, fault)) == 1) {
		if (number++ < consumed || !sbin_record_valid(&record) ||
		    sbin_record_find(&record, SBIN_AMT, SBIN_PID, &pid) || pid.length != PID_LENGTH)
			continue;
		if (*n == room) {
			size_t more = room ? room * 2 : 64;
			void *p = reallocarray(*pids, more, sizeof(**pids));

			if (!p) {
				rc = fault_set(fault, KIT_ERR_NOMEM, "no memory for the PIDs");
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
	if (rc < 0) {
		free(*pids);
		*pids = NULL;
		*n = 0;
	}
	return rc;
}
