/* What becomes of a hello: reservations, refusals, rows, and when a machine is due. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/hello/intake.h"
#include "server/keymap/digests.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define NOW 1700000000

static struct keymap *map;
static struct config config;
static struct intake intake;
static struct intake_result result;
static struct fault fault;

static void begin(void)
{
	int64_t batch;

	scratch_enter();
	map = scratch_map();
	config_init(&config);
	config.reserve_seconds = 100;
	ck_assert_int_eq(keymap_batch(map, "import", "test", NOW, &batch, &fault), 0);
	for (unsigned i = 0; i < 3; i++) {
		struct keyentry e = scratch_pair(i);

		ck_assert_int_eq(keymap_add(map, &e, batch, NULL, &fault), 0);
	}
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
}

static void end(void)
{
	keymap_close(&map);
	scratch_leave();
}

static struct hello hello_of(unsigned pair, unsigned machine)
{
	struct keyentry e = scratch_pair(pair);
	struct hello h = { .version = HELLO_PSK, .uuid = scratch_uuid(machine) };

	strcpy(h.pid, e.pair.pid);
	return h;
}

/* The machine MACHINE says hello with the key PAIR at the time NOW + AFTER. */
static bool say_from(unsigned pair, unsigned machine, int64_t after, const char *address)
{
	const bool own = !keymap_in_transaction(map);
	struct hello h = hello_of(pair, machine);

	fault_clear(&fault);
	if (own)
		ck_assert_int_eq(keymap_begin(map, &fault), 0);
	ck_assert_msg(intake_hello(&intake, map, &h, address, NOW + after, &result, &fault) == 0,
		      "%s", fault.what);
	if (own)
		ck_assert_int_eq(keymap_commit(map, &fault), 0);
	return result.accepted;
}

/* Each machine at an address of its own. */
static bool say(unsigned pair, unsigned machine, int64_t after)
{
	char address[32];

	snprintf(address, sizeof(address), "192.0.%u.%u", 2 + machine / 256, machine % 256);
	return say_from(pair, machine, after, address);
}

static enum keymap_state key(unsigned pair, int64_t after)
{
	struct keyentry e = scratch_pair(pair);
	struct keymap_pair p;

	ck_assert_int_eq(keymap_find(map, e.pair.pid, NOW + after, &p, &fault), 0);
	return p.state;
}

static struct system row(unsigned machine)
{
	struct uuid uuid = scratch_uuid(machine);
	struct system s;

	ck_assert_int_eq(keymap_system_find(map, &uuid, &s, &fault), 0);
	return s;
}

static bool has_row(unsigned machine)
{
	struct uuid uuid = scratch_uuid(machine);
	struct system s;

	return keymap_system_find(map, &uuid, &s, &fault) == 0;
}

static void set_state(unsigned machine, enum system_state state, int64_t next, int64_t after)
{
	struct uuid uuid = scratch_uuid(machine);

	ck_assert_int_eq(keymap_system_state(map, &uuid, state, NULL, next ? NOW + next : 0,
					     NOW + after, &fault), 0);
}

static void use(unsigned pair, unsigned machine)
{
	struct keyentry e = scratch_pair(pair);
	struct uuid uuid = scratch_uuid(machine);

	ck_assert_int_eq(keymap_use(map, e.pair.pid, &uuid, NOW, NULL, &fault), 0);
}

static void prove(unsigned pair, unsigned machine, int64_t after)
{
	struct keyentry e = scratch_pair(pair);
	struct uuid uuid = scratch_uuid(machine);
	struct system before;
	bool changed;

	ck_assert_int_eq(keymap_system_prove(map, &uuid, e.pair.pid, "192.0.2.1", NOW + after,
					     &before, &changed, &fault), 0);
}

START_TEST(a_first_hello_reserves_the_key_and_queues_the_machine)
{
	ck_assert(say(0, 1, 0));
	ck_assert_str_eq(result.name, "hello");
	ck_assert_int_eq(key(0, 0), KEYMAP_RESERVED);
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	ck_assert_int_eq(row(1).next_try, NOW);
	ck_assert_str_eq(row(1).address, "192.0.2.1");
}
END_TEST

