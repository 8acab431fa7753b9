/* amt-provisionctl reconcile: what a stick says of its records, what the map says of its keys. */
#include "server/ctl/amt-provisionctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "common/table.h"
#include "server/keymap/pairs.h"
#include "setupbin/file.h"
#include "ukpu/format/fatread.h"

const struct cli_option ctl_reconcile_options[] = {
	CTL_MAP_OPTIONS,
	{ "all", 'a', NULL, "also the records on which stick and map agree", 0, 0 },
	{ NULL, 0, NULL, NULL, 0, 0 },
};

/* What comes of one record. */
enum outcome {
	AGREED,		/* both say free, or both say taken */
	WAITING,	/* taken, and its hello is being served */
	NO_HELLO,	/* taken, and the server heard nothing */
	NEVER_PROVED,	/* taken, a hello came, and no proof */
	TAKEN_TWICE,	/* free on this stick, taken by the map: there is a copy */
	UNKNOWN,	/* the map does not know the PID */
	OTHER_PPS,	/* the map has another PPS for it */
	REVOKED,	/* free on the stick, revoked in the map */
	BAD,		/* free, and its PID or PPS is no sound one */
	NO_KEY,		/* free, and without PID and PPS: set-up by certificate */
	UNREADABLE,	/* taken, its body wiped or damaged: nothing to compare */
	OUTCOMES
};

/* The outcomes from here on are nobody's fault; so are those of AGREED and WAITING. */
#define HARMLESS NO_KEY

static const struct {
	const char *word, *text, *hint;
} outcomes[OUTCOMES] = {
	[AGREED] = { "agreed", "stick and map agree", NULL },
	[WAITING] = { "waiting", "a machine took it, said hello and is being set up", NULL },
	[NO_HELLO] = { "no-hello", "a machine took it and never said hello",
		       "find the machine: can it resolve ProvisionServer, is the port open; take its"
		       " AC power away for half a minute" },
	[NEVER_PROVED] = { "never-proved", "a machine took it, said hello and never proved it",
			   "see \"amt-provisionctl keys show PID\": was it called back, did it "
			   "hold another PPS" },
	[TAKEN_TWICE] = { "taken-elsewhere", "a machine took it, but not from this stick",
			  "there is a copy of this setup.bin: two machines would share the key; "
			  "retire one of the two" },
	[UNKNOWN] = { "not-in-map", "the map does not know it: its machine's hello is refused",
		      "import it: amt-provisionctl keys import" },
	[OTHER_PPS] = { "other-pps", "the map has another PPS for this PID: no proof can succeed",
			"find out which is right; revoke the key if the map's is wrong" },
	[REVOKED] = { "revoked", "still free on the stick, but revoked in the map",
		      "retire the stick (ukpu retire), or make it anew" },
	[BAD] = { "bad", "still free, but no machine takes it: its PID or PPS is wrong",
		  "see why: amt-setupbin check" },
	[NO_KEY] = { "no-key", "has no PID and PPS: it sets machines up by certificate", NULL },
	[UNREADABLE] = { "unreadable", "taken, and its body no longer tells which key it was",
			 NULL },
};

struct job {
	struct cli *cli;
	struct keymap *m;
	int64_t now;
	bool all;
	unsigned long n[OUTCOMES], records, taken;
	bool begun;		/* printing: not before there is a file to tell of */
	struct table *table;
	struct ctl_rows rows;
};

static enum outcome judge(const struct keymap_pair *p, bool taken)
{
	switch (p->state) {
	case KEYMAP_USED:
		return taken ? AGREED : TAKEN_TWICE;
	case KEYMAP_RESERVED:
		return taken ? WAITING : TAKEN_TWICE;
	case KEYMAP_REVOKED:
		return taken ? AGREED : REVOKED;
	default:
		return !taken ? AGREED : p->lapsed ? NEVER_PROVED : NO_HELLO;
	}
}

