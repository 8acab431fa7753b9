/*
 * Fuzz target: the journal of sticks: a hostile sticks.db, and a journal that is taken over. The
 * first byte says which: 's' a journal to work with, 't' one to take over, SQLite's or a text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ukpu/stick/journal.h"

#define LARGEST	(256u << 10)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];
static uint8_t fresh[64u << 10];	/* a new journal, which takes its time to make */
static size_t fresh_size;

static const char *in_folder(const char *name, char out[96])
{
	snprintf(out, 96, "%s/%s", folder, name);
	return out;
}

static void clean_up(void)
{
	static const char *const names[] = {
		"sticks.db", "sticks.db-journal", "earlier", "earlier-journal",
		"earlier.taken-over",
	};
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unlink(in_folder(names[i], path));
	rmdir(folder);
}

static void make_folder(void)
{
	struct journal *j = NULL;
	const char *path;
	char name[96];
	FILE *f;

	/* In memory where that can be had: a run waits for several flushes. */
	snprintf(folder, sizeof(folder), "/dev/shm/fuzz-journal-XXXXXX");
	if (!mkdtemp(folder)) {
		snprintf(folder, sizeof(folder), "/tmp/fuzz-journal-XXXXXX");
		if (!mkdtemp(folder))
			abort();
	}
	atexit(clean_up);
	path = in_folder("sticks.db", name);
	if (journal_open(&j, path, NULL, NULL))
		abort();
	journal_close(&j);
	f = fopen(path, "r");
	fresh_size = f ? fread(fresh, 1, sizeof(fresh), f) : 0;
	if (!fresh_size || fresh_size == sizeof(fresh) || fclose(f))
		abort();
}

/* What every use of a journal does. What it says must be fit for a terminal. */
static void use(struct journal *j)
{
	static const char pids[2][PID_LENGTH + 1] = { "T001000N", "T001001V" };
	const struct drive d = { .name = "sda", .vendor = "Maker", .model = "Stick", .serial = "A1",
				 .port = "1-1", .bytes = 1000000000, .usb = true, .units = 1 };
	struct journal_hit hit = { 0 };
	struct fault fault = { 0 };
	struct identity id;
	int64_t stick = 0;
	long found;

	identity_of_drive(&id, &d, &d, 1);
	snprintf(id.mark, sizeof(id.mark), "disk 0000000a volume 0000000a");
	found = journal_elsewhere(j, &id, pids, 2, &hit, &fault);
	if (found > 2)
		abort();
	for (const char *p = hit.stick; *p; p++) {
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			abort();
	}
	if (journal_put(j, &id, "disk 0000000b", -1, pids, 2, &stick, &fault))
		return;
	/* What was put is not on another stick, and is here. */
	if (journal_done(j, stick, NULL))
		return;
	snprintf(id.mark, sizeof(id.mark), "disk 0000000b");
	journal_gone(j, &id, "", NULL);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	FILE *f = fopen(path, "w");

	if (!f || (size && fwrite(data, size, 1, f) != 1) || fclose(f))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[96], other[96];
	struct journal *j = NULL;

	if (!size || size > LARGEST)
		return 0;
	if (!folder[0])
		make_folder();
	unlink(in_folder("sticks.db", path));
	unlink(in_folder("sticks.db-journal", other));
	if (*data == 's')
		write_file(path, data + 1, size - 1);
	else
		write_file(path, fresh, fresh_size);
	if (journal_open(&j, path, NULL, NULL)) {
		/* A journal of our own making can be opened. */
		if (*data != 's')
			abort();
		return 0;
	}
	if (*data == 't') {
		write_file(in_folder("earlier", other), data + 1, size - 1);
		journal_take_over(j, other, NULL);
		if (journal_take_over(j, other, NULL) == 1)
			abort();	/* twice */
		unlink(other);
	}
	use(j);
	journal_close(&j);
	return 0;
}
