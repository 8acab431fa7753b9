/* Tests of the checker: what it says of samples, of each broken rule, of every cut and change. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "tests/support/sbin.h"
#include "tests/support/suite.h"

static uint8_t *load(const char *name, size_t *size)
{
	uint8_t *data = sample_read(name, size);

	ck_assert_msg(data, "samples/setupbin/%s cannot be read from here", name);
	return data;
}

/* The rules that SAID names, in order, with blanks between. */
static const char *rules_of(const struct said *said)
{
	static char text[4096];

	text[0] = 0;
	for (size_t i = 0; i < said->count; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, said->rules[i].rule);
	}
	return text;
}

static const struct {
	const char *name, *rules;
	unsigned long valid, next;
	const char *pid;
} samples[] = {
	{ "v1.0-example-pair.bin", "", 1, 1, "0000-037M" },
	{ "v2.0-two-pairs.bin", "", 2, 1, "SAMP-LE1V" },
	{ "v2.1-partly-used.bin", "", 2, 3, "SAMP-LE3X" },
	{ "v3.0-every-variable.bin", "", 1, 1, "SAMP-LE1V" },
	{ "v4.0-acu-wizard.bin", "needs-host-name", 1, 1, "" },
	{ "v2.1-odd.bin", "header-chunks header-number header-flags header-reserved file-size "
	  "module-list header-padding record-type record-flags record-reserved record-chunks "
	  "record-header-bytes variable-reserved since variable-padding unknown-variable value "
	  "record-padding scrambled record-number check-character text runs-out "
	  "current-password-missing pid-without-pps", 1, 0, "" },
};

#define N_SAMPLES	((int)(sizeof(samples) / sizeof(samples[0])))
#define N_SOUND		(N_SAMPLES - 1)

START_TEST(the_samples_are_as_sound_as_they_should_be)
{
	static struct said said;
	size_t size;
	uint8_t *data = load(samples[_i].name, &size);

	said_of(&said, data, size);
	ck_assert_int_eq(said.rc, 0);
	ck_assert_str_eq(rules_of(&said), samples[_i].rules);
	ck_assert_uint_eq(said.summary.valid, samples[_i].valid);
	ck_assert_uint_eq(said.summary.next, samples[_i].next);
	ck_assert_str_eq(said.summary.next_pid, samples[_i].pid);
	free(data);
}
END_TEST

/*
 * Bytes changed in a sample, and the rule that has to be found broken. In the example pair
 * the record begins at 512, its variables at 536, 552, 568 and 584, their values 8 further.
 */