START_TEST(an_unknown_pid_queues_nothing)
{
	ck_assert(!say(7, 1, 0));
	ck_assert_str_eq(result.name, "invalid-pid-map");
	ck_assert_ptr_nonnull(strstr(result.what, "invalid PID map"));
	ck_assert(*result.hint);
	ck_assert_int_eq(row(1).state, SYSTEM_REFUSED);
	ck_assert_ptr_nonnull(strstr(row(1).reason, "was ever imported -- import the list"));
	ck_assert_int_eq(row(1).next_try, 0);
}
END_TEST

START_TEST(a_machine_that_was_refused_is_queued_once_its_key_is_known)
{
	say(7, 1, 0);
	ck_assert(say(0, 1, 10));
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	ck_assert_int_eq(row(1).next_try, NOW + 10);
	ck_assert_uint_eq(intake.unproved, 0);
}
END_TEST

START_TEST(a_machine_that_has_not_proved_a_key_keeps_no_other_out)
{
	say(0, 1, 0);
	ck_assert(say(0, 2, 50));
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	ck_assert_str_eq(result.name, "pid-reserved");
	ck_assert_int_eq(row(2).state, SYSTEM_QUEUED);
	ck_assert_int_eq(row(2).next_try, NOW + 50);
	/* The one that was there first is not forgotten for it. */
	ck_assert(say(0, 1, 99));
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	/* Once proved, it is one machine's. */
	use(0, 2);
	ck_assert(!say(0, 1, 120));
	ck_assert_str_eq(result.name, "pid-used");
}
END_TEST

/* A machine that does not hold the PPS is called, and what it said comes to nothing. */
static void fail_proof(unsigned pair, unsigned machine, int64_t after)
{
	struct keyentry e = scratch_pair(pair);
	struct uuid uuid = scratch_uuid(machine);

	ck_assert_int_eq(keymap_lapse(map, e.pair.pid, &uuid, NOW + after, &fault), 0);
	set_state(machine, SYSTEM_FAILED, 0, after);
}

START_TEST(fresh_uuids_with_one_key_get_so_many_rows_and_no_more)
{
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	for (unsigned i = 1; i <= 200; i++) {
		ck_assert(say(0, i, i));
		fail_proof(0, i, i);
	}
	ck_assert_int_eq(keymap_commit(map, &fault), 0);
	ck_assert_int_le(scratch_sql("SELECT count(*) FROM csti_amts"), 8);
	/* The machine that really holds the key is called at once all the same. */
	ck_assert(say(0, 1000, 300));
	ck_assert_int_eq(row(1000).next_try, NOW + 300);
	/* One that was not tried yet is not pushed out by those that come after it. */
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	for (unsigned i = 201; i <= 300; i++) {
		if (say(0, i, 300))
			fail_proof(0, i, 300);
		ck_assert_int_eq(row(1000).state, SYSTEM_QUEUED);
	}
	ck_assert_int_eq(keymap_commit(map, &fault), 0);
	ck_assert_int_le(scratch_sql("SELECT count(*) FROM csti_amts"), 8);
}
END_TEST

START_TEST(rivals_that_were_not_tried_are_refused_beyond_a_bound)
{
	for (unsigned i = 1; i <= 8; i++)
		ck_assert(say(0, i, 0));
	ck_assert(!say(0, 9, 0));
	ck_assert_str_eq(result.name, "pid-reserved");
	ck_assert(!has_row(9));
	/* And beyond one for all keys together. */
	config.max_unproved = intake.unproved + 1;
	ck_assert(say(1, 20, 0));
	ck_assert(say(1, 21, 0));
	ck_assert(!say(1, 22, 0));
	/* Yet one that was called in vain keeps no other out. */
	set_state(20, SYSTEM_FAILED, 60, 0);
	ck_assert(say(1, 22, 0));
	ck_assert(!has_row(20));
	/* A key that nobody else claims is not concerned. */
	ck_assert(say(2, 30, 0));
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 8);
}
END_TEST

/* The one that has the reservation is called in vain, and makes room: the next one has it then. */
START_TEST(who_makes_room_leaves_no_key_that_another_gets_without_one)
{
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	for (unsigned i = 1; i <= 200; i++) {
		say(0, i, 0);
		if (has_row(i))
			set_state(i, SYSTEM_FAILED, 60, 0);
	}
	ck_assert_int_eq(keymap_commit(map, &fault), 0);
	ck_assert_int_le(scratch_sql("SELECT count(*) FROM csti_amts"), 8);
	ck_assert_uint_eq(intake.unproved, 7);
}
END_TEST

