/* A medium that lies: what comes back different, what stays, and what was never there. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/stick.h"
#include "ukpu/stick/plan.h"
#include "ukpu/stick/stick.h"
#include "ukpu/drive/target.h"

#define SECTOR	FAT_SECTOR
#define SMALL	(18 * LAYOUT_MIB)

static struct content old_content, new_content;

static void begin(void)
{
	old_content = stick_content(4, 2, 1);
	new_content = stick_content(6, 0, 2);
}

static void end(void)
{
	content_wipe(&old_content);
	content_wipe(&new_content);
	stick_clean();
}

static void blank(const char *path)
{
	struct target *t;

	unlink(path);
	ck_assert_int_eq(target_create(&t, path, SMALL, NULL), 0);
	target_close(&t);
}

/* Changes a sector behind the writer's back, at the flush after the body has been written. */
struct spoiler {
	const char *path;
	uint64_t at;
	int when;		/* at the flush of this number, from 1 on */
	int flushes;
};

static int spoil_later(void *context, uint64_t offset, const void *data, size_t size)
{
	struct spoiler *s = context;

	(void)offset;
	(void)size;
	if (!data && ++s->flushes == s->when)
		stick_put_byte(s->path, s->at, 0x77);
	return 0;
}

START_TEST(bytes_that_come_back_different_are_noticed)
{
	static const uint64_t spots[] = {
		2048 * SECTOR + 20,		/* boot sector */
		2049 * SECTOR + 3,		/* FATs, root, file */
		(2049 + 64) * SECTOR + 3,
		(2049 + 2 * 64) * SECTOR + 100,
		(2048 + 1 + 2 * 64 + 32) * SECTOR + 700,
	};
	const char *path = stick_path("liar.img");

	for (size_t i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		struct plan_request rq = {
			.kind = LAYOUT_FAT16,
			.file = new_content.data,
			.file_bytes = new_content.size,
		};
		/* The flush after the table is the last one; what is spoiled there comes to light. */
		struct spoiler spoiler = { path, spots[i], 4, 0 };
		struct target_hook hook = { spoil_later, &spoiler };
		struct fault fault = { 0 };
		struct target *t;
		struct plan plan;

		blank(path);
		ck_assert_int_eq(target_open(&t, path, TARGET_WRITE | TARGET_IMAGE, NULL), 0);
		ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
		ck_assert_uint_eq(plan.layout.g.fat_sectors, 64);
		target_set_hook(t, &hook);
		ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_VERIFY);
		ck_assert_ptr_nonnull(strstr(fault.what, "came back different"));
		plan_free(&plan);
		target_close(&t);
	}
}
END_TEST

START_TEST(an_old_file_that_is_still_there_after_its_wipe_is_noticed)
{
	const char *path = stick_path("wipe.img");
	struct fatread_run run = { 5 * LAYOUT_MIB, 3000 };
	struct plan_request rq = {
		.kind = LAYOUT_FAT16, .file = new_content.data, .file_bytes = new_content.size,
		.wipe = &run, .n_wipe = 1,
	};
	/* The stamps' flush serves the wipe, too. */
	struct spoiler spoiler = { path, run.offset + run.bytes - 1, 2, 0 };
	struct target_hook hook = { spoil_later, &spoiler };
	struct fault fault = { 0 };
	struct target *t;
	struct plan plan;

	stick_make(path, LAYOUT_FAT16, SMALL, &old_content);
	ck_assert_int_eq(target_open(&t, path, TARGET_WRITE | TARGET_IMAGE, NULL), 0);
	ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
	target_set_hook(t, &hook);
	ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_VERIFY);
	ck_assert_msg(strstr(fault.what, "old setup.bin") != NULL, "%s", fault.what);
	plan_free(&plan);
	target_close(&t);
}
END_TEST

/* A stick that wraps around at CAPACITY: what is written above comes out below. */
struct wrapper {
	const char *path;
	uint64_t capacity;
	bool loses;		/* instead: it forgets what lies above */
};

static int wrap(void *context, uint64_t offset, const void *data, size_t size)
{
	struct wrapper *w = context;
	static uint8_t zeros[SECTOR];
	static uint64_t lost;

	if (w->loses) {
		if (data && offset >= w->capacity)
			lost = offset;
		else if (!data && lost)
			stick_put(w->path, lost, zeros, sizeof(zeros));
	} else if (data && offset >= w->capacity) {
		stick_put(w->path, offset % w->capacity, data, size);
	}
	return 0;
}

START_TEST(a_stick_of_fake_capacity_is_found_and_named)
{
	static const struct wrapper wrappers[] = {
		{ NULL, 16 * LAYOUT_MIB, false }, { NULL, 64 * LAYOUT_MIB, false },
		{ NULL, 512 * LAYOUT_MIB, false }, { NULL, 100 * LAYOUT_MIB, true },
	};
	const char *path = stick_path("fake.img");
	struct plan_request rq = {
		.kind = LAYOUT_FAT16, .file = new_content.data, .file_bytes = new_content.size,
	};
	struct wrapper w = wrappers[_i];
	struct target_hook hook = { wrap, &w };
	struct fault fault = { 0 };
	struct target *t;
	struct plan plan;

	w.path = path;
	unlink(path);
	ck_assert_int_eq(target_create(&t, path, 1024 * LAYOUT_MIB, NULL), 0);
	ck_assert_int_eq(plan_make(&plan, t, &rq, NULL), 0);
	target_set_hook(t, &hook);
	ck_assert_int_eq(stick_write(&plan, t, NULL, &fault), KIT_ERR_UNFIT);
	ck_assert_msg(strstr(fault.what, "fake capacity") != NULL, "%s", fault.what);
	if (w.capacity == 64 * LAYOUT_MIB)
		ck_assert_msg(strstr(fault.what, "64.0 MiB") != NULL, "%s", fault.what);
	plan_free(&plan);
	target_close(&t);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("a stick that lies");
	TCase *t = tcase_create("lies");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(t, begin, end);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, bytes_that_come_back_different_are_noticed);
	tcase_add_test(t, an_old_file_that_is_still_there_after_its_wipe_is_noticed);
	tcase_add_loop_test(t, a_stick_of_fake_capacity_is_found_and_named, 0, 4);
	suite_add_tcase(suite, t);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