static const struct {
	const char *sample;
	size_t offset;
	const char *bytes;
	size_t n;
	const char *rule;
	enum sbin_severity severity;
	uint64_t at;
	uint32_t record;
} broken[] = {
	{ "v1.0-example-pair.bin", 24, "\2", 1, "uuid-version", SBIN_ERROR, 24, 0 },
	{ "v1.0-example-pair.bin", 25, "\1", 1, "minor-version", SBIN_WARNING, 25, 0 },
	{ "v2.0-two-pairs.bin", 25, "\2", 1, "minor-version", SBIN_WARNING, 25, 0 },
	{ "v1.0-example-pair.bin", 18, "\50", 1, "header-bytes", SBIN_WARNING, 18, 0 },
	{ "v1.0-example-pair.bin", 20, "\1", 1, "header-number", SBIN_WARNING, 20, 0 },
	{ "v1.0-example-pair.bin", 26, "\1", 1, "header-flags", SBIN_WARNING, 26, 0 },
	{ "v2.0-two-pairs.bin", 27, "\1", 1, "header-flags", SBIN_WARNING, 26, 0 },
	{ "v2.0-two-pairs.bin", 26, "\1", 1, "psk-not-consumed", SBIN_WARNING, 26, 0 },
	{ "v2.0-two-pairs.bin", 26, "\1", 1, "never-reached", SBIN_WARNING, 28, 0 },
	{ "v2.0-two-pairs.bin", 28, "\3", 1, "file-size", SBIN_ERROR, 1536, 0 },
	{ "v2.0-two-pairs.bin", 28, "\1", 1, "file-size", SBIN_ERROR, 1024, 0 },
	{ "v2.0-two-pairs.bin", 28, "\0", 1, "no-records", SBIN_ERROR, 28, 0 },
	{ "v2.0-two-pairs.bin", 32, "\3", 1, "consumed-count", SBIN_ERROR, 32, 0 },
	{ "v2.0-two-pairs.bin", 32, "\2", 1, "all-consumed", SBIN_WARNING, 32, 0 },
	{ "v2.0-two-pairs.bin", 32, "\1", 1, "consumed-but-valid", SBIN_WARNING, 516, 1 },
	{ "v4.0-acu-wizard.bin", 26, "\0", 1, "consumed-without-keys", SBIN_NOTE, 26, 0 },
	{ "v4.0-acu-wizard.bin", 32, "\1", 1, "consumed-count", SBIN_WARNING, 32, 0 },
	{ "v4.0-acu-wizard.bin", 516, "\2", 1, "unconsumed-but-invalid", SBIN_ERROR, 516, 1 },
	{ "v2.0-two-pairs.bin", 1028, "\0", 1, "unconsumed-but-invalid", SBIN_ERROR, 1028, 2 },
	{ "v1.0-example-pair.bin", 36, "\0", 1, "chunk-count", SBIN_ERROR, 36, 0 },
	{ "v1.0-example-pair.bin", 36, "\101", 1, "chunk-count", SBIN_ERROR, 36, 0 },
	{ "v1.0-example-pair.bin", 16, "\0", 1, "chunk-count", SBIN_ERROR, 16, 0 },
	{ "v1.0-example-pair.bin", 16, "\2", 1, "header-chunks", SBIN_WARNING, 16, 0 },
	{ "v1.0-example-pair.bin", 38, "\1", 1, "header-reserved", SBIN_WARNING, 38, 0 },
	{ "v1.0-example-pair.bin", 40, "\2\0\1", 3, "", SBIN_NOTE, 0, 0 },	/* sound */
	{ "v1.0-example-pair.bin", 40, "\3", 1, "module-list", SBIN_WARNING, 40, 0 },
	{ "v1.0-example-pair.bin", 42, "\1", 1, "module-list", SBIN_WARNING, 42, 0 },
	{ "v1.0-example-pair.bin", 42, "\0", 1, "module-list", SBIN_WARNING, 568, 1 },
	{ "v1.0-example-pair.bin", 511, "\1", 1, "header-padding", SBIN_WARNING, 511, 0 },
	{ "v1.0-example-pair.bin", 0, "\0", 1, "file-type", SBIN_ERROR, 0, 0 },
	{ "v1.0-example-pair.bin", 512, "\2", 1, "record-type", SBIN_ERROR, 512, 1 },
	{ "v1.0-example-pair.bin", 512, "\0", 1, "record-type", SBIN_ERROR, 512, 1 },
	{ "v2.1-partly-used.bin", 512, "\0", 1, "record-type", SBIN_NOTE, 512, 1 },
	{ "v1.0-example-pair.bin", 516, "\5", 1, "record-flags", SBIN_WARNING, 516, 1 },
	{ "v1.0-example-pair.bin", 516, "\3", 1, "scrambled", SBIN_ERROR, 516, 1 },
	{ "v1.0-example-pair.bin", 527, "\1", 1, "record-reserved", SBIN_WARNING, 520, 1 },
	{ "v1.0-example-pair.bin", 528, "\2", 1, "record-chunks", SBIN_ERROR, 528, 1 },
	{ "v1.0-example-pair.bin", 530, "\0", 1, "record-header-bytes", SBIN_ERROR, 530, 1 },
	{ "v1.0-example-pair.bin", 532, "\2", 1, "record-number", SBIN_WARNING, 532, 1 },
	{ "v1.0-example-pair.bin", 542, "\1", 1, "variable-reserved", SBIN_WARNING, 542, 1 },
	{ "v1.0-example-pair.bin", 551, "\1", 1, "variable-padding", SBIN_WARNING, 549, 1 },
	{ "v1.0-example-pair.bin", 570, "\11", 1, "unknown-variable", SBIN_WARNING, 568, 1 },
	{ "v1.0-example-pair.bin", 570, "\11", 1, "pid-without-pps", SBIN_ERROR, 512, 1 },
	{ "v1.0-example-pair.bin", 588, "\377\377", 2, "runs-out", SBIN_ERROR, 584, 1 },
	{ "v1.0-example-pair.bin", 1023, "\1", 1, "record-padding", SBIN_WARNING, 1023, 1 },
	{ "v1.0-example-pair.bin", 583, "N", 1, "check-character", SBIN_ERROR, 576, 1 },
	{ "v1.0-example-pair.bin", 583, "m", 1, "characters", SBIN_ERROR, 576, 1 },
	{ "v1.0-example-pair.bin", 595, "E", 1, "check-character", SBIN_ERROR, 592, 1 },
	{ "v1.0-example-pair.bin", 592, "00000000000000000000000000000000", 32, "all-zero-pps",
	  SBIN_ERROR, 592, 1 },
	{ "v1.0-example-pair.bin", 560, "password", 8, "password-rule", SBIN_ERROR, 552, 1 },
	{ "v1.0-example-pair.bin", 560, "P@ssw0r\0", 8, "password-rule", SBIN_ERROR, 552, 1 },
	{ "v1.0-example-pair.bin", 556, "\7", 1, "length", SBIN_ERROR, 556, 1 },
	{ "v1.0-example-pair.bin", 552, "\2\0\4", 3, "new-password-missing", SBIN_ERROR, 512, 1 },
	{ "v1.0-example-pair.bin", 554, "\1", 1, "twice", SBIN_WARNING, 552, 1 },
	{ "v1.0-example-pair.bin", 538, "\2", 1, "current-password-missing", SBIN_ERROR, 536, 1 },
	{ "v1.0-example-pair.bin", 536, "\0", 1, "empty-record", SBIN_ERROR, 512, 1 },
	{ "v2.0-two-pairs.bin", 1100, "SAMPLE1V", 8, "duplicate-pid", SBIN_ERROR, 1100, 2 },
	{ "v4.0-acu-wizard.bin", 516, "\1", 1, "runs-out", SBIN_ERROR, 536, 1 },
};