START_TEST(an_address_claims_a_key_as_one_machine_at_a_time)
{
	const char *const there = "198.51.100.1";

	ck_assert(say(0, 1, 0));
	ck_assert(say_from(0, 2, 0, there));
	/* As long as that one was not called, nor while it is. */
	ck_assert(!say_from(0, 3, 5, there));
	ck_assert_str_eq(result.name, "pid-reserved");
	ck_assert(!has_row(3));
	set_state(2, SYSTEM_IN_SETUP, 0, 5);
	ck_assert(!say_from(0, 3, 6, there));
	/* Then it waits as its failures say, whoever it says to be. */
	set_state(2, SYSTEM_FAILED, 65, 5);
	ck_assert(!say_from(0, 3, 59, there));
	ck_assert_ptr_nonnull(strstr(result.what, "refused for 1 s"));
	ck_assert(!has_row(3));
	ck_assert(say_from(0, 3, 60, there));
	ck_assert(!has_row(2));
	ck_assert_uint_eq(intake.unproved, 1);
	set_state(3, SYSTEM_FAILED, 120, 65);
	ck_assert(!say_from(0, 4, 60 + 119, there));
	ck_assert(say_from(0, 4, 60 + 120, there));
	/* Nor is it another machine's second address meanwhile. */
	ck_assert(!say_from(0, 1, 181, there));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM claim"), 0);
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 1);
	/* Others are not concerned, and the first to prove it has it. */
	ck_assert(say(0, 5, 181));
}
END_TEST

/* More addresses than may claim the key, each as somebody new at each of its hellos. */
START_TEST(addresses_that_failed_wait_though_their_rows_are_gone)
{
	unsigned machine = 1;
	char address[32];

	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	for (unsigned i = 0; i < 32; i++) {
		snprintf(address, sizeof(address), "198.51.100.%u", i);
		ck_assert(say_from(0, machine, 0, address));
		set_state(machine++, SYSTEM_FAILED, 60, 0);
	}
	for (unsigned i = 0; i < 32 * 59; i++) {
		snprintf(address, sizeof(address), "198.51.100.%u", i % 32);
		ck_assert(!say_from(0, machine++, 1 + i / 32, address));
	}
	ck_assert_int_eq(keymap_commit(map, &fault), 0);
	/* The good one does not find the list full of them. */
	ck_assert(say(0, 5000, 59));
	/* They come to an end with the key. */
	ck_assert_int_gt(scratch_sql("SELECT count(*) FROM vain"), 0);
	prove(0, 5000, 60);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM vain"), 0);
}
END_TEST

START_TEST(a_used_key_serves_its_own_machine_only)
{
	struct uuid uuid = scratch_uuid(1);

	use(0, 1);
	ck_assert(!say(0, 1, 0));
	ck_assert_str_eq(result.name, "needs-permission");
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_int_eq(keymap_system_allow(map, &uuid, SYSTEM_ALLOWED, NOW, &fault), 0);
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	ck_assert_int_eq(row(1).next_try, NOW);
	ck_assert(say(0, 1, 0));
	ck_assert(!say(0, 2, 0));
	ck_assert_str_eq(result.name, "pid-used");
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	config.reprovision = REPROVISION_NEVER;
	ck_assert(!say(0, 1, 0));
	ck_assert_str_eq(result.name, "already-set-up");
}
END_TEST

START_TEST(a_revoked_key_is_refused)
{
	struct keyentry e = scratch_pair(0);

	ck_assert_int_eq(keymap_revoke(map, e.pair.pid, NOW, &fault), 0);
	ck_assert(!say(0, 1, 0));
	ck_assert_str_eq(result.name, "pid-revoked");
}
END_TEST

