/* Tests of the machines of the key map: hellos, states, passwords now and earlier. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/keymap/digests.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/rotate.h"
#include "server/keymap/systems.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

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
	/* It is called as the newest hello says: by certificate, without a key. */
	ck_assert_str_eq(row.pid, "");
	ck_assert(system_by_certificate(&row));
	ck_assert_uint_eq(row.hello_version, 3);
	ck_assert_uint_eq(row.hello_retry, 6);
	ck_assert_int_eq(row.state, SYSTEM_FAILED);
	ck_assert_int_eq(row.first_seen, NOW);
	ck_assert_int_eq(row.last_seen, NOW + 100);
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts"), 1);
}
END_TEST

static void hello_v3(unsigned who, const char *address, int64_t now)
{
	const struct keymap_digest digest = { KEYMAP_DIGEST_SHA1, 20, { 7 } };
	const struct keymap_hello h = { scratch_uuid(who), NULL, address, 3, 0, &digest, 1 };

	ok(keymap_system_hello(m, &h, SYSTEM_REFUSED, now, NULL, NULL, &fault));
}

static void refuse(unsigned who)
{
	struct uuid uuid = scratch_uuid(who);

	set_state(who, SYSTEM_REFUSED, "who is it", 0);
	ok(keymap_system_code(m, &uuid, SYSTEM_NOT_KNOWN, &fault));
	ck_assert_str_eq(find(who).reason_code, "not-known");
}

START_TEST(a_machine_that_comes_by_certificate_proves_nothing_by_that)
{
	struct uuid uuid = scratch_uuid(1);
	uint64_t proofs[2][SYSTEM_PROOFS];
	struct system before;

	hello_v3(1, "192.0.2.1", NOW);
	ck_assert_int_eq(find(1).credential, SYSTEM_BY_CERTIFICATE);
	ok(keymap_system_certified(m, &uuid, "192.0.2.1", SYSTEM_PROOF_NONE, &before, &fault));
	ck_assert_int_eq(before.state, SYSTEM_REFUSED);
	ck_assert_int_eq(find(1).state, SYSTEM_IN_SETUP);
	set_state(1, SYSTEM_CONFIGURED, NULL, 0);
	ck_assert_int_eq(find(1).proved_at, 0);
	ck_assert_int_eq(find(1).proof, SYSTEM_PROOF_NONE);
	ok(keymap_system_count_proofs(m, proofs, &fault));
	ck_assert_uint_eq(proofs[SYSTEM_BY_CERTIFICATE][SYSTEM_PROOF_NONE], 1);
	ck_assert_uint_eq(proofs[SYSTEM_BY_KEY][SYSTEM_PROOF_PPS], 0);
	/* What is said in its name is a claim from now on. */
	hello_v3(1, "192.0.2.66", NOW + 1);
	ck_assert_str_eq(find(1).address, "192.0.2.1");
	ck_assert_str_eq(find(1).claimed_address, "192.0.2.66");
	ok(keymap_system_certified(m, &uuid, "192.0.2.66", SYSTEM_PROOF_OTP, &before, &fault));
	ck_assert_str_eq(find(1).address, "192.0.2.66");
	ck_assert_str_eq(find(1).claimed_address, "");
	ck_assert_int_eq(find(1).proof, SYSTEM_PROOF_OTP);
	ck_assert_str_eq(system_proof_word(find(1).proof), "otp");
	ck_assert(!find(1).stick_mebx);
	ok(keymap_system_stick_mebx(m, &uuid, true, &fault));
	ck_assert(find(1).stick_mebx);
}
END_TEST

