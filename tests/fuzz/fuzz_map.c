/*
 * Fuzz a key map, and a backup of one, that somebody else wrote: it is opened with a key file of
 * ours, and all that it holds is read. The seeds are small maps (pages of 512 bytes) sealed with
 * the key below, some as earlier kits made them.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/keymap/backup.h"
#include "server/keymap/digests.h"
#include "server/keymap/events.h"
#include "server/keymap/inventory.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "server/keymap/profiles.h"
#include "server/keymap/settings.h"
#include "server/keymap/sql.h"
#include "server/keymap/systems.h"

#define NOW	1715933350

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64], map[80], key[80];

static void write_file(const char *name, const void *bytes, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, bytes, size) != (ssize_t)size || close(fd))
		abort();
}

static void forget_map(void)
{
	const char *const *endings = sql_endings(map);
	char name[100];

	for (int i = 0; endings[i]; i++) {
		snprintf(name, sizeof(name), "%s%s", map, endings[i]);
		unlink(name);
	}
}

static void forget_all(void)
{
	forget_map();
	unlink(key);
	rmdir(folder);
}

/* A key file as server/keymap/seal.h describes it: id 1, key 0x01, 0x02... */
static void make_key_file(void)
{
	uint8_t bytes[8 + 4 + 36 + 32] = "AMTKEYS1";

	bytes[8] = 1;
	bytes[12] = 1;
	for (uint8_t i = 0; i < 32; i++)
		bytes[16 + i] = (uint8_t)(i + 1);
	SHA256(bytes, 48, bytes + 48);
	write_file(key, bytes, sizeof(bytes));
}

static void begin(void)
{
	snprintf(folder, sizeof(folder), "%s/fuzz-map.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(folder))
		abort();
	snprintf(map, sizeof(map), "%s/map.db", folder);
	snprintf(key, sizeof(key), "%s/map.db.key", folder);
	make_key_file();
	atexit(forget_all);
}

/* ---- all that a map holds; texts have to end within their fields ---- */

#define ENDS(field) do { if (!memchr(field, 0, sizeof(field))) abort(); } while (0)

static int on_pair(void *context, const struct keymap_pair *p)
{
	struct keyentry e;

	ENDS(p->pid);
	ENDS(p->made_by);
	ENDS(p->exported_to);
	if (keymap_secrets(context, p->pid, &e, NULL) == 0) {
		ENDS(e.current_password);
		ENDS(e.new_password);
	}
	return 0;
}

static int on_earlier(void *context, const struct keymap_earlier *e)
{
	struct system_secrets s;

	ENDS(e->pid);
	ENDS(e->next_pid);
	ENDS(e->address);
	ENDS(e->admin_user);
	if (keymap_earlier_secrets(context, e, &s, NULL) == 0)
		ENDS(s.admin_password);
	return 0;
}

static int on_system(void *context, const struct system *s)
{
	struct system_secrets secrets;
	struct keymap_inventory row;
	struct keymap_digest digests[KEYMAP_DIGESTS];
	char otp[PASSWORD_MAX + 1];
	size_t n;

	ENDS(s->reason_code);
	ENDS(s->pid);
	ENDS(s->next_pid);
	ENDS(s->address);
	ENDS(s->claimed_pid);
	ENDS(s->claimed_address);
	ENDS(s->reason);
	ENDS(s->fqdn);
	ENDS(s->profile);
	ENDS(s->version);
	ENDS(s->admin_user);
	if (!system_state_word(s->state))
		abort();
	if (keymap_system_secrets(context, &s->uuid, &secrets, NULL) == 0)
		ENDS(secrets.admin_password);
	if (keymap_inventory_find(context, &s->uuid, &row, NULL) == 0 &&
	    keymap_inventory_otp(context, &s->uuid, otp, NULL) == 0)
		ENDS(otp);
	if (keymap_digests_find(context, &s->uuid, digests, &n, NULL) || n > KEYMAP_DIGESTS)
		n = 0;
	for (size_t i = 0; i < n; i++)
		if (digests[i].length != keymap_digest_length(digests[i].type))
			abort();
	keymap_earlier(context, &s->uuid, on_earlier, context, NULL);
	return 0;
}

static int on_event(void *context, const struct logentry *e)
{
	char line[700];

	(void)context;
	logentry_line(e, line, sizeof(line));
	return 0;
}

static int on_profile(void *context, const struct profile *p)
{
	(void)context;
	ENDS(p->name);
	ENDS(p->admin_user);
	return 0;
}

static int on_setting(void *context, const char *name, const char *value)
{
	(void)context;
	return name && value ? 0 : 1;
}

static void read_all(struct keymap *m)
{
	static const struct keymap_filter pairs = { .now = NOW };
	static const struct keymap_system_filter systems = { 0 };
	static const struct keymap_log_filter events = { 0 };
	uint64_t counts[SYSTEM_STATES], shared;
	struct keymap_counts pair_counts;
	char name[SYSTEM_FQDN + 1] = "";

	keymap_each(m, &pairs, on_pair, m, NULL);
	keymap_count(m, NOW, &pair_counts, NULL);
	keymap_systems(m, &systems, on_system, m, NULL);
	keymap_system_count(m, counts, NULL);
	keymap_log_each(m, &events, on_event, m, NULL);
	keymap_profiles(m, on_profile, m, NULL);
	keymap_settings(m, on_setting, m, NULL);
	keymap_inventory_shared(m, &shared, name, NULL);
	ENDS(name);
}

/* What the daemon would do next. */
static void write_some(struct keymap *m)
{
	const struct keymap_hello hello = { { { 1, 2, 3 } }, "0000037M", "192.0.2.1", 2, 0,
					    NULL, 0 };
	const struct logentry event = { .time = NOW, .name = "fuzz", .what = "it happened" };
	enum keymap_claim claim;

	if (keymap_begin(m, NULL))
		return;
	keymap_reserve(m, hello.pid, &hello.uuid, NOW, 900, &claim, NULL, NULL);
	keymap_system_hello(m, &hello, SYSTEM_QUEUED, NOW, NULL, NULL, NULL);
	keymap_log(m, &event, NULL);
	keymap_rollback(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct keymap_options options = { .wait_ms = 1 };
	struct fault fault = { .code = 0 };
	struct keymap *m = NULL;
	int sound, rc;

	if (!*folder)
		begin();
	write_file(map, data, size);
	sound = keymap_backup_check(map, key, &fault);
	if (sound && (!fault.code || !*fault.what))
		abort();
	fault_clear(&fault);
	rc = keymap_open(&m, map, &options, &fault);
	if ((rc != 0) != (fault.code != 0) || (rc == 0) != !!m)
		abort();
	if (m) {
		read_all(m);
		write_some(m);
	}
	keymap_close(&m);
	forget_map();
	return 0;
}
