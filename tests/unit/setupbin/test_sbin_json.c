/* Tests of setup.bin as JSON: the samples both ways, any bytes back again, what is refused. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/sbin.h"
#include "tests/support/suite.h"

static const char *const samples[] = {
	"v1.0-example-pair", "v2.0-two-pairs", "v2.1-partly-used", "v2.1-odd",
	"v3.0-every-variable", "v4.0-acu-wizard",
};

#define N_SAMPLES ((int)(sizeof(samples) / sizeof(samples[0])))

static uint8_t *load(const char *name, const char *ending, size_t *size)
{
	char file[64];
	uint8_t *data;

	snprintf(file, sizeof(file), "%s.%s", name, ending);
	data = sample_read(file, size);
	ck_assert_msg(data, "samples/setupbin/%s cannot be read from here", file);
	return data;
}

START_TEST(each_sample_is_shown_as_the_json_beside_it)
{
	size_t size, length, wanted;
	uint8_t *data = load(samples[_i], "bin", &size);
	char *text = (char *)load(samples[_i], "json", &wanted);
	char *shown = sbin_to_json(data, size, true, &length, NULL);

	ck_assert_uint_eq(length, wanted);
	ck_assert_mem_eq(shown, text, length);
	free(shown);
	free(text);
	free(data);
}
END_TEST

START_TEST(each_sample_is_made_again_from_its_json_byte_for_byte)
{
	size_t size, length, made;
	uint8_t *data = load(samples[_i], "bin", &size), *again;
	char *text = (char *)load(samples[_i], "json", &length);

	again = sbin_from_json(text, length, &made, NULL);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(made, size);
	ck_assert_mem_eq(again, data, size);
	free(again);
	free(text);
	free(data);
}
END_TEST

/* The JSON of DATA makes DATA again. */
static void assert_comes_back(const uint8_t *data, size_t size)
{
	size_t length, made;
	char *text = sbin_to_json(data, size, true, &length, NULL);
	uint8_t *again;

	ck_assert_ptr_nonnull(text);
	again = sbin_from_json(text, length, &made, NULL);
	ck_assert_ptr_nonnull(again);
	ck_assert_uint_eq(made, size);
	ck_assert_mem_eq(again, data, size);
	free(again);
	free(text);
}

START_TEST(a_sample_cut_anywhere_behind_its_header_survives_as_json)
{
	size_t size;
	uint8_t *data = load(samples[_i], "bin", &size);

	for (size_t n = (size_t)data[16] * SBIN_CHUNK; n < size; n++)
		assert_comes_back(data, n);
	free(data);
}
END_TEST

START_TEST(a_sample_with_random_bytes_in_it_survives_as_json)
{
	size_t size;
	uint8_t *data = load(samples[_i], "bin", &size), *copy = malloc(size);

	srand(6);
	for (int round = 0; round < 1000; round++) {
		memcpy(copy, data, size);
		for (int n = rand() % 20; n >= 0; n--)
			copy[(size_t)rand() % size] = (uint8_t)(rand() % 3 ? rand() : rand() % 3);
		memcpy(copy, data, 18);
		memcpy(copy + 36, data + 36, 2);
		assert_comes_back(copy, size);
	}
	free(copy);
	free(data);
}
END_TEST

START_TEST(without_secrets_none_is_in_the_json_and_no_file_is_made_of_it)
{
	static const char *const secrets[] = {
		"Sample#", "P@ssw0rd", "MA1B",	     "MA2C", "MA3D",
		"MA4E",	   "NKLD",     "not-secret", "5eed", "7472"
	};
	size_t size, length, made;
	uint8_t *data = load(samples[_i], "bin", &size);
	char *text = sbin_to_json(data, size, false, &length, NULL);
	struct fault f = { 0 };

	for (size_t i = 0; i < sizeof(secrets) / sizeof(secrets[0]); i++)
		ck_assert_ptr_null(strstr(text, secrets[i]));
	ck_assert_ptr_null(sbin_from_json(text, length, &made, &f));
	ck_assert_int_eq(f.code, KIT_ERR_STATE);
	ck_assert_ptr_nonnull(strstr(f.hint, "--secrets"));
	free(text);
	free(data);
}
END_TEST

START_TEST(the_least_json_makes_a_sound_file)
{
	static const char text[] =
		"{ \"records\" : [ { \"variables\": ["
		"{\"name\": \"current-mebx-password\", \"value\": \"admin\"},"
		"{\"name\": \"new-mebx-password\", \"value\": \"P@ssw0rd\"},"
		"{\"name\": \"pid\", \"value\": \"0000-037M\"},"
		"{\"name\": \"pps\", \"value\": \"nkld-g5dc-rrnq-e9yz-zijl-7lfl-vjed-69xj\"}"
		"] } ] }";
	size_t size;
	uint8_t *data = sbin_from_json(text, strlen(text), &size, NULL);
	struct said said;

	ck_assert_ptr_nonnull(data);
	ck_assert_uint_eq(size, 1024);
	said_of(&said, data, size);
	ck_assert_uint_eq(said.count, 0);
	ck_assert_str_eq(said.summary.next_pid, "0000-037M");
	free(data);
}
END_TEST