static int look_up(struct job *j, const struct keyentry *entry, bool taken,
		   struct keymap_pair *pair, enum outcome *outcome, struct fault *fault)
{
	struct keyentry have;
	int rc = keymap_find(j->m, entry->pair.pid, j->now, pair, fault);

	if (rc == KIT_ERR_NOT_FOUND) {
		*outcome = UNKNOWN;
		return 0;
	}
	if (!rc)
		rc = keymap_secrets(j->m, entry->pair.pid, &have, fault);
	if (rc)
		return rc;
	*outcome = secret_equal(have.pair.pps, entry->pair.pps, PPS_LENGTH) ? judge(pair, taken)
		: OTHER_PPS;
	secret_wipe(&have, sizeof(have));
	return 0;
}

static void tell(struct job *j, uint32_t record, const char *pid, bool taken,
		 const struct keymap_pair *p, enum outcome outcome)
{
	const char *state = p->pid[0] ? keymap_state_word(p->state) : "-";
	char shown[PID_SHOWN + 1] = "-", uuid[UUID_SHOWN + 1] = "-";

	j->n[outcome]++;
	if (!j->all && outcome == AGREED)
		return;
	if (pid[0])
		pidpps_show_pid(pid, shown);
	if (p->has_uuid)
		uuid_show(&p->uuid, uuid);
	if (j->cli->json) {
		ctl_rows_put(&j->rows, json_pack("{s:i, s:o, s:b, s:o, s:o, s:s, s:s}", "record",
			     (int)record, "pid", ctl_json_pid(pid), "taken", taken, "state",
			     p->pid[0] ? json_string(state) : json_null(), "uuid",
			     p->has_uuid ? json_string(uuid) : json_null(), "outcome",
			     outcomes[outcome].word, "text", outcomes[outcome].text));
		return;
	}
	table_cell(j->table, "%u", record);
	table_cell(j->table, "%s", shown);
	table_cell(j->table, "%s", taken ? "taken" : "free");
	table_cell(j->table, "%s", state);
	table_cell(j->table, "%s", uuid);
	table_cell(j->table, "%s", outcomes[outcome].text);
}

