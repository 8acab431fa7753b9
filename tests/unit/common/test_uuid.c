/* Tests of UUIDs: their text, their bytes. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/uuid.h"
#include "tests/support/suite.h"

START_TEST(the_test_vectors_uuid_reads_as_documented)
{
	static const uint8_t wire[16] = { 0x4b, 0x52, 0x9b, 0x93, 0xd4, 0x13, 0x18, 0x1d,
					  0xe4, 0x87, 0x1c, 0x69, 0x7a, 0x6b, 0x7a, 0x2b };
	char shown[UUID_SHOWN + 1];
	struct uuid uuid, again;
	uint8_t back[16];

	uuid_from_smbios(wire, &uuid);
	uuid_show(&uuid, shown);
	ck_assert_str_eq(shown, "939b524b-13d4-1d18-e487-1c697a6b7a2b");
	uuid_to_smbios(&uuid, back);
	ck_assert_mem_eq(back, wire, 16);
	ck_assert_int_eq(uuid_parse("{939B524B-13D4-1D18-E487-1C697A6B7A2B}", &again), 0);
	ck_assert(uuid_equal(&uuid, &again));
	ck_assert_int_eq(uuid_parse("939b524b13d41d18e4871c697a6b7a2b", &again), 0);
	ck_assert(uuid_equal(&uuid, &again));
}
END_TEST

START_TEST(what_is_no_uuid_is_refused)
{
	static const char good[] = "939b524b-13d4-1d18-e487-1c697a6b7a2b";
	static const char *const defaults[] = {
		"03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009",
		"12345678-1234-5678-90ab-cddeefaabbcc", "78563412-3412-7856-90ab-cddeefaabbcc",
		"4c4c4544-0000-2010-8020-80c04f202020", "44454c4c-0000-1020-8020-80c04f202020",
		"fefefefe-fefe-fefe-fefe-fefefefefefe",
	};
	char text[sizeof(good)];
	struct uuid uuid;

	for (size_t n = 0; n < sizeof(good) - 1; n++) {
		memcpy(text, good, sizeof(good));
		text[n] = 0;
		ck_assert_int_eq(uuid_parse(text, &uuid), KIT_ERR_FORMAT);
		memcpy(text, good, sizeof(good));
		text[n] = 'g';
		ck_assert_int_eq(uuid_parse(text, &uuid), KIT_ERR_FORMAT);
	}
	ck_assert_int_eq(uuid_parse("939b524b-13d4-1d18-e487-1c697a6b7a2b0", &uuid),
			 KIT_ERR_FORMAT);
	ck_assert_int_eq(uuid_parse("{939b524b13d41d18e4871c697a6b7a2b", &uuid), KIT_ERR_FORMAT);
	ck_assert_int_eq(uuid_parse("00000000-0000-0000-0000-000000000000", &uuid), 0);
	ck_assert(uuid_is_blank(&uuid));
	ck_assert_int_eq(uuid_parse("ffffffff-ffff-ffff-ffff-ffffffffffff", &uuid), 0);
	ck_assert(uuid_is_blank(&uuid));
	ck_assert_int_eq(uuid_parse(good, &uuid), 0);
	ck_assert(!uuid_is_blank(&uuid));
	for (size_t i = 0; i < sizeof(defaults) / sizeof(*defaults); i++) {
		ck_assert_int_eq(uuid_parse(defaults[i], &uuid), 0);
		ck_assert_msg(uuid_is_blank(&uuid), "%s", defaults[i]);
		uuid.bytes[15] ^= 1;
		ck_assert_msg(!uuid_is_blank(&uuid), "%s", defaults[i]);
	}
}
END_TEST

TEST_SUITE("uuid")
{
	TCase *tcase = tcase_create("uuid");

	tcase_add_test(tcase, the_test_vectors_uuid_reads_as_documented);
	tcase_add_test(tcase, what_is_no_uuid_is_refused);
	suite_add_tcase(suite, tcase);
}
