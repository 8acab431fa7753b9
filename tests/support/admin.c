/* An operator at work on a map of its own, and lists for it to read, for tests. */
#include "server/keymap/events.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "tests/support/admin.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct operator op;

void admin_enter(void)
{
	map_enter();
	op = (struct operator){ .map = m, .name = "anna", .now = ADMIN_NOW };
}

void admin_leave(void)
{
	map_leave();
}

void put_file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(close(fd), 0);
}

FILE *list_of(const char *text)
{
	FILE *file;

	put_file("list", text);
	file = fopen("list", "r");
	ck_assert_ptr_nonnull(file);
	return file;
}

unsigned long long keys_in_map(void)
{
	struct keymap_counts counts;

	ok(keymap_count(m, ADMIN_NOW, &counts, &fault));
	return counts.total;
}

static int count_by_anna(void *context, const struct logentry *e)
{
	unsigned *n = context;

	*n += strstr(e->what, ", by anna") != NULL;
	return 0;
}

unsigned logged(const char *event)
{
	const struct keymap_log_filter filter = { .name = event };
	unsigned n = 0;

	ok(keymap_log_each(m, &filter, count_by_anna, &n, &fault));
	return n;
}

void add_pairs(unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++) {
		struct keyentry e = scratch_pair(i);

		ok(keymap_add(m, &e, 0, NULL, &fault));
	}
}

void say_hello(unsigned n)
{
	struct keyentry e = scratch_pair(n);
	const struct keymap_hello hello = { scratch_uuid(n), e.pair.pid, "192.0.2.1", 2, 0 };
	enum keymap_claim claim;

	ok(keymap_system_hello(m, &hello, SYSTEM_QUEUED, ADMIN_NOW, NULL, NULL, &fault));
	ok(keymap_reserve(m, e.pair.pid, &hello.uuid, ADMIN_NOW, 900, &claim, NULL, &fault));
}

void prove(unsigned n)
{
	const struct uuid uuid = scratch_uuid(n);
	struct keyentry e = scratch_pair(n);
	struct system before;
	bool changed;

	say_hello(n);
	ok(keymap_system_prove(m, &uuid, e.pair.pid, "192.0.2.1", ADMIN_NOW, &before, &changed,
			       &fault));
	ok(keymap_use(m, e.pair.pid, &uuid, ADMIN_NOW, NULL, &fault));
}