static int one_record(struct job *j, const struct sbin_record *r, uint32_t index,
		      uint32_t consumed, struct fault *fault)
{
	/* A machine goes by the counter; the flag alone tells when the counter was lost. */
	const bool taken = index < consumed || !sbin_record_valid(r);
	struct keymap_pair pair = { .id = 0 };
	struct keyproblem problem;
	struct keyentry entry;
	enum outcome outcome;
	int rc;

	memset(&entry, 0, sizeof(entry));
	j->records++;
	j->taken += taken;
	rc = sbin_record_to_entry(r, &entry, &problem);
	if (rc) {
		outcome = taken ? UNREADABLE : rc == KIT_ERR_NOT_FOUND ? NO_KEY : BAD;
		entry.pair.pid[0] = 0;
		rc = 0;
	} else {
		rc = look_up(j, &entry, taken, &pair, &outcome, fault);
	}
	if (!rc)
		tell(j, index + 1, entry.pair.pid, taken, &pair, outcome);
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static void begin_printing(struct job *j)
{
	j->begun = true;
	if (j->cli->json)
		ctl_rows_begin(&j->rows, "records");
	else
		j->table = table_new(stdout, ">RECORD|PID|STICK|MAP|UUID|WHAT");
}

static int read_records(struct job *j, const struct sbin_input *in, struct fault *fault)
{
	struct sbin_reader *reader = NULL;
	const struct sbin_header *header;
	struct sbin_record record;
	uint32_t index = 0, consumed;
	int rc;

	rc = sbin_reader_open(&reader, in, fault);
	if (rc)
		return rc;
	begin_printing(j);
	header = sbin_reader_header(reader);
	/* In a file that is not consumed nothing is ever marked: its one record serves all. */
	consumed = sbin_header_consumable(header) ? header->consumed : 0;
	if (!sbin_header_consumable(header))
		cli_warn(j->cli,
			 "%s is never consumed: all machines take its first record, and the map"
			 " lets one of them use the key",
			 in->name);
	if (consumed > header->records)
		cli_warn(j->cli,
			 "%s counts %u records as taken and holds %u: the counter is wrong, and"
			 " what is taken a guess; see \"amt-setupbin check\"",
			 in->name, consumed, header->records);
	while ((rc = sbin_reader_next(reader, &record, NULL, fault)) == 1) {
		rc = one_record(j, &record, index++, consumed, fault);
		if (rc)
			break;
	}
	sbin_reader_free(&reader);
	return rc;
}

/* PATH is a setup.bin itself, or a stick or an image of one that holds it. */
static int read_target(struct job *j, const char *path, struct fault *fault)
{
	struct sbin_fd_input file_state;
	struct disk_fd disk_state;
	struct fatread_file file = { 0 };
	struct sbin_input in;
	struct disk disk;
	uint8_t first[16];
	/* Not to wait at a named pipe for somebody to write. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), rc;

	if (fd < 0)
		return fault_sys(fault, errno, "cannot open %s", path);
	if (pread(fd, first, sizeof(first), 0) == sizeof(first) && sbin_uuid_major(first)) {
		rc = sbin_input_fd(&in, &file_state, fd, path, fault);
	} else {
		rc = disk_open_fd(&disk, &disk_state, fd, path, fault);
		if (!rc)
			rc = fatread_find(&file, &disk, SBIN_NAME, fault);
		if (!rc)
			in = (struct sbin_input){
				.read_at = fatread_file_read_at, .context = &file,
				.size = file.size, .name = path,
			};
		else
			fault_hint(fault,
				   "name a setup.bin, a stick, or an image of one; \"ukpu verify\""
				   " says what is wrong with a stick");
	}
	if (!rc)
		rc = read_records(j, &in, fault);
	fatread_file_close(&file);
	close(fd);
	return rc;
}

static unsigned long troubles(const struct job *j)
{
	unsigned long n = 0;

	for (int i = WAITING + 1; i < HARMLESS; i++)
		n += j->n[i];
	return n;
}

static void say(const struct job *j, const char *path)
{
	printf("%s: %lu record%s, %lu taken, %lu in agreement with the map\n", path, j->records,
	       plural(j->records), j->taken, j->n[AGREED]);
	for (int i = 0; i < OUTCOMES; i++) {
		if (i == AGREED || !j->n[i])
			continue;
		printf("%lu: %s\n", j->n[i], outcomes[i].text);
		if (outcomes[i].hint)
			printf("  %s\n", outcomes[i].hint);
	}
}

static json_t *counts_json(const struct job *j)
{
	json_t *counts = json_object();

	for (int i = 0; i < OUTCOMES; i++)
		json_object_set_new(counts, outcomes[i].word, json_integer((json_int_t)j->n[i]));
	return json_pack("{s:I, s:I, s:o}", "record_count", (json_int_t)j->records, "taken",
			 (json_int_t)j->taken, "counts", counts);
}

int ctl_reconcile(struct cli *cli)
{
	struct job j = { .cli = cli, .now = ctl_now(), .all = cli_has(cli, "all") };
	struct fault fault = { 0 };
	int rc, status = EXIT_YES;

	rc = ctl_open(cli, 0, &j.m, &fault);
	if (rc)
		return cli_fail(cli, &fault);
	rc = read_target(&j, cli->argv[0], &fault);
	if (cli->json && j.begun)
		status = ctl_rows_end(cli, &j.rows, counts_json(&j));
	table_end(j.table);
	if (!rc && !cli->json && !cli->quiet)
		say(&j, cli->argv[0]);
	keymap_close(&j.m);
	if (rc)
		return cli_fail(cli, &fault);
	return status ? status : troubles(&j) ? EXIT_NO : EXIT_YES;
}
