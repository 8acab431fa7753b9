/* Tests of one data record and its variables: layout, scrambling, bounds, pairs of keys. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "setupbin/record.h"
#include "tests/support/suite.h"

#define PID "0000037M"
#define PPS "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ"

static const struct keyentry sample = {
	.pair = { PID, PPS }, .current_password = "admin", .new_password = "P@ssw0rd",
};

/* What FIELD tables say a record with the sample must be, written by hand. */
static const uint8_t wanted[] = {
	1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 24, 0, 7, 0, 0, 0,
	1, 0, 1, 0, 5, 0, 0, 0, 'a', 'd', 'm', 'i', 'n', 0, 0, 0,
	1, 0, 2, 0, 8, 0, 0, 0, 'P', '@', 's', 's', 'w', '0', 'r', 'd',
	2, 0, 1, 0, 8, 0, 0, 0, '0', '0', '0', '0', '0', '3', '7', 'M',
	2, 0, 2, 0, 32, 0, 0, 0, 'N', 'K', 'L', 'D', 'G', '5', 'D', 'C', 'R', 'R', 'N', 'Q',
	'E', '9', 'Y', 'Z', 'Z', 'I', 'J', 'L', '7', 'L', 'F', 'L', 'V', 'J', 'E', 'D',
	'6', '9', 'X', 'J',
};

START_TEST(a_record_of_a_pair_has_the_documented_bytes)
{
	uint8_t data[SBIN_CHUNK], zeros[SBIN_CHUNK] = { 0 };
	struct sbin_record r;

	sbin_record_init(&r, data, sizeof(data), 7);
	ck_assert_int_eq(sbin_record_from_entry(&r, &sample, false, NULL), 0);
	sbin_record_encode(&r);
	ck_assert_mem_eq(data, wanted, sizeof(wanted));
	ck_assert_mem_eq(data + sizeof(wanted), zeros, sizeof(data) - sizeof(wanted));
}
END_TEST

START_TEST(scrambling_adds_17_to_every_byte_of_the_body_and_comes_off_again)
{
	uint8_t data[2 * SBIN_CHUNK];
	struct sbin_record r, again;
	struct keyentry back;
	struct keyproblem problem;

	sbin_record_init(&r, data, sizeof(data), 7);
	ck_assert_int_eq(sbin_record_from_entry(&r, &sample, true, NULL), 0);
	sbin_record_encode(&r);
	ck_assert_uint_eq(data[4], SBIN_VALID | SBIN_SCRAMBLED);
	for (size_t i = 24; i < sizeof(data); i++)
		ck_assert_uint_eq(data[i], ((i < sizeof(wanted) ? wanted[i] : 0) + 17) & 0xff);

	ck_assert_int_eq(sbin_record_decode(data, sizeof(data), &again), 0);
	ck_assert_int_eq(sbin_record_to_entry(&again, &back, &problem), 0);
	ck_assert_str_eq(back.pair.pid, PID);
	ck_assert_str_eq(back.pair.pps, PPS);
	ck_assert_str_eq(back.current_password, "admin");
	ck_assert_str_eq(back.new_password, "P@ssw0rd");
}
END_TEST

START_TEST(any_bytes_decode_and_encode_to_the_same_bytes)
{
	uint8_t data[SBIN_CHUNK], copy[SBIN_CHUNK];
	struct sbin_record r;

	srand(1);
	for (int round = 0; round < 2000; round++) {
		for (size_t i = 0; i < sizeof(data); i++)
			data[i] = (uint8_t)rand();
		memcpy(copy, data, sizeof(data));
		ck_assert_int_eq(sbin_record_decode(data, sizeof(data), &r), 0);
		sbin_record_encode(&r);
		ck_assert_mem_eq(data, copy, sizeof(data));
	}
}
END_TEST

START_TEST(less_than_a_chunk_is_refused_at_every_length)
{
	uint8_t data[SBIN_CHUNK] = { 1 };
	struct sbin_record r;

	for (size_t n = 0; n < sizeof(data); n++)
		ck_assert_int_eq(sbin_record_decode(data, n, &r), KIT_ERR_TRUNCATED);
}
END_TEST