START_TEST(a_refused_hello_changes_nothing_of_a_machine_that_is_known)
{
	struct system before, after;

	say(0, 1, 0);
	set_state(1, SYSTEM_CONFIGURED, 0, 1);
	before = row(1);
	ck_assert(!say_from(7, 1, 2, "198.51.100.9"));
	after = row(1);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

START_TEST(the_newest_address_counts_and_makes_a_failed_machine_due)
{
	say(0, 1, 0);
	set_state(1, SYSTEM_FAILED, 1000, 10);
	ck_assert(say_from(0, 1, 20, "192.0.2.77"));
	ck_assert_str_eq(row(1).address, "192.0.2.77");
	ck_assert_int_eq(row(1).next_try, NOW + 20);
}
END_TEST

START_TEST(hellos_do_not_shorten_the_wait_after_a_failure_at_will)
{
	config.retry_first_seconds = 60;
	say(0, 1, 0);
	set_state(1, SYSTEM_FAILED, 10 + 60, 10);
	ck_assert(say(0, 1, 11));
	ck_assert_int_eq(row(1).next_try, NOW + 70);
	ck_assert(say(0, 1, 12));
	ck_assert_int_eq(row(1).next_try, NOW + 70);
	/* Long after, a hello is a reason to try before the long wait is over. */
	set_state(1, SYSTEM_FAILED, 80 + 120, 80);
	ck_assert(say(0, 1, 150));
	ck_assert_int_eq(row(1).next_try, NOW + 150);
}
END_TEST

START_TEST(a_clock_that_was_set_back_makes_no_wait_longer)
{
	const int64_t year = 365 * 86400;
	const struct uuid uuid = scratch_uuid(1);

	say(0, 1, 0);
	set_state(1, SYSTEM_FAILED, year + 60, year);
	ck_assert(say(0, 1, 20));
	ck_assert_int_eq(row(1).next_try, NOW + 20);
	ck_assert_int_eq(keymap_system_unclaim(map, &uuid, NOW + year, &fault), 0);
	set_state(1, SYSTEM_CONFIGURED, 0, 30);
	ck_assert(say(0, 1, 40));
	ck_assert_int_eq(row(1).next_try, NOW + 40);
}
END_TEST

START_TEST(a_machine_in_set_up_is_left_alone)
{
	say(0, 1, 0);
	set_state(1, SYSTEM_IN_SETUP, 0, 1);
	ck_assert(say(0, 1, 2));
	ck_assert_int_eq(row(1).state, SYSTEM_IN_SETUP);
	ck_assert_int_eq(row(1).next_try, 0);
}
END_TEST

START_TEST(the_address_that_is_being_called_does_not_change_meanwhile)
{
	struct uuid uuid = scratch_uuid(1);
	int64_t next = NOW + 1000;

	say(0, 1, 0);
	set_state(1, SYSTEM_IN_SETUP, 0, 1);
	ck_assert(say_from(1, 1, 2, "198.51.100.9"));
	ck_assert_str_eq(row(1).address, "192.0.2.1");
	ck_assert_str_eq(row(1).pid, scratch_pair(0).pair.pid);
	/* It came to nothing: the other address has its turn at once, and then a newer one. */
	set_state(1, SYSTEM_FAILED, 1000, 3);
	ck_assert_int_eq(keymap_system_next_claim(map, &uuid, NOW + 3, &next, &fault), 0);
	ck_assert_int_eq(next, NOW + 3);
	ck_assert_str_eq(row(1).address, "198.51.100.9");
	ck_assert_str_eq(row(1).pid, scratch_pair(1).pair.pid);
	set_state(1, SYSTEM_FAILED, 2000, 4);
	ck_assert(say_from(1, 1, 4, "198.51.100.10"));
	ck_assert_str_eq(row(1).address, "198.51.100.10");
	ck_assert_int_eq(row(1).next_try, NOW + 4);
	/* The hellos of one that came to nothing change nothing of that. */
	ck_assert(say(0, 1, 5));
	ck_assert_str_eq(row(1).address, "198.51.100.10");
	ck_assert_int_eq(row(1).next_try, NOW + 4);
	/* Once all have come to nothing, the one that is due first is next. */
	set_state(1, SYSTEM_FAILED, 3000, 6);
	next = NOW + 3000;
	ck_assert_int_eq(keymap_system_next_claim(map, &uuid, NOW + 6, &next, &fault), 0);
	ck_assert_int_eq(next, row(1).next_try);
	ck_assert_str_ne(row(1).address, "198.51.100.10");
}
END_TEST

START_TEST(a_hello_alone_changes_nothing_of_a_machine_that_is_set_up)
{
	struct uuid uuid = scratch_uuid(1);
	struct system s;

	say(0, 1, 0);
	use(0, 1);
	set_state(1, SYSTEM_CONFIGURED, 0, 1);
	ck_assert_int_eq(keymap_system_allow(map, &uuid, SYSTEM_ALLOWED, NOW, &fault), 0);
	ck_assert(say_from(0, 1, 2, "198.51.100.9"));
	s = row(1);
	ck_assert_int_eq(s.state, SYSTEM_CONFIGURED);
	ck_assert_str_eq(s.address, "192.0.2.1");
	ck_assert_str_eq(s.claimed_address, "198.51.100.9");
	ck_assert_int_eq(s.next_try, NOW + 2);
	ck_assert_int_eq(result.severity, SEVERITY_INFO);
	/* With a key that is free, too: the log says whose the UUID is. */
	ck_assert(say_from(1, 1, 3, "198.51.100.10"));
	s = row(1);
	ck_assert_int_eq(s.state, SYSTEM_CONFIGURED);
	ck_assert_str_eq(s.pid, scratch_pair(0).pair.pid);
	ck_assert_str_eq(s.claimed_pid, scratch_pair(1).pair.pid);
	ck_assert_int_eq(result.severity, SEVERITY_WARNING);
	ck_assert_ptr_nonnull(strstr(result.what, "0000-000C"));
	/* After a call that came to nothing the next one waits. */
	ck_assert_int_eq(keymap_system_unclaim(map, &uuid, NOW + 10, &fault), 0);
	ck_assert_str_eq(row(1).claimed_pid, "");
	config.retry_first_seconds = 60;
	ck_assert(say_from(1, 1, 20, "198.51.100.10"));
	ck_assert_int_eq(row(1).next_try, NOW + 70);
}
END_TEST

START_TEST(a_machine_without_name_is_tried_again_at_its_next_hello)
{
	say(0, 1, 0);
	set_state(1, SYSTEM_FQDN_MISSING, 0, 1);
	ck_assert(say(0, 1, 2));
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	ck_assert_int_eq(row(1).next_try, NOW + 2);
}
END_TEST

/* ---- by certificate ---- */

/* The machine MACHINE says a hello of version 3, with N hashes. */
static bool say_v3(unsigned machine, const char *address, size_t n)
{
	struct hello h = { .version = HELLO_PKI, .uuid = scratch_uuid(machine), .n_hashes = n };

	for (size_t i = 0; i < n; i++) {
		h.hashes[i].type = 3;
		h.hashes[i].length = 48;
		memset(h.hashes[i].bytes, 0xab, 48);
	}
	fault_clear(&fault);
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	ck_assert_msg(intake_hello(&intake, map, &h, address, NOW, &result, &fault) == 0, "%s",
		      fault.what);
	ck_assert_int_eq(keymap_commit(map, &fault), 0);
	return row(machine).state == SYSTEM_QUEUED;
}

static void list_machine(unsigned machine)
{
	const struct keymap_inventory known = { .uuid = scratch_uuid(machine) };

	ck_assert_int_eq(keymap_inventory_put(map, &known, &fault), 0);
}

static void allow(unsigned machine)
{
	const struct uuid uuid = scratch_uuid(machine);

	ck_assert_int_eq(keymap_system_allow(map, &uuid, SYSTEM_ALLOWED, NOW, &fault), 0);
}

static void set_up_by_certificate(unsigned machine, const char *address)
{
	const struct uuid uuid = scratch_uuid(machine);
	struct system before;

	ck_assert_int_eq(keymap_system_certified(map, &uuid, address, SYSTEM_PROOF_NONE, &before,
						 &fault), 0);
	set_state(machine, SYSTEM_CONFIGURED, 0, 0);
}

static void set_up_by_key(unsigned pair, unsigned machine)
{
	const struct uuid uuid = scratch_uuid(machine);
	struct keyentry e = scratch_pair(pair);
	struct system before;
	bool changed;

	say(pair, machine, 0);
	use(pair, machine);
	ck_assert_int_eq(keymap_system_prove(map, &uuid, e.pair.pid, "192.0.2.1", NOW, &before,
					     &changed, &fault), 0);
	set_state(machine, SYSTEM_CONFIGURED, 0, 0);
}

START_TEST(who_comes_by_certificate_and_is_not_known_is_listed_and_not_called)
{
	ck_assert(!say_v3(1, "192.0.2.1", HELLO_HASHES));
	ck_assert(!result.accepted);
	ck_assert_str_eq(result.name, "not-known");
	ck_assert_ptr_nonnull(strstr(result.what, "(33 root hashes)"));
	ck_assert_ptr_nonnull(strstr(result.hint, "allow-setup"));
	ck_assert_int_eq(row(1).state, SYSTEM_REFUSED);
	ck_assert_str_eq(row(1).reason_code, "not-known");
	ck_assert_int_eq(row(1).next_try, 0);
	/* Its own row makes it no better known. */
	ck_assert(!say_v3(1, "192.0.2.1", 3));
	/* It does not touch what is known of a machine with a key. */
	ck_assert(say(0, 2, 0));
	say_v3(2, "192.0.2.9", 3);
	ck_assert_int_eq(row(2).state, SYSTEM_QUEUED);
	ck_assert_str_eq(row(2).address, "192.0.2.2");
}
END_TEST

START_TEST(the_digests_of_the_newest_hello_are_kept)
{
	const struct uuid uuid = scratch_uuid(1);
	struct keymap_digest digests[KEYMAP_DIGESTS];
	size_t n;

	say_v3(1, "192.0.2.1", HELLO_HASHES);
	say_v3(1, "192.0.2.1", 2);
	ck_assert_int_eq(keymap_digests_find(map, &uuid, digests, &n, &fault), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_uint_eq(digests[1].type, 3);
	ck_assert_uint_eq(digests[1].bytes[47], 0xab);
}
END_TEST

START_TEST(the_inventory_or_a_person_makes_a_machine_known)
{
	list_machine(1);
	ck_assert(say_v3(1, "192.0.2.1", 3));
	ck_assert(!say_v3(2, "192.0.2.2", 3));
	allow(2);
	ck_assert_int_eq(row(2).state, SYSTEM_QUEUED);
	ck_assert(say_v3(2, "192.0.2.2", 3));
	ck_assert_str_eq(row(2).reason_code, "");
}
END_TEST

START_TEST(a_subnet_makes_a_machine_known_where_the_policy_says_so)
{
	strcpy(config.pki_subnets, "192.0.2.0/24, 2001:db8::/32");
	ck_assert(!say_v3(1, "192.0.2.1", 3));
	config.pki_accept = PKI_ACCEPT_SUBNET;
	ck_assert(say_v3(1, "192.0.2.1", 3));
	ck_assert(say_v3(2, "2001:db8::2", 3));
	ck_assert(!say_v3(3, "198.51.100.1", 3));
	list_machine(4);
	ck_assert(say_v3(4, "198.51.100.1", 3));
	config.pki_accept = PKI_ACCEPT_ANY;
	ck_assert(say_v3(3, "198.51.100.1", 3));
}
END_TEST

START_TEST(machines_made_up_by_certificate_are_bounded_and_known_ones_are_not)
{
	config.max_unproved = 2;
	say_v3(1, "192.0.2.1", 3);
	say_v3(2, "192.0.2.1", 3);
	config.pki_accept = PKI_ACCEPT_ANY;
	ck_assert_int_eq(intake_hello(&intake, map, &(struct hello){ .version = HELLO_PKI,
				      .uuid = scratch_uuid(3) }, "192.0.2.1", NOW, &result, &fault),
			 0);
	ck_assert(!has_row(3));
	ck_assert_str_eq(result.name, "too-many-unproved");
	list_machine(4);
	ck_assert(say_v3(4, "192.0.2.1", 3));
	/* Accepted by the policy, it is one that anybody can have made up all the same. */
	ck_assert(say_v3(1, "192.0.2.1", 3));
	ck_assert_uint_eq(intake.unproved, 2);
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 2);
	allow(1);
	list_machine(2);
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 1);
}
END_TEST