START_TEST(each_broken_rule_is_found_where_it_is_broken)
{
	static struct said said;
	size_t size;
	uint8_t *data = load(broken[_i].sample, &size);
	int at;

	memcpy(data + broken[_i].offset, broken[_i].bytes, broken[_i].n);
	said_of(&said, data, size);
	at = said_find(&said, broken[_i].rule);
	if (!*broken[_i].rule) {
		/* Modules may be listed in any order. */
		ck_assert_uint_eq(said.count, 0);
		free(data);
		return;
	}
	ck_assert_msg(at >= 0, "%s not found, only: %s", broken[_i].rule, rules_of(&said));
	ck_assert_int_eq(said.rules[at].severity, broken[_i].severity);
	ck_assert_uint_eq(said.rules[at].offset, broken[_i].at);
	ck_assert_uint_eq(said.rules[at].record, broken[_i].record);
	free(data);
}
END_TEST

/* Variables of one record behind its passwords, and the one rule that they break. */
#define V(name, value) "{\"name\": \"" name "\", \"value\": \"" value "\"}"

#define HASH V("user-defined-cert-add", "sha1:000102030405060708090a0b0c0d0e0f10111213:x")
#define LABEL_55 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SUFFIX_223 LABEL_55 "." LABEL_55 "." LABEL_55 "." LABEL_55

