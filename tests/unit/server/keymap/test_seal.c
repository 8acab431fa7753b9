/* Tests of the sealing of secrets and of its key file. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keymap/seal.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static const struct seal_place here = { "csti_pid_map", "pps", "0000037M", 8 };
static const char plain[32] = "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ";

static struct seal *make(const char *path)
{
	struct fault fault = { 0 };
	struct seal *s;

	ck_assert_msg(seal_create(&s, path, getuid(), getgid(), &fault) == 0, "%s", fault.what);
	return s;
}

static int unlock_at(struct seal *s, const char *table, const char *column, const void *row,
		     size_t row_size, const uint8_t *sealed, size_t size)
{
	const struct seal_place place = { table, column, row, row_size };
	char out[sizeof(plain)];
	int rc = seal_unlock(s, &place, sealed, size, out, sizeof(out), NULL);

	/* Whatever came out of a value that does not open was wiped. */
	for (size_t i = 0; rc && i < sizeof(out); i++)
		ck_assert_int_eq(out[i], 0);
	return rc;
}

START_TEST(a_sealed_value_opens_where_it_belongs_and_never_looks_the_same_twice)
{
	uint8_t one[sizeof(plain) + SEAL_OVERHEAD], two[sizeof(one)];
	char out[sizeof(plain)];
	struct seal *s = make("k");

	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), one, NULL), 0);
	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), two, NULL), 0);
	ck_assert_mem_ne(one + 4, two + 4, 12);
	ck_assert_mem_ne(one + 16, two + 16, sizeof(plain));
	ck_assert_ptr_null(memmem(one, sizeof(one), plain, 8));
	ck_assert_int_eq(seal_unlock(s, &here, one, sizeof(one), out, sizeof(out), NULL), 0);
	ck_assert_mem_eq(out, plain, sizeof(plain));
	seal_free(&s);
	/* And after the key file is read again. */
	ck_assert_int_eq(seal_load(&s, "k", NULL), 0);
	ck_assert_int_eq(seal_unlock(s, &here, two, sizeof(two), out, sizeof(out), NULL), 0);
	ck_assert_mem_eq(out, plain, sizeof(plain));
	seal_free(&s);
}
END_TEST

START_TEST(nonces_do_not_repeat_past_the_drawn_supply)
{
	static uint8_t sealed[1000][1 + SEAL_OVERHEAD];
	struct seal *s = make("k");

	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(seal_close(s, &here, "x", 1, sealed[i], NULL), 0);
		for (int j = 0; j < i; j++)
			ck_assert_mem_ne(sealed[i] + 4, sealed[j] + 4, 12);
	}
	seal_free(&s);
}
END_TEST

START_TEST(a_value_moved_elsewhere_does_not_open)
{
	uint8_t sealed[sizeof(plain) + SEAL_OVERHEAD];
	struct seal *s = make("k");

	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), sealed, NULL), 0);
	ck_assert_int_eq(unlock_at(s, "csti_pid_map", "pps", "0000037M", 8, sealed, sizeof(sealed)),
			 0);
	ck_assert_int_eq(unlock_at(s, "csti_pid_map", "pps", "0000038N", 8, sealed, sizeof(sealed)),
			 KIT_ERR_FORGED);
	ck_assert_int_eq(unlock_at(s, "csti_pid_map", "current_password", "0000037M", 8, sealed,
				   sizeof(sealed)), KIT_ERR_FORGED);
	ck_assert_int_eq(unlock_at(s, "csti_amts", "pps", "0000037M", 8, sealed, sizeof(sealed)),
			 KIT_ERR_FORGED);
	/* The border between column and row is covered, too. */
	ck_assert_int_eq(unlock_at(s, "csti_pid_map", "pp", "s0000037M", 9, sealed, sizeof(sealed)),
			 KIT_ERR_FORGED);
	seal_free(&s);
}
END_TEST

START_TEST(any_changed_bit_and_any_truncation_is_noticed)
{
	uint8_t sealed[sizeof(plain) + SEAL_OVERHEAD];
	struct seal *s = make("k");

	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), sealed, NULL), 0);
	for (size_t bit = 0; bit < sizeof(sealed) * 8; bit++) {
		int rc;

		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		rc = unlock_at(s, here.table, here.column, here.row, 8, sealed, sizeof(sealed));
		/* The first four bytes name the key: another key is not there. */
		ck_assert_int_eq(rc, bit < 32 ? KIT_ERR_NOT_FOUND : KIT_ERR_FORGED);
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t size = 0; size < sizeof(sealed); size++)
		ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, sealed, size),
				 KIT_ERR_FORGED);
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, sealed, sizeof(sealed)),
			 0);
	seal_free(&s);
}
END_TEST

