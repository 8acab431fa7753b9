/* Reconcile: what a stick says of its records, compared with what the map says of its keys. */
#include "server/admin/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/secret.h"
#include "server/keymap/pairs.h"
#include "setupbin/file.h"
#include "ukpu/format/fatread.h"

static const struct {
	const char *word, *text, *hint;
	bool trouble;
} outcomes[RECONCILE_OUTCOMES] = {
	[RECONCILE_AGREED] = { "agreed", "stick and map agree" },
	[RECONCILE_WAITING] = { "waiting", "a machine took it, said hello and is being set up" },
	[RECONCILE_NO_HELLO] = {
		"no-hello", "a machine took it and never said hello",
		"find the machine: can it resolve ProvisionServer, is the port open; disconnect its"
		" AC power for half a minute", true },
	[RECONCILE_NEVER_PROVED] = {
		"never-proved", "a machine took it, said hello and never proved it",
		"see \"amt-provisionctl keys show PID\": was it called back, does it hold another "
		"PPS", true },
	[RECONCILE_USED_ELSEWHERE] = {
		"used-elsewhere", "a machine took it, but not from this stick",
		"there is a copy of this setup.bin: two machines would share the key; retire one "
		"of the two", true },
	[RECONCILE_UNKNOWN] = {
		"not-in-map", "not in the map: its machine's hello is refused",
		"import it: amt-provisionctl keys import", true },
	[RECONCILE_OTHER_PPS] = {
		"other-pps", "the map has another PPS for this PID: no proof can succeed",
		"find out which is right; revoke the key if the map's is wrong", true },
	[RECONCILE_REVOKED] = {
		"revoked", "still free on the stick, but revoked in the map",
		"retire the stick (ukpu retire), or make a new one", true },
	[RECONCILE_BAD] = {
		"bad", "still free, but no machine takes it: its PID or PPS is not valid",
		"see why: amt-setupbin check", true },
	[RECONCILE_NO_KEY] = {
		"no-key", "has no PID and PPS: it sets machines up by certificate" },
	[RECONCILE_UNREADABLE] = {
		"unreadable", "used, and its PID can no longer be read" },
};

const char *reconcile_word(enum reconcile_outcome outcome)
{
	return outcomes[outcome].word;
}

const char *reconcile_text(enum reconcile_outcome outcome)
{
	return outcomes[outcome].text;
}

const char *reconcile_hint(enum reconcile_outcome outcome)
{
	return outcomes[outcome].hint;
}

bool reconcile_is_trouble(enum reconcile_outcome outcome)
{
	return outcomes[outcome].trouble;
}

unsigned long reconcile_troubles(const struct reconcile *r)
{
	unsigned long n = 0;

	for (int i = 0; i < RECONCILE_OUTCOMES; i++)
		n += outcomes[i].trouble ? r->outcomes[i] : 0;
	return n;
}

static enum reconcile_outcome judge(const struct keymap_pair *p, bool used)
{
	switch (p->state) {
	case KEYMAP_USED:
		return used ? RECONCILE_AGREED : RECONCILE_USED_ELSEWHERE;
	case KEYMAP_RESERVED:
		return used ? RECONCILE_WAITING : RECONCILE_USED_ELSEWHERE;
	case KEYMAP_REVOKED:
		return used ? RECONCILE_AGREED : RECONCILE_REVOKED;
	default:
		return !used ? RECONCILE_AGREED
		     : p->lapsed ? RECONCILE_NEVER_PROVED : RECONCILE_NO_HELLO;
	}
}

/* What the map has of ENTRY, into *pair; record->pair points to it then. */
static int look_up(const struct operator *op, const struct keyentry *entry,
		   struct keymap_pair *pair, struct reconcile_record *record, struct fault *fault)
{
	struct keyentry have;
	int rc = keymap_find(op->map, entry->pair.pid, op->now, pair, fault);

	if (rc == KIT_ERR_NOT_FOUND) {
		record->outcome = RECONCILE_UNKNOWN;
		return 0;
	}
	if (!rc)
		rc = keymap_secrets(op->map, entry->pair.pid, &have, fault);
	if (rc)
		return rc;
	record->pair = pair;
	record->outcome = secret_equal(have.pair.pps, entry->pair.pps, PPS_LENGTH)
		? judge(pair, record->used) : RECONCILE_OTHER_PPS;
	secret_wipe(&have, sizeof(have));
	return 0;
}

static int one_record(struct reconcile *r, const struct operator *op,
		      const struct sbin_record *stored, uint32_t index, struct fault *fault)
{
	/* A machine goes by the counter; the flag counts where the counter was lost. */
	struct reconcile_record record = { .number = index + 1,
		.used = (r->consumable && index < r->counted) || !sbin_record_valid(stored) };
	struct keyproblem problem;
	struct keymap_pair pair;
	struct keyentry entry;
	int rc;

	memset(&entry, 0, sizeof(entry));
	rc = sbin_record_to_entry(stored, &entry, &problem);
	if (rc) {
		record.outcome = record.used ? RECONCILE_UNREADABLE
			: rc == KIT_ERR_NOT_FOUND ? RECONCILE_NO_KEY : RECONCILE_BAD;
		rc = 0;
	} else {
		memcpy(record.pid, entry.pair.pid, sizeof(record.pid));
		rc = look_up(op, &entry, &pair, &record, fault);
	}
	secret_wipe(&entry, sizeof(entry));
	if (rc)
		return rc;
	r->records++;
	r->used += record.used;
	r->outcomes[record.outcome]++;
	return r->record(r->context, &record);
}

static int read_records(struct reconcile *r, const struct operator *op,
			const struct sbin_input *in, struct fault *fault)
{
	struct sbin_reader *reader = NULL;
	const struct sbin_header *header;
	struct sbin_record record;
	uint32_t index = 0;
	int rc;

	rc = sbin_reader_open(&reader, in, fault);
	if (rc)
		return rc;
	header = sbin_reader_header(reader);
	r->consumable = sbin_header_consumable(header);
	r->counted = header->consumed;
	r->held = header->records;
	if (r->begin)
		r->begin(r->context, r);
	while ((rc = sbin_reader_next(reader, &record, NULL, fault)) == 1) {
		rc = one_record(r, op, &record, index++, fault);
		if (rc)
			break;
	}
	sbin_reader_free(&reader);
	return rc;
}

int reconcile(struct reconcile *r, const struct operator *op, const char *path,
	      struct fault *fault)
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
			in = (struct sbin_input){ .read_at = fatread_file_read_at,
						  .context = &file, .size = file.size,
						  .name = path };
		else
			fault_hint(fault,
				   "give a setup.bin, a stick, or an image of one; \"ukpu verify\""
				   " says what is wrong with a stick");
	}
	if (!rc)
		rc = read_records(r, op, &in, fault);
	fatread_file_close(&file);
	close(fd);
	return rc;
}
