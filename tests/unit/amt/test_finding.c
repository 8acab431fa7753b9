/* Tests of findings: what is said of a chain, and how bad it is. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amt/finding.h"
#include "tests/support/suite.h"

#define NOW	1800000000
#define DAYS(n)	(NOW + (int64_t)(n) * CHAIN_DAY)

static struct chain_facts facts;
static struct finding_site site;
static struct finding found[FINDINGS];
static size_t n_found;

/* A leaf, its issuer and its root, with nothing wrong. */
static void setup(void)
{
	static const char *const names[] = { "provision.example.com", "Issuer", "Root" };

	memset(&facts, 0, sizeof(facts));
	memset(&site, 0, sizeof(site));
	site.now = NOW;
	strcpy(facts.cn, "provision.example.com");
	strcpy(facts.names[facts.n_names++], "provision.example.com");
	facts.server_auth = facts.amt_oid = facts.amt_ou = facts.has_key = facts.complete = true;
	facts.not_before = DAYS(-10);
	facts.not_after = DAYS(300);
	facts.bytes = 3000;
	facts.n_links = 3;
	for (int i = 0; i < 3; i++) {
		struct chain_link *l = &facts.links[i];

		strcpy(l->subject, names[i]);
		strcpy(l->issuer, names[i < 2 ? i + 1 : 2]);
		l->not_before = DAYS(-10);
		l->not_after = DAYS(i ? 3000 : 300);
		l->bits = 2048;
		l->digest = "SHA256";
	}
}

static void look(void)
{
	n_found = finding_list(&facts, &site, found);
}

static const struct finding *find(enum finding_code code)
{
	for (size_t i = 0; i < n_found; i++)
		if (found[i].code == code)
			return &found[i];
	return NULL;
}

/* This is said, once, and nothing else. */
static const struct finding *only(enum finding_code code, enum finding_severity severity)
{
	look();
	for (size_t i = 0; i < n_found; i++)
		ck_assert_msg(found[i].code == code, "also: %s", found[i].what);
	ck_assert_uint_eq(n_found, 1);
	ck_assert_int_eq(found[0].severity, severity);
	ck_assert(*found[0].what && found[0].what[strlen(found[0].what) - 1] != '.');
	return &found[0];
}

static void says(const struct finding *f, const char *words)
{
	ck_assert_msg(strstr(f->what, words) || strstr(f->hint, words), "%s -- %s", f->what,
		      f->hint);
}

static void expires_in(int days)
{
	facts.not_after = facts.links[0].not_after = DAYS(days) + 60;
}