#define HEADER(members) "{\"header\": {" members "}, \"records\": []}"
#define RECORD(members) "{\"records\": [{" members "}]}"
#define VARIABLE(members) RECORD("\"variables\": [{" members "}]")

static const struct { const char *text, *names; } bad[] = {
	{ "", "not a JSON object" },
	{ "[]", "not a JSON object" },
	{ "{", "not a JSON object" },
	{ "{}", "not a JSON object" },
	{ "{\"records\": {}}", "\"records\"" },
	{ "{\"records\": []", "does not end" },
	{ "{\"records\": [}", "record 1" },
	{ "{\"records\": [{}, 7]}", "record 2" },
	{ "{\"records\": [{} {}]}", "record 2" },
	{ "{\"records\": [{},]}", "record 2" },
	{ "{\"records\": []} x", "does not end" },
	{ "{\"records\": [], \"more\": {}}", "behind its records" },
	{ "{\"records\": [], \"trailing\": {\"hex\": \"0\"}}", "\"hex\"" },
	{ "{\"records\": [], \"trailing\": {\"hex\": null}}", "without its secrets" },
	{ "{\"records\": [], \"trailing\": \"00\"}", "trailing" },
	{ "{\"header\": {}, \"header\": {}, \"records\": []}", "before \"records\"" },
	{ "{\"header\": {}}", "records" },
	{ "{\"header\": 1, \"records\": []}", "header" },
	{ "{\"a name that is far too long\": {}}", "not valid JSON" },
	{ HEADER("\"file_version\": 2.1"), "\"file_version\"" },
	{ HEADER("\"file_version\": \"2\""), "\"file_version\"" },
	{ HEADER("\"file_version\": \"2.1.0\""), "\"file_version\"" },
	{ HEADER("\"file_version\": \"256.1\""), "\"file_version\"" },
	{ HEADER("\"file_version\": \"9.9\""), "\"uuid\"" },
	{ HEADER("\"uuid\": \"00\""), "\"uuid\"" },
	{ HEADER("\"consume\": 1"), "\"consume\"" },
	{ HEADER("\"consumed\": -1"), "\"consumed\"" },
	{ HEADER("\"consumed\": 4294967296"), "\"consumed\"" },
	{ HEADER("\"consumed\": 1.5"), "\"consumed\"" },
	{ HEADER("\"consumed\": \"1\""), "\"consumed\"" },
	{ HEADER("\"reserved\": 65536"), "\"reserved\"" },
	{ HEADER("\"modules\": 1"), "\"modules\"" },
	{ HEADER("\"modules\": [0]"), "\"modules\"" },
	{ HEADER("\"modules\": [65536]"), "\"modules\"" },
	{ HEADER("\"record_chunks\": 0"), "chunk count" },
	{ HEADER("\"record_chunks\": 65"), "chunk count" },
	{ HEADER("\"chunks\": 65"), "chunk count" },
	{ HEADER("\"chunks\": 1, \"more\": \"00\""), "\"more\"" },
	{ HEADER("\"rest\": \"0\""), "\"rest\"" },
	{ HEADER("\"colour\": 1"), "\"colour\"" },
	{ HEADER("\"masked\": true"), "without its secrets" },
	{ HEADER("\"consumed\": 1, \"consumed\": 2"), "header" },
	{ RECORD("\"valid\": \"yes\""), "\"valid\"" },
	{ RECORD("\"number\": null"), "\"number\"" },
	{ RECORD("\"reserved\": \"000000000000000000\""), "\"reserved\"" },
	{ RECORD("\"rest\": null"), "without its secrets" },
	{ RECORD("\"variables\": {}"), "\"variables\"" },
	{ RECORD("\"variables\": [1]"), "\"variables\"" },
	{ VARIABLE(""), "\"name\"" },
	{ VARIABLE("\"name\": \"colour\", \"value\": \"red\""), "\"name\"" },
	{ VARIABLE("\"name\": \"kvm\", \"id\": 24, \"value\": 1"), "\"name\"" },
	{ VARIABLE("\"name\": 2, \"module\": 2, \"id\": 25, \"value\": 1"), "\"name\"" },
	{ VARIABLE("\"name\": \"kvm\""), "\"value\"" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": true"), "\"value\"" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": null"), "without its secrets" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": \"perhaps\""), "kvm" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": 256"), "kvm" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": 1, \"padding\": \"01020304\""), "\"padding\"" },
	{ VARIABLE("\"name\": \"kvm\", \"value\": 1, \"colour\": 1"), "\"colour\"" },
	{ VARIABLE("\"name\": \"host-name\", \"value\": \"a\\u0000b\""), "record 1" },
	{ VARIABLE("\"module\": 0, \"id\": 1, \"value\": \"hex:\""), "\"module\"" },
	{ VARIABLE("\"module\": 9, \"value\": \"hex:\""), "\"id\"" },
	{ VARIABLE("\"module\": 9, \"id\": 1, \"value\": \"text\""), "\"value\"" },
	{ VARIABLE("\"module\": 9, \"id\": 1, \"value\": \"hex:0\""), "\"value\"" },
};