START_TEST(an_entry_that_runs_out_of_the_record_ends_the_walk_with_its_offset)
{
	uint8_t data[SBIN_CHUNK];
	struct sbin_variable v;
	struct sbin_record r;
	struct sbin_walk walk;

	sbin_record_init(&r, data, sizeof(data), 1);
	ck_assert_int_eq(sbin_record_from_entry(&r, &sample, false, NULL), 0);
	/* The PPS claims one byte more than what is left of the record. */
	size_t pps = sizeof(wanted) - 40;
	put_le16(data + pps + 4, (uint16_t)(SBIN_CHUNK - pps - 8 + 1));
	sbin_walk_begin(&walk, &r);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(sbin_walk_next(&walk, &v), 1);
	ck_assert_int_eq(sbin_walk_next(&walk, &v), KIT_ERR_TRUNCATED);
	ck_assert_uint_eq(walk.r.error_at, pps);
	ck_assert_int_eq(sbin_walk_next(&walk, &v), KIT_ERR_TRUNCATED);

	/* One byte less, and the entry just fits: the list ends with the record. */
	put_le16(data + pps + 4, (uint16_t)(SBIN_CHUNK - pps - 8));
	sbin_walk_begin(&walk, &r);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(sbin_walk_next(&walk, &v), 1);
	ck_assert_int_eq(sbin_walk_next(&walk, &v), 0);

	/* Four bytes at the very end that claim to begin an entry. */
	put_le16(data + pps + 4, (uint16_t)(SBIN_CHUNK - pps - 8 - 4));
	put_le16(data + SBIN_CHUNK - 4, 2);
	sbin_walk_begin(&walk, &r);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(sbin_walk_next(&walk, &v), 1);
	ck_assert_int_eq(sbin_walk_next(&walk, &v), KIT_ERR_TRUNCATED);
	ck_assert_uint_eq(walk.r.error_at, SBIN_CHUNK - 4);
}
END_TEST

START_TEST(a_variable_that_does_not_fit_is_left_out_whole_and_the_bytes_needed_are_told)
{
	uint8_t data[SBIN_CHUNK], value[500] = { 0 };
	struct sbin_variable v = { .module = 2, .id = 9, .length = 480, .value = value };
	struct sbin_record r;
	struct writer w;
	size_t needed;

	sbin_record_init(&r, data, sizeof(data), 1);
	sbin_record_begin(&r, &w);
	ck_assert_int_eq(sbin_record_append(&r, &w, &v, &needed), 0);
	ck_assert_uint_eq(needed, 512);

	sbin_record_init(&r, data, sizeof(data), 1);
	sbin_record_begin(&r, &w);
	v.length = 481;
	ck_assert_int_eq(sbin_record_append(&r, &w, &v, &needed), KIT_ERR_RANGE);
	ck_assert_uint_eq(needed, 516);
	ck_assert_uint_eq(get_le16(data + 24), 0);
	/* What follows would fit, but a list with a hole is not what was asked for. */
	v.length = 3;
	ck_assert_int_eq(sbin_record_append(&r, &w, &v, &needed), KIT_ERR_RANGE);
	ck_assert_uint_eq(needed, 528);
	ck_assert_uint_eq(get_le16(data + 24), 0);
}
END_TEST

START_TEST(the_factory_password_without_a_new_one_makes_no_record)
{
	struct keyentry e = sample;
	uint8_t data[SBIN_CHUNK];
	struct sbin_record r;
	struct fault f = { 0 };

	e.new_password[0] = '\0';
	sbin_record_init(&r, data, sizeof(data), 3);
	ck_assert_int_eq(sbin_record_from_entry(&r, &e, false, &f), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(f.what, "record 3"));
	ck_assert_ptr_null(strstr(f.what, PPS));
	e.current_password[0] = '\0';
	ck_assert_int_eq(sbin_record_from_entry(&r, &e, false, NULL), KIT_ERR_ARGUMENT);
	strcpy(e.current_password, "Other#1x");
	ck_assert_int_eq(sbin_record_from_entry(&r, &e, false, NULL), 0);
}
END_TEST

/* Changes one byte of the sample's record at OFFSET and reads the entry. */
static int entry_with(size_t offset, uint8_t byte, struct keyproblem *problem)
{
	uint8_t data[SBIN_CHUNK];
	struct sbin_record r;
	struct keyentry e;

	sbin_record_init(&r, data, sizeof(data), 1);
	ck_assert_int_eq(sbin_record_from_entry(&r, &sample, false, NULL), 0);
	data[offset] = byte;
	return sbin_record_to_entry(&r, &e, problem);
}