START_TEST(a_machine_with_a_proved_key_needs_permission_to_come_by_certificate)
{
	list_machine(1);
	set_up_by_key(0, 1);
	say_v3(1, "192.0.2.66", 3);
	ck_assert_str_eq(result.name, "known-by-key");
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_str_eq(row(1).reason_code, "known-by-key");
	ck_assert_str_eq(row(1).address, "192.0.2.1");
	allow(1);
	ck_assert(row(1).vouched);
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
}
END_TEST

START_TEST(a_hello_by_certificate_does_not_stop_or_direct_a_set_up_by_key)
{
	list_machine(1);
	set_up_by_key(0, 1);
	/* A person allowed what came by key: that is not what comes by certificate now. */
	say(0, 1, 1);
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	allow(1);
	ck_assert(!row(1).vouched);
	say_v3(1, "192.0.2.66", 3);
	ck_assert_str_eq(result.name, "known-by-key");
	ck_assert_int_eq(row(1).state, SYSTEM_QUEUED);
	ck_assert_str_ne(row(1).claimed_address, "192.0.2.66");
	/* Nor a first one, which its key allowed. */
	set_state(1, SYSTEM_FAILED, 60, 0);
	say_v3(1, "192.0.2.66", 3);
	ck_assert_int_eq(row(1).state, SYSTEM_FAILED);
	ck_assert_int_eq(row(1).next_try, NOW + 60);
}
END_TEST