static const struct {
	const char *version, *variables, *rule;
	enum sbin_severity severity;
} recipes[] = {
	{ "1.0", V("pki-dns-suffix", "example.com"), "since", SBIN_WARNING },
	{ "2.0", V("host-name", "pc"), "since", SBIN_WARNING },
	{ "2.1", V("host-name", "pc"), NULL, SBIN_NOTE },
	{ "2.1", V("kvm", "enabled"), "since", SBIN_WARNING },
	{ "3.0", V("host-name", "pc one"), "dns-name", SBIN_WARNING },
	{ "3.0", V("host-name", "pc.one"), "dns-name", SBIN_WARNING },
	{ "3.0", V("domain-name", "a.example"), NULL, SBIN_NOTE },
	{ "3.0", V("domain-name", "a..example"), "dns-name", SBIN_WARNING },
	{ "3.0", V("domain-name", ".example"), "dns-name", SBIN_WARNING },
	{ "3.0", V("domain-name", "example."), "dns-name", SBIN_WARNING },
	{ "3.0", V("host-name", ""), "length", SBIN_ERROR },
	{ "3.0", V("host-name", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	  NULL, SBIN_NOTE },
	{ "3.0", V("host-name", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
	  "length", SBIN_ERROR },
	{ "3.0", V("kvm", "2"), "value", SBIN_ERROR },
	{ "3.0", V("kvm", "hex:0100"), "length", SBIN_ERROR },
	{ "3.0", V("dhcp", "0"), "value", SBIN_ERROR },
	{ "3.0", V("sol-ider", "8"), "value", SBIN_ERROR },
	{ "3.0", V("provisioning-mode", "2"), NULL, SBIN_NOTE },
	{ "3.0", V("provisioning-mode", "3"), "value", SBIN_WARNING },
	{ "3.0", V("provisioning-server-port", "0"), "value", SBIN_ERROR },
	{ "3.0", V("support-channel-id", "0"), "value", SBIN_ERROR },
	{ "3.0", V("support-channel-id", "65536"), "value", SBIN_ERROR },
	{ "3.0", V("support-channel-description", "hex:61ff"), "text", SBIN_WARNING },
	{ "3.0", V("support-channel-description", "hex:6100"), "text", SBIN_ERROR },
	{ "3.0", V("service-type", "3"), "value", SBIN_ERROR },
	{ "3.0", V("ipv6", "hex:00"), "length", SBIN_ERROR },
	{ "3.0", V("shared-fqdn", "shared"), "needs-host-name", SBIN_WARNING },
	{ "3.0", V("shared-fqdn", "shared") ", " V("host-name", "pc"), NULL, SBIN_NOTE },
	{ "3.0", V("kvm", "enabled") ", " V("manageability-feature", "amt"), "order", SBIN_ERROR },
	{ "3.0", V("firmware-local-update", "enabled") ", " V("manageability-feature", "amt"),
	  "order", SBIN_ERROR },
	{ "3.0",
	  V("provisioning-halt-activate", "start") ", " V("provisioning-server-address",
							  "10.0.0.5"),
	  "order", SBIN_ERROR },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("pki-dns-suffix", "example"),
	  "order", SBIN_ERROR },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("config-server-fqdn", "example"),
	  "order", SBIN_ERROR },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("provisioning-server-port", "1"),
	  "activate-last", SBIN_WARNING },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("remote-configuration", "enabled"),
	  "activate-last", SBIN_WARNING },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("user-defined-certs", "enabled"),
	  "activate-last", SBIN_WARNING },
	{ "3.0", V("provisioning-halt-activate", "start") ", " V("kvm", "enabled"), NULL,
	  SBIN_NOTE },
	/* Records of others lack it, and work. */
	{ "3.0", V("user-defined-cert-add", "sha1:000102030405060708090a0b0c0d0e0f10111213:x"),
	  "cert-config-missing", SBIN_WARNING },
	{ "3.0", V("user-defined-certs", "enabled") ", " HASH ", " HASH ", " HASH, NULL,
	  SBIN_NOTE },
	{ "3.0", V("user-defined-certs", "enabled") ", " HASH ", " HASH ", " HASH ", " HASH,
	  "too-many-certs", SBIN_WARNING },
	{ "3.0", V("pki-dns-suffix", SUFFIX_223), NULL, SBIN_NOTE },
	{ "3.0", V("pki-dns-suffix", "a" SUFFIX_223), "suffix-length", SBIN_WARNING },
	{ "3.0",
	  V("user-defined-certs",
	    "disabled") ", " V("user-defined-cert-add",
			       "sha1:000102030405060708090a0b0c0d0e0f10111213:x"),
	  "cert-config", SBIN_WARNING },
	{ "2.0",
	  V("user-defined-certs",
	    "enabled") ", " V("user-defined-cert-add",
			      "sha1:000102030405060708090a0b0c0d0e0f10111213:x"),
	  NULL, SBIN_NOTE },
	{ "2.1",
	  V("user-defined-certs", "enabled") ", " V(
		  "user-defined-cert-add",
		  "sha256:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:x"),
	  "since", SBIN_WARNING },
	{ "3.0",
	  V("user-defined-certs", "enabled") ", " V("user-defined-cert-add",
						    "sha1:000102030405060708090a0b0c0d0e0f10111213:"
						    "A name of thirty-three characters"),
	  "cert-hash", SBIN_ERROR },
	{ "3.0",
	  V("user-defined-certs",
	    "enabled") ", " V("user-defined-cert-add",
			      "hex:0400000000000000000000000000000000000000000000"),
	  "cert-hash", SBIN_ERROR },
	{ "3.0", V("user-defined-certs", "enabled") ", " V("user-defined-cert-add", "hex:01"),
	  "length", SBIN_ERROR },
	{ "4.0", V("pid", "SAMPLE1V") ", " V("pps", "MA1BDE16UP1YKE1DYN10OT1WSE1LCR1I"),
	  "psk-removed", SBIN_WARNING },
	{ "3.0", V("pps", "MA1BDE16UP1YKE1DYN10OT1WSE1LCR1I"), "pid-without-pps", SBIN_ERROR },
	{ "3.0", V("pid", "SAMPLE1"), "length", SBIN_ERROR },
	{ "3.0", "{\"module\": 2, \"id\": 9999, \"value\": \"hex:00\"}", "unknown-variable",
	  SBIN_WARNING },
	{ "3.0", "{\"module\": 3, \"id\": 1, \"value\": \"hex:00\"}", "unknown-variable",
	  SBIN_WARNING },
};