START_TEST(a_bad_pair_is_refused_by_field_and_rule)
{
	struct keyproblem p;
	size_t pid = 56 + 8, pps = 72 + 8;

	ck_assert_int_eq(entry_with(pid, '1', &p), KIT_ERR_CHECK);
	ck_assert_str_eq(p.field, "pid");
	ck_assert_int_eq(entry_with(pid, 'a', &p), KIT_ERR_FORMAT);
	ck_assert_int_eq(entry_with(pps, 'M', &p), KIT_ERR_CHECK);
	ck_assert_str_eq(p.field, "pps");
	ck_assert_int_eq(entry_with(pps - 4, 31, &p), KIT_ERR_RANGE);
	ck_assert_int_eq(entry_with(pps - 6, 99, &p), KIT_ERR_NOT_FOUND);
	ck_assert_str_eq(p.field, "pps");
	ck_assert_int_eq(entry_with(pid - 6, 99, &p), KIT_ERR_NOT_FOUND);
	ck_assert_str_eq(p.field, "pid");
	ck_assert_int_eq(entry_with(pps - 3, 2, &p), KIT_ERR_FORMAT);
	ck_assert_int_eq(entry_with(48, 0, &p), KIT_ERR_FORMAT);
	ck_assert_str_eq(p.field, "admin_password");
	ck_assert_int_eq(entry_with(28, 33, &p), KIT_ERR_RANGE);
	ck_assert_str_eq(p.field, "current_password");
}
END_TEST

START_TEST(a_variable_is_found_by_its_ids_and_only_by_them)
{
	uint8_t data[SBIN_CHUNK];
	struct sbin_record r;
	struct sbin_variable v;

	sbin_record_init(&r, data, sizeof(data), 1);
	ck_assert_int_eq(sbin_record_from_entry(&r, &sample, false, NULL), 0);
	ck_assert_int_eq(sbin_record_find(&r, SBIN_AMT, SBIN_PID, &v), 0);
	ck_assert_uint_eq(v.length, 8);
	ck_assert_mem_eq(v.value, PID, 8);
	ck_assert_int_eq(sbin_record_find(&r, SBIN_AMT, 3, &v), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(sbin_record_find(&r, 3, SBIN_PID, &v), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(only_a_valid_data_record_is_free_for_a_machine)
{
	struct sbin_record r = { .type = 1, .flags = SBIN_VALID };

	ck_assert(sbin_record_valid(&r));
	r.flags = SBIN_SCRAMBLED;
	ck_assert(!sbin_record_valid(&r));
	r.flags = SBIN_VALID;
	r.type = 0;
	ck_assert(!sbin_record_valid(&r));
}
END_TEST

START_TEST(the_table_of_known_variables_is_sorted_and_names_each_once)
{
	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		const struct sbin_known *next = k + 1;

		ck_assert_ptr_eq(sbin_known_find(k->module, k->id), k);
		ck_assert_ptr_eq(sbin_known_named(k->name), k);
		ck_assert_uint_le(k->min, k->max);
		ck_assert_ptr_nonnull(sbin_version_uuid(k->since));
		if (next->name)
			ck_assert_uint_lt(k->module << 16 | k->id, next->module << 16 | next->id);
	}
	ck_assert_ptr_null(sbin_known_find(2, 9));
	ck_assert_ptr_null(sbin_known_named("no-such-variable"));
}
END_TEST

TEST_SUITE("sbin record")
{
	TCase *t = tcase_create("record");

	tcase_add_test(t, a_record_of_a_pair_has_the_documented_bytes);
	tcase_add_test(t, scrambling_adds_17_to_every_byte_of_the_body_and_comes_off_again);
	tcase_add_test(t, any_bytes_decode_and_encode_to_the_same_bytes);
	tcase_add_test(t, less_than_a_chunk_is_refused_at_every_length);
	tcase_add_test(t, an_entry_that_runs_out_of_the_record_ends_the_walk_with_its_offset);
	tcase_add_test(
		t, a_variable_that_does_not_fit_is_left_out_whole_and_the_bytes_needed_are_told);
	tcase_add_test(t, the_factory_password_without_a_new_one_makes_no_record);
	tcase_add_test(t, a_bad_pair_is_refused_by_field_and_rule);
	tcase_add_test(t, a_variable_is_found_by_its_ids_and_only_by_them);
	tcase_add_test(t, only_a_valid_data_record_is_free_for_a_machine);
	tcase_add_test(t, the_table_of_known_variables_is_sorted_and_names_each_once);
	suite_add_tcase(suite, t);
}