START_TEST(bad_json_is_refused_with_the_place_and_member_named)
{
	struct fault f = { 0 };
	size_t size;

	ck_assert_ptr_null(
		sbin_from_json(bad[_i].text, strlen(bad[_i].text) + !*bad[_i].text, &size, &f));
	ck_assert_int_ne(f.code, 0);
	ck_assert_msg(strstr(f.what, bad[_i].names) != NULL, "%s: %s", bad[_i].text, f.what);
}
END_TEST

START_TEST(no_refusal_quotes_a_value_that_may_be_secret)
{
	static const char *const texts[] = {
		VARIABLE("\"name\": \"new-mebx-password\", \"value\": \"S3cret!x\", "
			 "\"S3cret!x\": 1"),
		VARIABLE("\"name\": \"new-mebx-password\", \"value\": \"S3cret!x"),
		VARIABLE("\"name\": \"S3cret!x\", \"value\": \"x\""),
		VARIABLE("\"module\": 9, \"id\": 1, \"value\": \"S3cret!x\""),
		VARIABLE("\"name\": \"new-mebx-password\", \"value\": \"hex:S3cret!x\""),
		RECORD("\"rest\": \"S3cret!x\""),
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fault f = { 0 };
		size_t size;

		ck_assert_ptr_null(sbin_from_json(texts[i], strlen(texts[i]), &size, &f));
		ck_assert_ptr_null(strstr(f.what, "S3cret"));
		ck_assert_ptr_null(strstr(f.hint, "S3cret"));
	}
}
END_TEST

START_TEST(variables_that_do_not_fit_are_refused_with_the_chunks_they_need)
{
	static char text[4096] = "{\"records\": [{\"variables\": [";
	struct fault f = { 0 };
	size_t size;

	for (int i = 0; i < 3; i++) {
		strcat(text, i ? ", {\"module\": 9, \"id\": 1, \"value\": \"hex:"
			       : "{\"module\": 9, \"id\": 1, \"value\": \"hex:");
		for (int n = 0; n < 200; n++)
			strcat(text, "5a");
		strcat(text, "\"}");
	}
	strcat(text, "]}]}");
	ck_assert_ptr_null(sbin_from_json(text, strlen(text), &size, &f));
	/* 24 + 3 * 208 */
	ck_assert_ptr_nonnull(strstr(f.what, "needs 648 bytes and has 512"));
	ck_assert_ptr_nonnull(strstr(f.hint, "to 2"));
}
END_TEST

START_TEST(an_element_without_an_end_is_given_up)
{
	size_t n = 5 * 1024 * 1024, size;
	char *text = malloc(n);
	struct fault f = { 0 };

	memset(text, ' ', n);
	memcpy(text, "{\"records\": [{\"rest\":", 21);
	ck_assert_ptr_null(sbin_from_json(text, n, &size, &f));
	ck_assert_ptr_nonnull(strstr(f.what, "longer than 4 MiB"));
	free(text);
}
END_TEST

START_TEST(more_than_a_mebibyte_behind_the_records_is_not_taken_into_memory)
{
	size_t size, length, n = 1024 + 1024 * 1024 + 1;
	uint8_t *data = load("v1.0-example-pair", "bin", &size), *longer = calloc(1, n);
	struct fault f = { 0 };
	char *text;

	ck_assert_uint_eq(size, 1024);
	memcpy(longer, data, size);
	ck_assert_ptr_null(sbin_to_json(longer, n, true, &length, &f));
	ck_assert_int_eq(f.code, KIT_ERR_RANGE);
	ck_assert_ptr_nonnull(strstr(f.hint, "1024"));
	text = sbin_to_json(longer, n - 1, true, &length, NULL);
	ck_assert_ptr_nonnull(text);
	free(text);
	free(longer);
	free(data);
}
END_TEST

TEST_SUITE("sbin json")
{
	TCase *t = tcase_create("json");

	tcase_add_loop_test(t, each_sample_is_shown_as_the_json_beside_it, 0, N_SAMPLES);
	tcase_add_loop_test(t, each_sample_is_made_again_from_its_json_byte_for_byte, 0, N_SAMPLES);
	tcase_add_loop_test(t, a_sample_cut_anywhere_behind_its_header_survives_as_json, 0,
			    N_SAMPLES);
	tcase_add_loop_test(t, a_sample_with_random_bytes_in_it_survives_as_json, 0, N_SAMPLES);
	tcase_add_loop_test(t, without_secrets_none_is_in_the_json_and_no_file_is_made_of_it, 0,
			    N_SAMPLES);
	tcase_add_test(t, the_least_json_makes_a_sound_file);
	tcase_add_loop_test(t, bad_json_is_refused_with_the_place_and_member_named, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, no_refusal_quotes_a_value_that_may_be_secret);
	tcase_add_test(t, variables_that_do_not_fit_are_refused_with_the_chunks_they_need);
	tcase_add_test(t, an_element_without_an_end_is_given_up);
	tcase_add_test(t, more_than_a_mebibyte_behind_the_records_is_not_taken_into_memory);
	suite_add_tcase(suite, t);
}