START_TEST(another_key_file_opens_nothing)
{
	uint8_t sealed[sizeof(plain) + SEAL_OVERHEAD], foreign[sizeof(sealed)];
	struct seal *s = make("k"), *other = make("other");

	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), sealed, NULL), 0);
	ck_assert_int_eq(unlock_at(other, here.table, here.column, here.row, 8, sealed,
				   sizeof(sealed)),
			 KIT_ERR_NOT_FOUND);
	/* Nor if the value says that it was sealed with the other's key. */
	ck_assert_int_eq(seal_close(other, &here, plain, sizeof(plain), foreign, NULL), 0);
	memcpy(sealed, foreign, 4);
	ck_assert_int_eq(unlock_at(other, here.table, here.column, here.row, 8, sealed,
				   sizeof(sealed)),
			 KIT_ERR_FORGED);
	seal_free(&s);
	seal_free(&other);
}
END_TEST

START_TEST(the_key_file_is_private_and_never_replaced)
{
	struct seal *s, *second;
	struct stat st;

	umask(0);
	s = make("k");
	ck_assert_int_eq(stat("k", &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(st.st_size, 80);
	ck_assert_int_eq(seal_create(&second, "k", getuid(), getgid(), NULL), KIT_ERR_EXISTS);
	ck_assert_ptr_null(second);
	seal_free(&s);
}
END_TEST

static int load(void)
{
	struct fault fault = { 0 };
	struct seal *s;
	int rc = seal_load(&s, "k", &fault);

	ck_assert_int_eq(rc, fault.code);
	ck_assert(rc == 0 || (!s && fault.what[0] && fault.hint[0]) || rc == KIT_ERR_NOT_FOUND);
	seal_free(&s);
	return rc;
}

START_TEST(a_key_file_that_others_can_read_is_refused)
{
	struct seal *s = make("k");

	seal_free(&s);
	for (int mode = 0; mode < 0100; mode++) {
		ck_assert_int_eq(chmod("k", 0600 | (mode_t)mode), 0);
		ck_assert_int_eq(load(), mode ? KIT_ERR_PERMISSION : 0);
	}
}
END_TEST

START_TEST(a_key_file_of_any_other_size_or_content_is_refused)
{
	uint8_t good[80], bytes[200] = { 0 };
	struct seal *s = make("k");
	int fd;

	seal_free(&s);
	fd = open("k", O_RDWR);
	ck_assert_int_eq(pread(fd, good, sizeof(good), 0), sizeof(good));
	memcpy(bytes, good, sizeof(good));
	for (off_t size = 0; size <= 200; size++) {
		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, bytes, (size_t)size, 0), size);
		ck_assert_int_eq(load(), size == 80 ? 0 : KIT_ERR_FORMAT);
	}
	ck_assert_int_eq(ftruncate(fd, 80), 0);
	for (size_t i = 0; i < sizeof(good); i++) {
		uint8_t bad = good[i] ^ 1;

		ck_assert_int_eq(pwrite(fd, &bad, 1, (off_t)i), 1);
		ck_assert_int_eq(load(), KIT_ERR_FORMAT);
		ck_assert_int_eq(pwrite(fd, &good[i], 1, (off_t)i), 1);
	}
	ck_assert_int_eq(load(), 0);
	close(fd);
	unlink("k");
	ck_assert_int_eq(load(), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(mkdir("k", 0700), 0);
	ck_assert_int_eq(load(), KIT_ERR_FORMAT);
}
END_TEST

START_TEST(rotation_keeps_both_keys_until_the_old_one_is_dropped)
{
	uint8_t old[sizeof(plain) + SEAL_OVERHEAD], fresh[sizeof(old)];
	struct seal *s = make("k");
	uint32_t first = seal_newest(s), second = first + 1;

	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), old, NULL), 0);
	ck_assert_int_eq(seal_add_key(s, "k", NULL), 0);
	ck_assert_uint_eq(seal_keys(s), 2);
	/* The new key seals only when it is chosen. */
	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), fresh, NULL), 0);
	ck_assert_uint_eq(seal_key_of(fresh, sizeof(fresh)), first);
	seal_free(&s);

	ck_assert_int_eq(seal_load(&s, "k", NULL), 0);
	ck_assert_uint_eq(seal_newest(s), second);
	ck_assert_int_eq(seal_choose(s, second, NULL), 0);
	ck_assert_int_eq(seal_choose(s, second + 1, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(seal_close(s, &here, plain, sizeof(plain), fresh, NULL), 0);
	ck_assert_uint_eq(seal_key_of(fresh, sizeof(fresh)), second);
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, old, sizeof(old)), 0);
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, fresh, sizeof(fresh)),
			 0);
	/* A value may not pretend to be of the other key. */
	memcpy(old, fresh, 4);
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, old, sizeof(old)),
			 KIT_ERR_FORGED);

	ck_assert_int_eq(seal_keep_only(s, "k", second, NULL), 0);
	ck_assert(!seal_has(s, first));
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, fresh, sizeof(fresh)),
			 0);
	seal_free(&s);
	ck_assert_int_eq(seal_load(&s, "k", NULL), 0);
	ck_assert_uint_eq(seal_keys(s), 1);
	ck_assert_uint_eq(seal_newest(s), second);
	ck_assert_int_eq(unlock_at(s, here.table, here.column, here.row, 8, fresh, sizeof(fresh)),
			 0);
	/* The next rotation goes on counting. */
	ck_assert_int_eq(seal_add_key(s, "k", NULL), 0);
	ck_assert_uint_eq(seal_newest(s), second + 1);
	seal_free(&s);
}
END_TEST