START_TEST(of_a_good_chain_nothing_is_said)
{
	look();
	ck_assert_uint_eq(n_found, 0);
	site.suffix = "example.com";
	look();
	ck_assert_uint_eq(n_found, 0);
	/* Either of the two makes it AMT's. */
	facts.amt_ou = false;
	look();
	ck_assert_uint_eq(n_found, 0);
	facts.amt_ou = true;
	facts.amt_oid = false;
	look();
	ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(a_missing_key_and_a_wrong_one_are_told_apart)
{
	facts.has_key = false;
	says(only(FINDING_NO_KEY, FINDING_REFUSED), "its private key is missing");
	strcpy(facts.other_key, "vendor.key");
	says(only(FINDING_OTHER_KEY, FINDING_REFUSED), "the private key in vendor.key");
}
END_TEST

START_TEST(the_issuer_that_is_missing_is_named)
{
	facts.complete = false;
	facts.n_links = 2;
	says(only(FINDING_INCOMPLETE, FINDING_REFUSED), "issuer \"Root\" is missing");
}
END_TEST

START_TEST(usage_is_serverauth_and_amt)
{
	facts.server_auth = false;
	says(only(FINDING_NOT_SERVER, FINDING_REFUSED), "serverAuth");
	facts.server_auth = true;
	facts.amt_oid = facts.amt_ou = false;
	says(only(FINDING_NOT_AMT, FINDING_REFUSED), "2.16.840.1.113741.1.2.3");
	strcpy(facts.near_ou, "Intel(R) Client Setup Certificate.");
	says(only(FINDING_NOT_AMT, FINDING_REFUSED), "is not exactly");
}
END_TEST

START_TEST(time_is_said_from_30_days_before)
{
	expires_in(30);
	look();
	ck_assert_uint_eq(n_found, 0);
	expires_in(29);
	says(only(FINDING_EXPIRES_30, FINDING_WARNING), "expires in 29 days");
	expires_in(7);
	only(FINDING_EXPIRES_30, FINDING_WARNING);
	expires_in(6);
	only(FINDING_EXPIRES_7, FINDING_WARNING);
	expires_in(0);
	says(only(FINDING_EXPIRES_7, FINDING_WARNING), "expires in 0 days");
	facts.not_after = facts.links[0].not_after = NOW - 1;
	says(only(FINDING_EXPIRED, FINDING_REFUSED), "it expired on");
	site.serve_expired = true;
	only(FINDING_EXPIRED, FINDING_WARNING);
}
END_TEST

START_TEST(the_one_of_the_chain_that_expires_is_named)
{
	facts.not_after = facts.links[1].not_after = DAYS(3) + 5;
	says(only(FINDING_EXPIRES_7, FINDING_WARNING), "\"Issuer\" in its chain expires");
}
END_TEST

START_TEST(a_certificate_of_tomorrow_is_a_warning)
{
	facts.not_before = facts.links[0].not_before = DAYS(1);
	says(only(FINDING_NOT_YET, FINDING_WARNING), "clock");
}
END_TEST

START_TEST(what_new_machines_refuse_is_a_warning)
{
	facts.links[2].weak_digest = facts.weak_digest = true;
	facts.links[2].digest = "SHA1";
	says(only(FINDING_WEAK_DIGEST, FINDING_WARNING), "\"Root\" in its chain is signed with "
							 "SHA1");
	setup();
	facts.links[1].bits = 1024;
	says(only(FINDING_SHORT_KEY, FINDING_WARNING), "RSA key of 1024 bits");
	setup();
	facts.links[0].key = CHAIN_KEY_EC;
	facts.links[0].bits = 384;
	says(only(FINDING_EC, FINDING_WARNING), "EC key of 384 bits");
	facts.links[0].key = CHAIN_KEY_OTHER;
	only(FINDING_KEY_KIND, FINDING_REFUSED);
	setup();
	facts.links[1].key = CHAIN_KEY_EC;	/* of an issuer: a matter of its own */
	facts.links[1].bits = 256;
	look();
	ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(long_and_large_chains_are_warnings)
{
	facts.bytes = CHAIN_AMT_BYTES;
	look();
	ck_assert_uint_eq(n_found, 0);
	facts.bytes++;
	only(FINDING_TOO_LARGE, FINDING_WARNING);
	setup();
	for (; facts.n_links < 5; facts.n_links++)
		facts.links[facts.n_links] = facts.links[2];
	says(only(FINDING_TOO_LONG, FINDING_WARNING), "5 certificates");
}
END_TEST

START_TEST(names_are_compared)
{
	strcpy(facts.cn, "provision");
	strcpy(facts.names[0], "PROVISION");
	only(FINDING_NO_DOT, FINDING_WARNING);
	setup();
	strcpy(facts.names[0], "other.example.com");
	only(FINDING_SAN, FINDING_WARNING);
	facts.n_names = 0;	/* none at all is fine */
	look();
	ck_assert_uint_eq(n_found, 0);
}
END_TEST

START_TEST(the_name_has_to_fit_the_sites_suffix)
{
	site.suffix = "corp.local";
	says(only(FINDING_SUFFIX, FINDING_WARNING), "another domain");
	site.suffix = "east.example.com";
	look();
	ck_assert_uint_eq(n_found, 0);
	strcpy(facts.cn, "provision.example.org");
	strcpy(facts.names[0], "provision.example.org");
	site.suffix = "east.example.org";
	says(only(FINDING_SUFFIX, FINDING_WARNING), "AMT 4.1, 5.1 and later only");
	strcpy(facts.names[facts.n_names++], "provision.east.corp.local");
	site.suffix = "corp.local";
	says(only(FINDING_SUFFIX, FINDING_WARNING), "SAN would do");
	site.suffix = "example.local";
	strcpy(facts.cn, "local");
	look();
	says(find(FINDING_SUFFIX), "a domain above");
}
END_TEST

START_TEST(what_the_system_gave_is_a_note)
{
	facts.by_system = true;
	for (int i = 0; i < 2; i++)
		strcpy(facts.links[i].file, "vendor.pem");
	says(only(FINDING_BY_SYSTEM, FINDING_NOTE), "of this computer: \"Root\"");
}
END_TEST

START_TEST(each_code_has_a_word_of_its_own)
{
	for (int i = 0; i < FINDINGS; i++) {
		ck_assert_ptr_nonnull(finding_word((enum finding_code)i));
		for (int k = 0; k < i; k++)
			ck_assert_str_ne(finding_word((enum finding_code)i),
					 finding_word((enum finding_code)k));
	}
	ck_assert_str_eq(finding_severity_word(FINDING_REFUSED), "refused");
}
END_TEST

/* Everything at once, with the longest names, stays within the list and its texts. */
START_TEST(the_worst_chain_fits)
{
	facts.complete = facts.has_key = facts.server_auth = facts.amt_oid = facts.amt_ou = false;
	facts.by_system = facts.weak_digest = true;
	facts.bytes = 100000;
	facts.n_links = CHAIN_LENGTH;
	facts.not_before = DAYS(1);
	facts.not_after = DAYS(2);
	site.suffix = "corp.local";
	memset(facts.cn, 'x', CHAIN_NAME - 1);
	memset(facts.near_ou, 'x', CHAIN_NAME - 1);
	memset(facts.other_key, 'x', CHAIN_NAME - 1);
	for (int i = 0; i < CHAIN_LENGTH; i++) {
		memset(facts.links[i].subject, 'x', CHAIN_NAME - 1);
		memset(facts.links[i].issuer, 'x', CHAIN_NAME - 1);
		facts.links[i].not_after = DAYS(CHAIN_LENGTH - i);
		facts.links[i].digest = "SHA1";
		facts.links[i].weak_digest = true;
		facts.links[i].bits = 512;
	}
	look();
	ck_assert_uint_le(n_found, FINDINGS);
	for (size_t i = 0; i < n_found; i++) {
		ck_assert_uint_lt(strlen(found[i].what), FINDING_TEXT);
		for (size_t k = 0; k < i; k++)
			ck_assert_int_ne(found[i].code, found[k].code);
	}
	ck_assert_ptr_nonnull(find(FINDING_NOT_YET));
	ck_assert_ptr_nonnull(find(FINDING_EXPIRES_7));
}
END_TEST

TEST_SUITE("finding")
{
	TCase *t = tcase_create("rules");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, of_a_good_chain_nothing_is_said);
	tcase_add_test(t, a_missing_key_and_a_wrong_one_are_told_apart);
	tcase_add_test(t, the_issuer_that_is_missing_is_named);
	tcase_add_test(t, usage_is_serverauth_and_amt);
	tcase_add_test(t, time_is_said_from_30_days_before);
	tcase_add_test(t, the_one_of_the_chain_that_expires_is_named);
	tcase_add_test(t, a_certificate_of_tomorrow_is_a_warning);
	tcase_add_test(t, what_new_machines_refuse_is_a_warning);
	tcase_add_test(t, long_and_large_chains_are_warnings);
	tcase_add_test(t, names_are_compared);
	tcase_add_test(t, the_name_has_to_fit_the_sites_suffix);
	tcase_add_test(t, what_the_system_gave_is_a_note);
	tcase_add_test(t, each_code_has_a_word_of_its_own);
	tcase_add_test(t, the_worst_chain_fits);
	suite_add_tcase(suite, t);
}
