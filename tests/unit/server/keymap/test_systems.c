/* Tests of what the map knows about machines: hellos, states, re-keying; and of UUIDs. */
#include <check.h>
#include <string.h>

#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"

#define NOW	1000000

static struct system hello(unsigned who, const char *pid, const char *address, int64_t now)
{
	const struct keymap_hello h = { scratch_uuid(who), pid, address, 2, 5 };
	struct system row;

	ok(keymap_system_hello(m, &h, SYSTEM_QUEUED, now, &row, NULL, &fault));
	return row;
}

static struct system find(unsigned who)
{
	struct uuid uuid = scratch_uuid(who);
	struct system row;

	ok(keymap_system_find(m, &uuid, &row, &fault));
	return row;
}

static void set_state(unsigned who, enum system_state state, const char *reason, int64_t next_try)
{
	struct uuid uuid = scratch_uuid(who);

	ok(keymap_system_state(m, &uuid, state, reason, next_try, NOW + 50, &fault));
}

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

START_TEST(hellos_make_one_row_a_machine_and_the_newest_address_counts)
{
	const struct keymap_hello again = { scratch_uuid(1), NULL, "2001:db8::9", 3, 6 };
	struct system row = hello(1, "0000037M", "192.0.2.1", NOW);
	bool made = true;

	ck_assert_int_eq(row.state, SYSTEM_QUEUED);
	ck_assert_int_eq(row.next_try, NOW);
	ck_assert_uint_eq(row.hellos, 1);
	ck_assert_int_eq(row.first_seen, NOW);
	set_state(1, SYSTEM_FAILED, NULL, 0);
	ok(keymap_system_hello(m, &again, SYSTEM_QUEUED, NOW + 100, &row, &made, &fault));
	ck_assert(!made);
	ck_assert_uint_eq(row.hellos, 2);
	ck_assert_str_eq(row.address, "2001:db8::9");
	ck_assert_str_eq(row.pid, "0000037M");	/* a hello without PID does not take it away */
	ck_assert_uint_eq(row.hello_version, 3);
	ck_assert_uint_eq(row.hello_retry, 6);
	ck_assert_int_eq(row.state, SYSTEM_FAILED);
	ck_assert_int_eq(row.first_seen, NOW);
	ck_assert_int_eq(row.last_seen, NOW + 100);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts"), 1);
}
END_TEST