START_TEST(a_key_that_is_proved_is_named_as_the_proof)
{
	struct uuid uuid = scratch_uuid(1);
	struct system before;
	bool changed_hands;

	hello(1, "0000037M", "192.0.2.1", NOW);
	hello_v3(1, "192.0.2.1", NOW);
	ck_assert_int_eq(find(1).credential, SYSTEM_BY_CERTIFICATE);
	ok(keymap_system_prove(m, &uuid, "0000037M", "192.0.2.1", NOW, &before, &changed_hands,
			       &fault));
	ck_assert_int_eq(find(1).credential, SYSTEM_BY_KEY);
	ck_assert_int_eq(find(1).proof, SYSTEM_PROOF_PPS);
	/* A hello of version 3 claims that it is another one, and no key. */
	hello(1, "0000037M", "192.0.2.2", NOW);
	ck_assert_str_eq(find(1).claimed_pid, "0000037M");
	hello_v3(1, "192.0.2.3", NOW + 1);
	ck_assert_str_eq(find(1).claimed_pid, "");
	before = find(1);
	ck_assert(system_by_certificate(&before));
}
END_TEST

START_TEST(who_is_not_known_waits_for_a_person_or_the_inventory)
{
	struct uuid one = scratch_uuid(1), two = scratch_uuid(2), nobody = scratch_uuid(9);

	hello_v3(1, "192.0.2.1", NOW);
	hello_v3(2, "192.0.2.2", NOW);
	refuse(1);
	refuse(2);
	/* To try again is not to allow. */
	ck_assert_int_eq(keymap_system_retry(m, &one, NOW, NULL), KIT_ERR_STATE);
	ck_assert_int_eq(find(1).state, SYSTEM_REFUSED);
	ok(keymap_system_allow(m, &one, SYSTEM_ALLOWED, NOW, &fault));
	ck_assert_int_eq(find(1).state, SYSTEM_QUEUED);
	ck_assert_str_eq(find(1).reason_code, "");
	ck_assert(find(1).vouched);
	ok(keymap_system_known(m, &two, NOW, &fault));
	ck_assert_int_eq(find(2).state, SYSTEM_QUEUED);
	ck_assert(!find(2).vouched);
	ok(keymap_system_known(m, &nobody, NOW, &fault));
	/* Good for one set-up. */
	set_state(1, SYSTEM_CONFIGURED, NULL, 0);
	ck_assert(!find(1).vouched);
	/* Where it is refused for another reason, or set up, nothing changes. */
	ok(keymap_system_known(m, &one, NOW, &fault));
	ck_assert_int_eq(find(1).state, SYSTEM_CONFIGURED);
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
	set_state(1, SYSTEM_NEEDS_PERMISSION, "its key is used", 0);
	ok(keymap_system_code(m, &uuid, "used-key", &fault));
	ok(keymap_system_retry(m, &uuid, NOW + 65, &fault));
	ck_assert_int_eq(find(1).state, SYSTEM_NEEDS_PERMISSION);
	ck_assert_str_eq(find(1).reason, "its key is used");
	ck_assert_str_eq(find(1).reason_code, "used-key");
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

static int count_all(void *context, const struct system *s)
{
	++*(unsigned *)context;
	return s->uuid.bytes[0] == 0xff;
}

static unsigned due_by_trust(enum keymap_trust trust)
{
	const struct keymap_system_filter filter = { .due = NOW + 100, .trust = trust };
	unsigned n = 0;

	ok(keymap_systems(m, &filter, count_all, &n, &fault));
	return n;
}

START_TEST(those_that_failed_and_never_proved_a_key_are_told_from_the_others)
{
	struct keymap_inventory known = { .uuid = scratch_uuid(2), .fqdn = "two.example.com" };
	struct uuid uuid = scratch_uuid(3);
	struct system before;
	bool changed_hands;

	for (unsigned i = 1; i <= 4; i++)
		hello(i, "0000037M", "192.0.2.1", NOW);
	ck_assert_uint_eq(due_by_trust(TRUST_UNTRIED), 4);
	for (unsigned i = 1; i <= 3; i++)
		set_state(i, SYSTEM_FAILED, "no", NOW + 1);
	ck_assert_uint_eq(due_by_trust(TRUST_KNOWN), 0);
	ck_assert_uint_eq(due_by_trust(TRUST_UNTRIED), 1);
	ck_assert_uint_eq(due_by_trust(TRUST_DOUBTFUL), 3);
	ok(keymap_inventory_put(m, &known, &fault));
	ck_assert_uint_eq(due_by_trust(TRUST_KNOWN), 1);
	ck_assert_uint_eq(due_by_trust(TRUST_DOUBTFUL), 2);
	ok(keymap_system_prove(m, &uuid, "0000037M", "192.0.2.1", NOW, &before, &changed_hands,
			       &fault));
	set_state(3, SYSTEM_FAILED, "no", NOW + 1);
	ck_assert_uint_eq(due_by_trust(TRUST_DOUBTFUL), 1);
	ck_assert_uint_eq(due_by_trust(TRUST_KNOWN), 2);
	ck_assert_uint_eq(due_by_trust(TRUST_ANY), 4);
}
END_TEST

START_TEST(those_that_said_hello_last_may_come_first)
{
	struct keymap_system_filter filter = { .due = NOW + 100, .trust = TRUST_UNTRIED,
					       .newest = true };
	char order[10] = "";

	hello(1, "0000037M", "192.0.2.1", NOW);
	hello(2, "0000037M", "192.0.2.2", NOW + 2);
	hello(3, "0000037M", "192.0.2.3", NOW + 1);
	ok(keymap_systems(m, &filter, note_order, order, &fault));
	ck_assert_str_eq(order, "231");
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

static void said_hello(unsigned who, unsigned pair)
{
	struct keyentry e = scratch_pair(pair);
	const struct keymap_hello h = { scratch_uuid(who), e.pair.pid, "192.0.2.1", 2, 0 };

	ok(keymap_system_hello(m, &h, SYSTEM_QUEUED, NOW, NULL, NULL, &fault));
}

static void enter_earlier(void)
{
	map_enter();
	said_hello(1, 1);
	said_hello(2, 2);
}

static void set(unsigned who, const char *admin, const char *next, const char *mebx)
{
	struct system_secrets secrets = { { 0 } };
	struct uuid uuid = scratch_uuid(who);

	strcpy(secrets.admin_password, admin);
	strcpy(secrets.next_admin_password, next);
	strcpy(secrets.mebx_password, mebx);
	ok(keymap_system_set_secrets(m, &uuid, &secrets, &fault));
}

/* The passwords of the machine WHO that are kept: "admin/next/mebx;", newest first. */
struct kept_passwords {
	char text[2000];
	int n, rc;
};

static int note_kept(void *context, const struct keymap_earlier *e)
{
	struct kept_passwords *k = context;
	struct system_secrets s;
	size_t at = strlen(k->text);

	k->rc = keymap_earlier_secrets(m, e, &s, NULL);
	if (k->rc)
		return 1;
	snprintf(k->text + at, sizeof(k->text) - at, "%s/%s/%s;", s.admin_password,
		 s.next_admin_password, s.mebx_password);
	k->n++;
	return 0;
}

static struct kept_passwords kept(unsigned who)
{
	struct uuid uuid = scratch_uuid(who);
	struct fault fault = { 0 };
	struct kept_passwords k = { .n = 0 };

	ck_assert_int_ge(keymap_earlier(m, &uuid, note_kept, &k, &fault), 0);
	return k;
}

START_TEST(a_password_that_is_replaced_is_kept_with_its_key)
{
	struct keyentry pair = scratch_pair(1), other = scratch_pair(3);
	struct uuid uuid = scratch_uuid(1);
	struct keymap_earlier e;

	set(1, "", "One.Pass1", "Mebx.Pass1");
	set(1, "One.Pass1", "", "Mebx.Pass1");
	ck_assert_int_eq(kept(1).n, 0);	/* the next one became the present one: nothing is lost */
	set(1, "One.Pass1", "Two.Pass2", "Mebx.Pass1");
	ck_assert_int_eq(kept(1).n, 0);
	set(1, "Two.Pass2", "", "Mebx.Pass1");
	ck_assert_str_eq(kept(1).text, "One.Pass1/Two.Pass2/Mebx.Pass1;");
	set(1, "", "", "");
	ck_assert_str_eq(kept(1).text, "Two.Pass2//Mebx.Pass1;One.Pass1/Two.Pass2/Mebx.Pass1;");
	ok(keymap_earlier_find(m, &uuid, pair.pair.pid, &e, &fault));
	ck_assert_str_eq(e.pid, pair.pair.pid);
	ck_assert_str_eq(e.address, "192.0.2.1");
	ck_assert_int_eq(keymap_earlier_find(m, &uuid, other.pair.pid, &e, NULL),
			 KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(kept(2).n, 0);
}
END_TEST

START_TEST(the_same_passwords_are_kept_once)
{
	for (int i = 0; i < 3; i++) {
		set(1, "One.Pass1", "", "");
		set(1, "", "", "");
	}
	ck_assert_str_eq(kept(1).text, "One.Pass1//;");
}
END_TEST

START_TEST(no_password_is_ever_pushed_out_by_others)
{
	struct keyentry other = scratch_pair(3);
	const struct keymap_facts facts = { .pid = other.pair.pid };
	struct uuid uuid = scratch_uuid(1);
	char password[20];

	set(1, "One.Pass1", "", "");
	set(1, "", "", "");
	ok(keymap_system_facts(m, &uuid, &facts, &fault));
	for (int i = 0; i < 40; i++) {
		snprintf(password, sizeof(password), "Other.%d", i);
		set(1, password, "", "");
	}
	ck_assert_int_eq(kept(1).n, 40);
	ck_assert_ptr_nonnull(strstr(kept(1).text, "Other.0//;"));
	ck_assert_ptr_nonnull(strstr(kept(1).text, "Other.38//;"));
	/* One that was there before is not there twice. */
	set(1, "Other.7", "", "");
	set(1, "", "", "");
	ck_assert_int_eq(kept(1).n, 41);
	ck_assert_ptr_nonnull(strstr(kept(1).text, "One.Pass1//;"));
}
END_TEST

START_TEST(what_is_kept_is_sealed_and_bound_to_its_row)
{
	set(1, "One.Pass1", "", "");
	set(1, "Uno.Pass1", "", "");
	set(1, "", "", "");
	set(2, "Two.Pass2", "", "");
	set(2, "", "", "");
	ck_assert(!scratch_holds("One.Pass", 8));
	ck_assert(!scratch_holds("Two.Pass", 8));
	scratch_sql("UPDATE csti_amts_history SET admin_password ="
		    " (SELECT admin_password FROM csti_amts_history WHERE id = 3) WHERE id = 2");
	ck_assert_int_eq(kept(1).rc, KIT_ERR_FORGED);
	scratch_sql("UPDATE csti_amts_history SET admin_password ="
		    " (SELECT admin_password FROM csti_amts_history WHERE id = 1) WHERE id = 2");
	ck_assert_int_eq(kept(1).rc, KIT_ERR_FORGED);	/* nor that of the same machine */
	scratch_sql("UPDATE csti_amts_history SET pid = '00000000' WHERE id = 3");
	ck_assert_int_eq(kept(2).rc, KIT_ERR_FORGED);
}
END_TEST

START_TEST(a_new_master_key_seals_what_is_kept_again)
{
	bool resumed;

	set(1, "One.Pass1", "Two.Pass2", "Mebx.Pass1");
	set(1, "", "", "");
	ok(keymap_rotate(m, NULL, NULL, &resumed, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM master_key"), 1);
	keymap_close(&m);
	m = scratch_map();
	ck_assert_str_eq(kept(1).text, "One.Pass1/Two.Pass2/Mebx.Pass1;");
}
END_TEST

START_TEST(a_machine_that_is_forgotten_leaves_nothing)
{
	struct uuid uuid = scratch_uuid(1);

	set(1, "One.Pass1", "", "");
	set(1, "", "", "");
	ok(keymap_system_forget(m, &uuid, &fault));
	ck_assert_int_eq(scratch_sql("SELECT count(*) FROM csti_amts_history"), 0);
}
END_TEST

START_TEST(waits_that_a_wrong_clock_began_are_over)
{
	size_t n;

	hello(1, "0000037M", "192.0.2.1", NOW);
	hello(2, NULL, "192.0.2.2", NOW);
	hello(3, NULL, "192.0.2.3", NOW);
	set_state(1, SYSTEM_FAILED, NULL, NOW + 3600);
	set_state(2, SYSTEM_FAILED, NULL, NOW + 3601);
	set_state(3, SYSTEM_FAILED, NULL, 0);
	ok(keymap_system_end_waits(m, NOW, 3600, &n, &fault));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(find(1).next_try, NOW + 3600);
	ck_assert_int_eq(find(2).next_try, NOW);
	ck_assert_int_eq(find(2).state, SYSTEM_FAILED);
	ck_assert_int_eq(find(3).next_try, 0);
	/* Set back by a day. */
	ok(keymap_system_end_waits(m, NOW - 86400, 3600, &n, &fault));
	ck_assert_uint_eq(n, 2);
	ck_assert_int_eq(find(1).next_try, NOW - 86400);
	ok(keymap_system_end_waits(m, NOW - 86400, 3600, &n, &fault));
	ck_assert_uint_eq(n, 0);
}
END_TEST

TEST_SUITE("systems")
{
	TCase *tcase = tcase_create("systems"), *earlier = tcase_create("earlier passwords");

	tcase_add_checked_fixture(tcase, map_enter, map_leave);
	tcase_add_test(tcase, hellos_make_one_row_a_machine_and_the_newest_address_counts);
	tcase_add_test(tcase, failures_add_up_until_success_or_retry);
	tcase_add_test(tcase, what_is_due_comes_soonest_first_and_no_earlier);
	tcase_add_test(tcase, those_that_failed_and_never_proved_a_key_are_told_from_the_others);
	tcase_add_test(tcase, a_machine_that_comes_by_certificate_proves_nothing_by_that);
	tcase_add_test(tcase, a_key_that_is_proved_is_named_as_the_proof);
	tcase_add_test(tcase, who_is_not_known_waits_for_a_person_or_the_inventory);
	tcase_add_test(tcase, those_that_said_hello_last_may_come_first);
	tcase_add_test(tcase, facts_change_only_what_they_name);
	tcase_add_test(tcase, a_rekey_pair_is_for_its_machine_alone_and_never_lapses);
	tcase_add_test(tcase, the_pair_of_a_re_key_is_nobody_elses_whatever_becomes_of_its_machine);
	tcase_add_test(tcase, a_forgotten_machine_gives_its_reservation_back_but_not_its_used_key);
	tcase_add_test(tcase, states_are_counted_and_their_words_go_both_ways);
	tcase_add_test(tcase, overlong_and_odd_texts_from_peers_are_cut_and_kept_in_bounds);
	tcase_add_test(tcase, waits_that_a_wrong_clock_began_are_over);
	suite_add_tcase(suite, tcase);
	tcase_add_checked_fixture(earlier, enter_earlier, map_leave);
	tcase_add_test(earlier, a_password_that_is_replaced_is_kept_with_its_key);
	tcase_add_test(earlier, the_same_passwords_are_kept_once);
	tcase_add_test(earlier, no_password_is_ever_pushed_out_by_others);
	tcase_add_test(earlier, what_is_kept_is_sealed_and_bound_to_its_row);
	tcase_add_test(earlier, a_new_master_key_seals_what_is_kept_again);
	tcase_add_test(earlier, a_machine_that_is_forgotten_leaves_nothing);
	suite_add_tcase(suite, earlier);
}