START_TEST(each_rule_about_variables_is_found_broken_and_only_then)
{
	static struct said said;
	char text[2048];
	uint8_t *data;
	size_t size;
	int at;

	snprintf(text, sizeof(text), "{\"header\": {\"file_version\": \"%s\", \"consume\": false}, "
		 "\"records\": [{\"variables\": [" V("current-mebx-password", "admin") ", "
		 V("new-mebx-password", "P@ssw0rd") ", %s]}]}", recipes[_i].version,
		 recipes[_i].variables);
	data = sbin_from_json(text, strlen(text), &size, NULL);
	ck_assert_ptr_nonnull(data);
	said_of(&said, data, size);
	free(data);
	if (!recipes[_i].rule) {
		ck_assert_str_eq(rules_of(&said), "");
		return;
	}
	at = said_find(&said, recipes[_i].rule);
	ck_assert_msg(at >= 0, "%s not found, only: %s", recipes[_i].rule, rules_of(&said));
	ck_assert_int_eq(said.rules[at].severity, recipes[_i].severity);
}
END_TEST

START_TEST(every_truncation_of_a_sample_is_an_error)
{
	static struct said said;
	size_t size;
	uint8_t *data = load(samples[_i].name, &size);

	for (int n = 0; n < (int)size; n++) {
		said_of(&said, data, (size_t)n);
		ck_assert_int_eq(said.rc, n < SBIN_CHUNK ? KIT_ERR_FORMAT : 0);
		ck_assert_uint_ge(said.summary.errors, 1);
		ck_assert_int_ge(said_find(&said, "file-size"), 0);
	}
	free(data);
}
END_TEST