START_TEST(a_machine_set_up_by_certificate_needs_permission_for_another_time)
{
	list_machine(1);
	list_machine(2);
	say_v3(1, "192.0.2.1", 3);
	say_v3(2, "192.0.2.2", 3);
	set_up_by_certificate(1, "192.0.2.1");
	set_up_by_certificate(2, "192.0.2.2");
	say_v3(1, "192.0.2.1", 3);
	ck_assert_str_eq(result.name, "set-up-before");
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	say_v3(2, "192.0.2.66", 3);
	ck_assert_str_eq(result.name, "other-address");
	ck_assert_int_eq(result.severity, SEVERITY_SECURITY);
	ck_assert_ptr_nonnull(strstr(result.what, "192.0.2.66"));
	ck_assert_str_eq(row(2).reason_code, "other-address");
	ck_assert_str_eq(row(2).address, "192.0.2.2");
	/* The policy for machines with a key is none for them: a hello proves nothing. */
	config.reprovision = REPROVISION_SAME_UUID;
	say_v3(1, "192.0.2.1", 3);
	ck_assert_int_eq(row(1).state, SYSTEM_NEEDS_PERMISSION);
	config.reprovision = REPROVISION_NEVER;
	say_v3(1, "192.0.2.1", 3);
	ck_assert_str_eq(result.name, "already-set-up");
}
END_TEST