START_TEST(two_key_files_become_one_without_losing_a_key)
{
	uint8_t of_a[sizeof(plain) + SEAL_OVERHEAD], of_b[sizeof(of_a)];
	struct seal *a = make("a"), *b = make("b"), *many[4];

	ck_assert_int_eq(seal_close(a, &here, plain, sizeof(plain), of_a, NULL), 0);
	ck_assert_int_eq(seal_close(b, &here, plain, sizeof(plain), of_b, NULL), 0);
	ck_assert_int_eq(seal_merge(a, b, NULL), 0);
	ck_assert_int_eq(seal_merge(a, b, NULL), 0);
	ck_assert_uint_eq(seal_keys(a), 2);
	ck_assert_int_eq(seal_save(a, "a", getuid(), getgid(), NULL), 0);
	seal_free(&a);
	ck_assert_int_eq(seal_load(&a, "a", NULL), 0);
	ck_assert_int_eq(unlock_at(a, here.table, here.column, here.row, 8, of_a, sizeof(of_a)), 0);
	ck_assert_int_eq(unlock_at(a, here.table, here.column, here.row, 8, of_b, sizeof(of_b)), 0);
	/* Which key seals is not changed by it. */
	ck_assert_int_eq(seal_choose(b, seal_newest(b), NULL), 0);
	for (int i = 0; i < 4; i++) {
		char name[] = { 'm', (char)('0' + i), 0 };

		many[i] = make(name);
		ck_assert_int_eq(seal_merge(b, many[i], NULL), i < 3 ? 0 : KIT_ERR_STATE);
		seal_free(&many[i]);
	}
	ck_assert_int_eq(seal_close(b, &here, plain, sizeof(plain), of_a, NULL), 0);
	ck_assert_uint_eq(seal_key_of(of_a, sizeof(of_a)), seal_key_of(of_b, sizeof(of_b)));
	ck_assert_int_eq(seal_save(b, "b", getuid(), getgid(), NULL), 0);
	seal_free(&b);
	ck_assert_int_eq(seal_load(&b, "b", NULL), 0);
	ck_assert_uint_eq(seal_keys(b), 4);
	seal_free(&a);
	seal_free(&b);
}
END_TEST

TEST_SUITE("seal")
{
	TCase *tcase = tcase_create("seal");

	tcase_add_checked_fixture(tcase, scratch_enter, scratch_leave);
	tcase_add_test(tcase, a_sealed_value_opens_where_it_belongs_and_never_looks_the_same_twice);
	tcase_add_test(tcase, nonces_do_not_repeat_past_the_drawn_supply);
	tcase_add_test(tcase, a_value_moved_elsewhere_does_not_open);
	tcase_add_test(tcase, any_changed_bit_and_any_truncation_is_noticed);
	tcase_add_test(tcase, another_key_file_opens_nothing);
	tcase_add_test(tcase, the_key_file_is_private_and_never_replaced);
	tcase_add_test(tcase, a_key_file_that_others_can_read_is_refused);
	tcase_add_test(tcase, a_key_file_of_any_other_size_or_content_is_refused);
	tcase_add_test(tcase, two_key_files_become_one_without_losing_a_key);
	tcase_add_test(tcase, rotation_keeps_both_keys_until_the_old_one_is_dropped);
	suite_add_tcase(suite, tcase);
}