/*
 * Where a change that is not found may lie: these bytes may be others, and the file is as
 * sound as before but means something else.
 */
enum change_place { NOWHERE, MINOR_VERSION, VARIABLE_IDS, VALUE_LENGTH, VALUE };

static enum change_place place_of(const uint8_t *data, size_t size, size_t offset)
{
	struct sbin_memory_input state;
	struct sbin_reader *reader = NULL;
	struct sbin_record r;
	struct sbin_walk walk;
	struct sbin_variable v;
	struct sbin_input in;
	enum change_place place = offset == 25 ? MINOR_VERSION : NOWHERE;
	uint64_t at;
	size_t begin;

	sbin_input_memory(&in, &state, data, size, "sample");
	ck_assert_int_eq(sbin_reader_open(&reader, &in, NULL), 0);
	while (sbin_reader_next(reader, &r, &at, NULL) == 1) {
		if (offset < at || offset >= at + r.size)
			continue;
		sbin_walk_begin(&walk, &r);
		for (begin = at + walk.r.at; sbin_walk_next(&walk, &v) == 1;
		     begin = at + walk.r.at) {
			if (offset >= begin && offset < begin + 4)
				place = VARIABLE_IDS;
			else if (offset >= begin + 4 && offset < begin + 6)
				place = VALUE_LENGTH;
			else if (offset >= begin + 8 && offset < begin + 8 + v.length)
				place = VALUE;
		}
	}
	sbin_reader_free(&reader);
	return place;
}

/* Does SAID have a finding more than BEFORE? */
static bool says_more(const struct said *said, const struct said *before)
{
	for (size_t i = 0; i < said->count; i++) {
		int at = said_find(before, said->rules[i].rule);

		if (at < 0 || said->rules[i].times > before->rules[at].times)
			return true;
	}
	return false;
}

static void assert_other_meaning(const char *before, const uint8_t *changed, size_t size)
{
	size_t n;
	char *after = sbin_to_json(changed, size, true, &n, NULL);

	ck_assert_ptr_nonnull(after);
	ck_assert_str_ne(before, after);
	free(after);
}

START_TEST(every_changed_byte_is_found_or_makes_a_sound_file_of_another_meaning)
{
	static struct said before, said;
	unsigned long found = 0, places[5] = { 0 };
	size_t size, n, last = SIZE_MAX;
	uint8_t *data = load(samples[_i].name, &size);
	char *meaning = sbin_to_json(data, size, true, &n, NULL);
	/* All values in the smaller ones, in the others each bit alone and all of them. */
	int step = size <= 1024 ? 1 : 0;

	said_of(&before, data, size);
	for (size_t offset = 0; offset < size; offset++) {
		enum change_place place = place_of(data, size, offset);

		for (int change = 1; change < 256; change = step ? change + 1 :
		     change == 255 ? 256 : change == 128 ? 255 : change * 2) {
			data[offset] ^= (uint8_t)change;
			said_of(&said, data, size);
			if (says_more(&said, &before)) {
				found++;
			} else {
				ck_assert_msg(place != NOWHERE,
					      "byte %zu, changed by %#x, is not missed", offset,
					      change);
				/* Of each byte once: showing all of them would take long. */
				if (last != offset)
					assert_other_meaning(meaning, data, size);
				last = offset;
				places[place]++;
			}
			data[offset] ^= (uint8_t)change;
		}
	}
	printf("%s: of all one-byte changes %lu are found; sound files of another meaning: %lu by "
	       "minor version, %lu by ids, %lu by length, %lu by value\n", samples[_i].name, found,
	       places[MINOR_VERSION], places[VARIABLE_IDS], places[VALUE_LENGTH], places[VALUE]);
	ck_assert_uint_gt(found, places[VALUE] + places[VARIABLE_IDS] + places[VALUE_LENGTH]);
	free(meaning);
	free(data);
}
END_TEST