START_TEST(failures_add_up_until_success_or_retry)
{
	struct uuid uuid = scratch_uuid(1), nobody = scratch_uuid(9);

	hello(1, "0000037M", "192.0.2.1", NOW);
	for (unsigned i = 1; i <= 3; i++) {
		set_state(1, SYSTEM_FAILED, "no answer", NOW + 60 * i);
		ck_assert_uint_eq(find(1).failures, i);
		set_state(1, SYSTEM_IN_SETUP, NULL, 0);
	}
	ck_assert_str_eq(find(1).reason, "");
	set_state(1, SYSTEM_CONFIGURED, NULL, 0);
	ck_assert_uint_eq(find(1).failures, 0);
	ck_assert_int_eq(find(1).configured_at, NOW + 50);
	/* Asking again makes no machine less set up. */
	ok(keymap_system_retry(m, &uuid, NOW + 60, &fault));
	ck_assert_int_eq(find(1).state, SYSTEM_CONFIGURED);
	ck_assert_int_eq(find(1).next_try, NOW + 60);
	set_state(1, SYSTEM_FAILED, "no answer", NOW + 600);
	ok(keymap_system_retry(m, &uuid, NOW + 70, &fault));
	ck_assert_int_eq(find(1).state, SYSTEM_QUEUED);
	ck_assert_int_eq(find(1).next_try, NOW + 70);
	ck_assert_uint_eq(find(1).failures, 0);
	ck_assert_int_eq(find(1).configured_at, NOW + 50);
	ck_assert_int_eq(keymap_system_retry(m, &nobody, NOW, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(keymap_system_state(m, &nobody, SYSTEM_FAILED, NULL, 0, NOW, NULL),
			 KIT_ERR_NOT_FOUND);
}
END_TEST

static int note_order(void *context, const struct system *system)
{
	char *out = context;
	size_t n = strlen(out);

	out[n] = (char)('0' + system->uuid.bytes[12]);
	out[n + 1] = 0;
	return 0;
}

START_TEST(what_is_due_comes_soonest_first_and_no_earlier)
{
	struct keymap_system_filter due = { .due = NOW + 50 };
	char order[20] = "";
	int64_t next;

	ok(keymap_system_next_due(m, 0, &next, &fault));
	ck_assert_int_eq(next, 0);
	for (unsigned i = 1; i <= 5; i++)
		hello(i, NULL, "192.0.2.1", NOW);
	set_state(1, SYSTEM_FAILED, NULL, NOW + 40);
	set_state(2, SYSTEM_FAILED, NULL, NOW + 30);
	set_state(3, SYSTEM_FAILED, NULL, NOW + 51);
	set_state(4, SYSTEM_CONFIGURED, NULL, 0);
	set_state(5, SYSTEM_FQDN_MISSING, NULL, NOW + 50);
	ok(keymap_systems(m, &due, note_order, order, &fault));
	ck_assert_str_eq(order, "215");
	due.limit = 1;
	order[0] = 0;
	ok(keymap_systems(m, &due, note_order, order, &fault));
	ck_assert_str_eq(order, "2");
	ok(keymap_system_next_due(m, 0, &next, &fault));
	ck_assert_int_eq(next, NOW + 30);
	ok(keymap_system_next_due(m, NOW + 30, &next, &fault));
	ck_assert_int_eq(next, NOW + 40);
}
END_TEST

START_TEST(facts_change_only_what_they_name)
{
	const struct keymap_facts first = { .fqdn = "pc1.example.com", .version = "3.2.1",
					    .profile = "office", .admin_user = "admin" };
	const struct keymap_facts second = { .version = "3.2.2", .profile = "" };
	struct uuid uuid = scratch_uuid(1);

	hello(1, "0000037M", "192.0.2.1", NOW);
	ok(keymap_system_facts(m, &uuid, &first, &fault));
	ok(keymap_system_facts(m, &uuid, &second, &fault));
	ck_assert_str_eq(find(1).fqdn, "pc1.example.com");
	ck_assert_str_eq(find(1).version, "3.2.2");
	ck_assert_str_eq(find(1).profile, "");
	ck_assert_str_eq(find(1).admin_user, "admin");
	ck_assert_str_eq(find(1).pid, "0000037M");
}
END_TEST

START_TEST(a_rekey_pair_is_for_its_machine_alone_and_never_lapses)
{
	struct keyentry old = scratch_pair(1), fresh = scratch_pair(2);
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2);
	const struct keymap_facts done = { .pid = fresh.pair.pid, .next_pid = "" };
	struct keymap_filter free_ones = { .by_state = true, .now = NOW + 1000000000 };
	struct keymap_counts counts;
	enum keymap_claim claim;

	ok(keymap_add(m, &old, 0, NULL, &fault));
	ck_assert_int_eq(keymap_add_rekey(m, &fresh, &one, NOW, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_pid_map"), 1);
	hello(1, old.pair.pid, "192.0.2.1", NOW);
	ck_assert_int_eq(keymap_add_rekey(m, &old, &one, NOW, NULL), KIT_ERR_DUPLICATE);
	ok(keymap_add_rekey(m, &fresh, &one, NOW, &fault));
	ck_assert_str_eq(find(1).next_pid, fresh.pair.pid);
	ck_assert_str_eq(find(1).pid, old.pair.pid);
	ok(keymap_count(m, free_ones.now, &counts, &fault));
	ck_assert_uint_eq(counts.reserved, 1);
	ok(keymap_reserve(m, fresh.pair.pid, &two, free_ones.now, 900, &claim, NULL, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIM_RESERVED);
	ok(keymap_reserve(m, fresh.pair.pid, &one, free_ones.now, 900, &claim, NULL, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIM_HELD);
	ok(keymap_use(m, fresh.pair.pid, &one, NOW, NULL, &fault));
	ok(keymap_system_facts(m, &one, &done, &fault));
	ck_assert_str_eq(find(1).pid, fresh.pair.pid);
	ck_assert_str_eq(find(1).next_pid, "");
}
END_TEST

static enum keymap_state state_of(unsigned n)
{
	struct keyentry e = scratch_pair(n);
	struct keymap_pair pair;

	ok(keymap_find(m, e.pair.pid, NOW, &pair, &fault));
	return pair.state;
}

START_TEST(the_pair_of_a_re_key_is_nobody_elses_whatever_becomes_of_its_machine)
{
	struct keyentry old = scratch_pair(1), fresh = scratch_pair(2);
	const struct keymap_facts settled = { .pid = fresh.pair.pid, .next_pid = "" };
	struct uuid one = scratch_uuid(1), other = scratch_uuid(2);
	enum keymap_claim claim;

	ok(keymap_add(m, &old, 0, NULL, &fault));
	hello(1, old.pair.pid, "192.0.2.2", NOW);
	ok(keymap_use(m, old.pair.pid, &one, NOW, NULL, &fault));
	ok(keymap_add_rekey(m, &fresh, &one, NOW, &fault));
	ok(keymap_system_facts(m, &one, &settled, &fault));
	/* Somebody says hello in its name, and does not prove it. */
	ok(keymap_release(m, fresh.pair.pid, &one, &fault));
	ck_assert_int_eq(state_of(2), KEYMAP_RESERVED);
	ok(keymap_system_forget(m, &one, &fault));
	ck_assert_int_eq(state_of(2), KEYMAP_RESERVED);
	ok(keymap_reserve(m, fresh.pair.pid, &other, NOW, 900, &claim, NULL, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIM_RESERVED);
	/* But it may come back itself. */
	ok(keymap_reserve(m, fresh.pair.pid, &one, NOW, 900, &claim, NULL, &fault));
	ck_assert_int_eq(claim, KEYMAP_CLAIM_HELD);
}
END_TEST

START_TEST(a_forgotten_machine_gives_its_reservation_back_but_not_its_used_key)
{
	struct keyentry pairs[3] = { scratch_pair(0), scratch_pair(1), scratch_pair(2) };
	struct uuid zero = scratch_uuid(0), one = scratch_uuid(1), two = scratch_uuid(2);
	struct system row;
	enum keymap_claim claim;

	for (int i = 0; i < 2; i++)
		ok(keymap_add(m, &pairs[i], 0, NULL, &fault));
	hello(0, pairs[0].pair.pid, "192.0.2.1", NOW);
	hello(1, pairs[1].pair.pid, "192.0.2.2", NOW);
	hello(2, "ZZZZZZZZ", "192.0.2.3", NOW);	/* a PID that is nowhere */
	ok(keymap_reserve(m, pairs[0].pair.pid, &zero, NOW, 900, &claim, NULL, &fault));
	ok(keymap_use(m, pairs[1].pair.pid, &one, NOW, NULL, &fault));
	ok(keymap_add_rekey(m, &pairs[2], &one, NOW, &fault));
	ok(keymap_system_forget(m, &zero, &fault));
	ok(keymap_system_forget(m, &one, &fault));
	ok(keymap_system_forget(m, &two, &fault));
	ck_assert_int_eq(state_of(0), KEYMAP_FREE);
	ck_assert_int_eq(state_of(1), KEYMAP_USED);
	ck_assert_int_eq(state_of(2), KEYMAP_REVOKED);
	ck_assert_int_eq(keymap_system_find(m, &zero, &row, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(keymap_system_forget(m, &zero, NULL), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts"), 0);
}
END_TEST

START_TEST(states_are_counted_and_their_words_go_both_ways)
{
	uint64_t counts[SYSTEM_STATES];

	for (unsigned i = 0; i < SYSTEM_STATES; i++) {
		enum system_state back;

		hello(i, NULL, "192.0.2.1", NOW);
		set_state(i, (enum system_state)i, NULL, 0);
		ck_assert_int_eq(system_state_parse(system_state_word((enum system_state)i), &back),
				 0);
		ck_assert_uint_eq(back, i);
	}
	set_state(0, SYSTEM_FAILED, NULL, 0);
	ok(keymap_system_count(m, counts, &fault));
	for (int i = 0; i < SYSTEM_STATES; i++)
		ck_assert_uint_eq(counts[i], i == SYSTEM_FAILED ? 2 : i != SYSTEM_QUEUED);
}
END_TEST

START_TEST(overlong_and_odd_texts_from_peers_are_cut_and_kept_in_bounds)
{
	char long_name[2000];
	const struct keymap_facts facts = { .fqdn = long_name, .version = long_name };
	struct uuid uuid = scratch_uuid(1);
	struct system row;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	hello(1, NULL, long_name, NOW);
	ok(keymap_system_facts(m, &uuid, &facts, &fault));
	set_state(1, SYSTEM_FAILED, long_name, 0);
	row = find(1);
	ck_assert_uint_eq(strlen(row.address), SYSTEM_ADDRESS);
	ck_assert_uint_eq(strlen(row.fqdn), SYSTEM_FQDN);
	ck_assert_uint_eq(strlen(row.version), SYSTEM_VERSION);
	ck_assert_uint_eq(strlen(row.reason), SYSTEM_REASON);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("systems");
	TCase *tcase = tcase_create("systems");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, the_test_vectors_uuid_reads_as_documented);
	tcase_add_test(tcase, what_is_no_uuid_is_refused);
	tcase_add_test(tcase, hellos_make_one_row_a_machine_and_the_newest_address_counts);
	tcase_add_test(tcase, failures_add_up_until_success_or_retry);
	tcase_add_test(tcase, what_is_due_comes_soonest_first_and_no_earlier);
	tcase_add_test(tcase, facts_change_only_what_they_name);
	tcase_add_test(tcase, a_rekey_pair_is_for_its_machine_alone_and_never_lapses);
	tcase_add_test(tcase, the_pair_of_a_re_key_is_nobody_elses_whatever_becomes_of_its_machine);
	tcase_add_test(tcase, a_forgotten_machine_gives_its_reservation_back_but_not_its_used_key);
	tcase_add_test(tcase, states_are_counted_and_their_words_go_both_ways);
	tcase_add_test(tcase, overlong_and_odd_texts_from_peers_are_cut_and_kept_in_bounds);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