START_TEST(permission_for_one_address_is_not_for_another)
{
	list_machine(1);
	say_v3(1, "192.0.2.1", 3);
	set_up_by_certificate(1, "192.0.2.1");
	say_v3(1, "192.0.2.2", 3);
	allow(1);
	/* As soon as it is called there. */
	set_state(1, SYSTEM_QUEUED, 1, 0);
	say_v3(1, "192.0.2.66", 3);
	ck_assert_str_eq(result.name, "other-address");
	ck_assert_str_eq(row(1).claimed_address, "192.0.2.2");
	say_v3(1, "192.0.2.2", 3);
	ck_assert_str_ne(result.name, "other-address");
}
END_TEST

START_TEST(strangers_cannot_fill_the_table)
{
	config.max_unproved = 2;
	say(7, 1, 0);
	say(7, 2, 0);
	say(7, 3, 0);
	ck_assert(has_row(1));
	ck_assert(has_row(2));
	ck_assert(!has_row(3));
	ck_assert_ptr_nonnull(strstr(result.what, "invalid PID map"));
	/* The count is found again at the next start. */
	ck_assert_int_eq(intake_init(&intake, &config, map, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 2);
}
END_TEST

START_TEST(what_is_undone_is_not_counted)
{
	struct hello h = hello_of(7, 1);

	/* A hello whose transaction comes to nothing, and is run once more. */
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(keymap_begin(map, &fault), 0);
		ck_assert_int_eq(intake_hello(&intake, map, &h, "192.0.2.1", NOW, &result, &fault),
				 0);
		ck_assert_uint_eq(intake.unproved, 1);
		keymap_rollback(map);
		intake_uncount(&intake, result.counted);
		ck_assert_uint_eq(intake.unproved, 0);
	}
	/* And one that takes a machine off the count. */
	say(7, 1, 0);
	say(7, 2, 0);
	h = hello_of(0, 1);
	ck_assert_int_eq(keymap_begin(map, &fault), 0);
	ck_assert_int_eq(intake_hello(&intake, map, &h, "192.0.2.1", NOW, &result, &fault), 0);
	ck_assert_uint_eq(intake.unproved, 1);
	keymap_rollback(map);
	intake_uncount(&intake, result.counted);
	ck_assert_uint_eq(intake.unproved, 2);
}
END_TEST