START_TEST(a_changed_pid_or_pps_is_found_unless_two_characters_are_36_apart)
{
	static struct said said;
	size_t size;
	uint8_t *data = load("v1.0-example-pair.bin", &size);

	for (size_t offset = 576; offset < 624; offset++) {
		if (offset >= 584 && offset < 592)
			continue;
		for (int c = 0; c < 256; c++) {
			uint8_t old = data[offset];
			bool alphabet = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
			/* A check character stands for one sum only. */
			bool check = offset < 584 ? offset == 583 : offset % 4 == 3;
			bool missed = c == old || (!check && alphabet && abs(c - old) == 36);

			data[offset] = (uint8_t)c;
			said_of(&said, data, size);
			ck_assert_int_eq(said.count == 0, missed);
			data[offset] = old;
		}
	}
	free(data);
}
END_TEST

START_TEST(faults_of_consumed_records_are_only_noted)
{
	static struct said said;
	size_t size;
	uint8_t *data = load("v2.1-partly-used.bin", &size);

	/* The first record was consumed and is intact: spoil its PID and its padding. */
	data[576] ^= 1;
	data[1023] = 1;
	said_of(&said, data, size);
	ck_assert_str_eq(rules_of(&said), "check-character record-padding");
	ck_assert_uint_eq(said.summary.errors + said.summary.warnings, 0);
	ck_assert_uint_eq(said.summary.notes, 2);
	free(data);
}
END_TEST

START_TEST(a_pid_that_a_consumed_record_has_too_is_an_error)
{
	static struct said said;
	size_t size;
	uint8_t *data = load("v2.1-partly-used.bin", &size);

	memcpy(data + 1536 + 64, data + 512 + 64, 8);
	said_of(&said, data, size);
	ck_assert_str_eq(rules_of(&said), "duplicate-pid");
	ck_assert_int_eq(said.rules[0].severity, SBIN_ERROR);
	ck_assert_uint_eq(said.rules[0].record, 3);
	free(data);
}
END_TEST

START_TEST(a_stream_of_unknown_size_is_checked_to_its_end_and_beyond)
{
	static const struct { int delta; unsigned long errors; } cases[] = {
		{ 0, 0 }, { -1, 1 }, { -600, 1 }, { 1, 1 },
	};
	size_t size;
	uint8_t *data = load("v2.0-two-pairs.bin", &size);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sbin_fd_input state;
		struct sbin_summary summary;
		struct sbin_input in;
		struct fault f = { 0 };
		int ends[2];

		ck_assert_int_eq(pipe(ends), 0);
		ck_assert_int_gt(write(ends[1], data, (size_t)((int)size + cases[i].delta)), 0);
		close(ends[1]);
		ck_assert_int_eq(sbin_input_fd(&in, &state, ends[0], "pipe", NULL), 0);
		ck_assert_int_eq(sbin_check(&in, NULL, NULL, &summary, &f), 0);
		ck_assert_uint_eq(summary.errors, cases[i].errors);
		close(ends[0]);
	}
	free(data);
}
END_TEST

START_TEST(no_finding_quotes_a_secret)
{
	static struct said said;
	size_t size;
	uint8_t *data = load("v1.0-example-pair.bin", &size);

	memcpy(data + 560, "p@ssw0rd", 8);
	data[592] = 'n';
	said_of(&said, data, size);
	ck_assert_uint_eq(said.summary.errors, 2);
	for (size_t i = 0; i < said.count; i++) {
		ck_assert_ptr_null(strstr(said.rules[i].text, "p@ss"));
		ck_assert_ptr_null(strstr(said.rules[i].text, "KLD"));
	}
	free(data);
}
END_TEST

