/* Tests of setup.bin as a source of key list entries, read from a stream as lists are. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setupbin/source.h"
#include "tests/support/sbin.h"
#include "tests/support/suite.h"

/* What came out of a source, entries and bad lines, as a text to compare. */
struct heard {
	char text[1024];
	struct keycounts counts;
	char kind[16];
	int rc;			/* of the last call, or of opening */
	struct fault fault;
};

static void hear(struct heard *h, const void *data, size_t size)
{
	FILE *file = fmemopen((void *)(uintptr_t)data, size, "r");
	struct keysource *source = NULL;
	struct keyproblem p;
	struct keyentry e;

	memset(h, 0, sizeof(*h));
	ck_assert_ptr_nonnull(file);
	h->rc = sbin_source_open(&source, file, "sample", NULL, 0, &h->fault);
	if (h->rc == 0)
		strcpy(h->kind, source->kind);
	while (source && (h->rc = keysource_next(source, &e, &p, &h->fault)) != 0) {
		size_t at = strlen(h->text);

		if (h->rc < 0 && h->fault.code)
			break;
		if (h->rc == 1)
			snprintf(h->text + at, sizeof(h->text) - at, "%s %.4s %s %s%s%s|",
				 e.pair.pid, e.pair.pps, e.current_password, e.new_password,
				 e.used ? " used" : "", e.consumed ? " consumed" : "");
		else
			snprintf(h->text + at, sizeof(h->text) - at, "%lu %s|", p.line, p.field);
	}
	if (source)
		h->counts = source->counts;
	keysource_free(&source);
	fclose(file);
}

static const struct { const char *name, *text; unsigned long lines, bad;
} samples[] = {
	{ "v1.0-example-pair.bin", "0000037M NKLD admin P@ssw0rd|", 1, 0 },
	{ "v2.0-two-pairs.bin", "SAMPLE1V MA1B admin Sample#1|SAMPLE2W MA2C admin Sample#2|", 2,
	  0 },
	/* The second record was wiped; the first was consumed, but its machine may still come. */
	{ "v2.1-partly-used.bin",
	  "SAMPLE1V MA1B admin Sample#1 consumed|SAMPLE3X MA3D admin Sample#3|"
	  "SAMPLE4Y MA4E admin Sample#4|",
	  4, 0 },
	{ "v3.0-every-variable.bin", "SAMPLE1V MA1B admin Sample#1|", 1, 0 },
	{ "v4.0-acu-wizard.bin", "1 pid|", 1, 1 },
	{ "v2.1-odd.bin", "SAMPLE1V MA1B admin Sample#1 consumed|2 pid|", 2, 1 },
};

START_TEST(each_sample_gives_its_pairs_with_their_passwords)
{
	struct heard h;
	size_t size;
	uint8_t *data = sample_read(samples[_i].name, &size);

	ck_assert_ptr_nonnull(data);
	hear(&h, data, size);
	ck_assert_int_eq(h.rc, 0);
	ck_assert_str_eq(h.kind, "setup.bin");
	ck_assert_str_eq(h.text, samples[_i].text);
	ck_assert_uint_eq(h.counts.lines, samples[_i].lines);
	ck_assert_uint_eq(h.counts.bad, samples[_i].bad);
	free(data);
}
END_TEST

START_TEST(a_scrambled_record_that_was_wiped_with_zeros_is_skipped)
{
	struct heard h;
	size_t size;
	uint8_t *data = sample_read("v4.0-acu-wizard.bin", &size);

	memset(data + 512 + 24, 0, 512 - 24);
	hear(&h, data, size);
	ck_assert_int_eq(h.rc, 0);
	ck_assert_str_eq(h.text, "");
	free(data);
}
END_TEST

START_TEST(a_cut_file_gives_what_is_whole_and_then_says_where_it_ends)
{
	size_t size;
	uint8_t *data = sample_read("v2.0-two-pairs.bin", &size);

	for (size_t n = 1; n < size; n++) {
		struct heard h;

		hear(&h, data, n);
		ck_assert_int_eq(h.rc, KIT_ERR_TRUNCATED);
		ck_assert_int_eq(h.fault.code, KIT_ERR_TRUNCATED);
		ck_assert_uint_eq(h.counts.entries, n < 1024 ? 0 : 1);
	}
	free(data);
}
END_TEST

START_TEST(all_else_is_taken_for_a_list)
{
	static const char csv[] = "pid,pps,admin_password\n"
				  "0000-037m,NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ,P@ssw0rd\n";
	struct heard h;

	hear(&h, csv, strlen(csv));
	ck_assert_int_eq(h.rc, 0);
	ck_assert_str_eq(h.kind, "csv");
	ck_assert_str_eq(h.text, "0000037M NKLD  P@ssw0rd|");
	/* The first byte of a setup.bin, and no more of it. */
	hear(&h, "\x96pid,pps\n", 9);
	ck_assert_int_lt(h.rc, 0);
	ck_assert_int_ne(h.fault.code, 0);
}
END_TEST

START_TEST(weak_passwords_and_lower_case_keys_are_bad_lines)
{
	struct heard h;
	size_t size;
	uint8_t *data = sample_read("v1.0-example-pair.bin", &size);

	memcpy(data + 560, "password", 8);
	hear(&h, data, size);
	ck_assert_str_eq(h.text, "1 admin_password|");
	memcpy(data + 560, "P@ssw0rd", 8);
	data[592] = 'n';
	hear(&h, data, size);
	ck_assert_str_eq(h.text, "1 pps|");
	free(data);
}
END_TEST

TEST_SUITE("sbin source")
{
	TCase *t = tcase_create("source");

	tcase_add_loop_test(t, each_sample_gives_its_pairs_with_their_passwords, 0,
			    sizeof(samples) / sizeof(samples[0]));
	tcase_add_test(t, a_scrambled_record_that_was_wiped_with_zeros_is_skipped);
	tcase_add_test(t, a_cut_file_gives_what_is_whole_and_then_says_where_it_ends);
	tcase_add_test(t, all_else_is_taken_for_a_list);
	tcase_add_test(t, weak_passwords_and_lower_case_keys_are_bad_lines);
	suite_add_tcase(suite, t);
}