START_TEST(a_blank_uuid_is_refused)
{
	struct hello h = hello_of(0, 0);

	memset(&h.uuid, 0xff, sizeof(h.uuid));
	ck_assert_int_eq(intake_hello(&intake, map, &h, "192.0.2.1", NOW, &result, &fault), 0);
	ck_assert(!result.accepted);
	ck_assert_str_eq(result.name, "blank-uuid");
	ck_assert_int_eq(key(0, 0), KEYMAP_FREE);
}
END_TEST

START_TEST(the_wait_doubles_up_to_its_limit)
{
	config.retry_first_seconds = 60;
	config.retry_max_seconds = 300;
	ck_assert_uint_eq(config_backoff(&config, 1), 60);
	ck_assert_uint_eq(config_backoff(&config, 2), 120);
	ck_assert_uint_eq(config_backoff(&config, 3), 240);
	ck_assert_uint_eq(config_backoff(&config, 4), 300);
	ck_assert_uint_eq(config_backoff(&config, 4000000000u), 300);
}
END_TEST

TEST_SUITE("intake")
{
	TCase *t = tcase_create("hellos");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, a_first_hello_reserves_the_key_and_queues_the_machine);
	tcase_add_test(t, an_unknown_pid_queues_nothing);
	tcase_add_test(t, a_machine_that_was_refused_is_queued_once_its_key_is_known);
	tcase_add_test(t, a_machine_that_has_not_proved_a_key_keeps_no_other_out);
	tcase_add_test(t, fresh_uuids_with_one_key_get_so_many_rows_and_no_more);
	tcase_add_test(t, rivals_that_were_not_tried_are_refused_beyond_a_bound);
	tcase_add_test(t, an_address_claims_a_key_as_one_machine_at_a_time);
	tcase_add_test(t, addresses_that_failed_wait_though_their_rows_are_gone);
	tcase_add_test(t, who_makes_room_leaves_no_key_that_another_gets_without_one);
	tcase_add_test(t, a_used_key_serves_its_own_machine_only);
	tcase_add_test(t, a_revoked_key_is_refused);
	tcase_add_test(t, a_refused_hello_changes_nothing_of_a_machine_that_is_known);
	tcase_add_test(t, the_newest_address_counts_and_makes_a_failed_machine_due);
	tcase_add_test(t, hellos_do_not_shorten_the_wait_after_a_failure_at_will);
	tcase_add_test(t, a_clock_that_was_set_back_makes_no_wait_longer);
	tcase_add_test(t, a_machine_in_set_up_is_left_alone);
	tcase_add_test(t, the_address_that_is_being_called_does_not_change_meanwhile);
	tcase_add_test(t, a_hello_alone_changes_nothing_of_a_machine_that_is_set_up);
	tcase_add_test(t, a_machine_without_name_is_tried_again_at_its_next_hello);
	tcase_add_test(t, who_comes_by_certificate_and_is_not_known_is_listed_and_not_called);
	tcase_add_test(t, the_digests_of_the_newest_hello_are_kept);
	tcase_add_test(t, the_inventory_or_a_person_makes_a_machine_known);
	tcase_add_test(t, a_subnet_makes_a_machine_known_where_the_policy_says_so);
	tcase_add_test(t, machines_made_up_by_certificate_are_bounded_and_known_ones_are_not);
	tcase_add_test(t, a_machine_with_a_proved_key_needs_permission_to_come_by_certificate);
	tcase_add_test(t, a_hello_by_certificate_does_not_stop_or_direct_a_set_up_by_key);
	tcase_add_test(t, a_machine_set_up_by_certificate_needs_permission_for_another_time);
	tcase_add_test(t, permission_for_one_address_is_not_for_another);
	tcase_add_test(t, strangers_cannot_fill_the_table);
	tcase_add_test(t, what_is_undone_is_not_counted);
	tcase_add_test(t, a_blank_uuid_is_refused);
	tcase_add_test(t, the_wait_doubles_up_to_its_limit);
	suite_add_tcase(suite, t);
}