START_TEST(the_delay_at_power_on_runs_between_the_two_points_that_people_met)
{
	char text[SBIN_POST_TEXT];

	ck_assert_double_eq(sbin_post_seconds(0), 0);
	ck_assert_double_eq_tol(sbin_post_seconds(1000), 15, 1e-6);
	ck_assert_double_eq_tol(sbin_post_seconds(100000), 180, 1e-6);
	/* Half way between the logarithms: the geometric mean. */
	ck_assert_double_eq_tol(sbin_post_seconds(10000), sqrt(15.0 * 180.0), 1e-6);
	sbin_post_text(sbin_post_seconds(1), text);
	ck_assert_str_eq(text, "less than a second");
	sbin_post_text(1.4, text);
	ck_assert_str_eq(text, "about 1 second");
	sbin_post_text(UINT32_MAX, text);
	ck_assert_str_eq(text, "about 4294967295 seconds");
}
END_TEST

START_TEST(a_long_file_is_noted_with_its_delay)
{
	const uint32_t n = 501;
	static struct said said;
	uint8_t *data = calloc(n + 1, SBIN_CHUNK);
	struct sbin_header h;

	ck_assert_int_eq(sbin_header_make(&h, (struct sbin_version){ 2, 1 }, 0, n, NULL), 0);
	sbin_header_encode(&h, data);
	for (uint32_t i = 0; i < n; i++) {
		struct keyentry e = { .new_password = "P@ssw0rd",
				      .pair.pps = "NKLDG5DCRRNQE9YZZIJL7LFLVJED69XJ" };
		struct sbin_record r;

		snprintf(e.pair.pid, sizeof(e.pair.pid), "%07u", i % 10000000);
		e.pair.pid[7] = pidpps_check_character(e.pair.pid, 7);
		sbin_record_init(&r, data + (size_t)(i + 1) * SBIN_CHUNK, SBIN_CHUNK, i + 1);
		ck_assert_int_eq(sbin_record_from_entry(&r, &e, false, NULL), 0);
		sbin_record_encode(&r);
	}
	said_of(&said, data, (size_t)(n + 1) * SBIN_CHUNK);
	ck_assert_str_eq(rules_of(&said), "post-delay");
	ck_assert_int_eq(said.rules[0].severity, SBIN_NOTE);
	/* One record less is not worth a word. */
	put_le32(data + 28, n - 1);
	said_of(&said, data, (size_t)n * SBIN_CHUNK);
	ck_assert_str_eq(rules_of(&said), "");
	free(data);
}
END_TEST

TEST_SUITE("sbin check")
{
	TCase *t = tcase_create("check");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, the_samples_are_as_sound_as_they_should_be, 0, N_SAMPLES);
	tcase_add_loop_test(t, each_broken_rule_is_found_where_it_is_broken, 0,
			    sizeof(broken) / sizeof(broken[0]));
	tcase_add_loop_test(t, each_rule_about_variables_is_found_broken_and_only_then, 0,
			    sizeof(recipes) / sizeof(recipes[0]));
	tcase_add_loop_test(t, every_truncation_of_a_sample_is_an_error, 0, N_SOUND);
	tcase_add_loop_test(t, every_changed_byte_is_found_or_makes_a_sound_file_of_another_meaning,
			    0, N_SOUND);
	tcase_add_test(t, a_changed_pid_or_pps_is_found_unless_two_characters_are_36_apart);
	tcase_add_test(t, faults_of_consumed_records_are_only_noted);
	tcase_add_test(t, a_pid_that_a_consumed_record_has_too_is_an_error);
	tcase_add_test(t, a_stream_of_unknown_size_is_checked_to_its_end_and_beyond);
	tcase_add_test(t, no_finding_quotes_a_secret);
	tcase_add_test(t, the_delay_at_power_on_runs_between_the_two_points_that_people_met);
	tcase_add_test(t, a_long_file_is_noted_with_its_delay);
	suite_add_tcase(suite, t);
}
