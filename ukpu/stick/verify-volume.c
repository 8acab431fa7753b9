/* Rules on the FATs, the root directory, the file and its contents. */
#include <stdio.h>
#include <string.h>

#include "setupbin/header.h"
#include "ukpu/stick/verify-private.h"

#define LONG_POST	60	/* seconds of POST after which people switch off */

/* ---- FATs ---- */

static void fat_size(struct verify *v, struct verify_result *out)
{
	if (v->clusters.fat_short)
		verify_say(out, VERIFY_FAIL, "%u sectors per FAT are too few for %u clusters",
			   v->v.g.fat_sectors, v->v.g.clusters);
	else
		verify_say(out, VERIFY_PASS, "%u sectors per FAT", v->v.g.fat_sectors);
}

static void fat_copies(struct verify *v, struct verify_result *out)
{
	if (v->clusters.copies_differ)
		verify_say(out, VERIFY_FAIL, "the copies of the FAT differ, first at byte %llu",
			   (unsigned long long)v->clusters.differ_at);
	else
		verify_say(out, VERIFY_PASS, "all copies are equal");
}

static void fat_clean(struct verify *v, struct verify_result *out)
{
	if (v->clusters.dirty || v->clusters.errors)
		verify_say(out, VERIFY_FAIL, "marked %s",
			   v->clusters.dirty ? "dirty: it was pulled while it was mounted" :
					       "as having had disk errors");
	else
		verify_say(out, VERIFY_PASS, "marked clean");
}

static void fat_chains(struct verify *v, struct verify_result *out)
{
	const struct scan_clusters *c = &v->clusters;

	if (c->crossed || c->broken)
		verify_say(out, VERIFY_FAIL, "cluster chains that share clusters: %u, that are "
			   "broken: %u", c->crossed, c->broken);
	else
		verify_say(out, VERIFY_PASS, "no cluster chains are broken or share clusters");
}

static void fat_lost(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->clusters.lost ? VERIFY_FAIL : VERIFY_PASS, "lost clusters: %u",
		   v->clusters.lost);
}

static void fat_bad(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->clusters.bad ? VERIFY_WARN : VERIFY_PASS, "clusters marked bad: %u",
		   v->clusters.bad);
	if (v->clusters.bad)
		snprintf(out->fix, sizeof(out->fix), "use another stick: this one is failing");
}

/* If there are other files, repair needs to know what to do with them. */
static void fix_others(const struct verify *v, struct verify_result *out)
{
	if (v->root.entries > v->root.found && v->root.entries > 1)
		snprintf(out->fix, sizeof(out->fix), "ukpu repair %s --save-other-files FOLDER",
			 v->in->target);
}

static void fat_only(struct verify *v, struct verify_result *out)
{
	if (!v->clusters.others) {
		verify_say(out, VERIFY_PASS, "only the file's clusters are used (%u)",
			   v->clusters.used);
		return;
	}
	verify_say(out, VERIFY_FAIL, "clusters used by other things than SETUP.BIN: %u",
		   v->clusters.others);
	fix_others(v, out);
}

static void fat_tail(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->clusters.tail_dirty ? VERIFY_WARN : VERIFY_PASS,
		   "the FAT is %szero after the last cluster",
		   v->clusters.tail_dirty ? "not " : "");
}

/* ---- root directory ---- */

static void root_first(struct verify *v, struct verify_result *out)
{
	const struct scan_root *root = &v->root;

	if (root->broken)
		verify_say(out, VERIFY_FAIL, "the root directory cannot be read to its end");
	else if (!root->found)
		verify_say(out, VERIFY_FAIL, "SETUP.BIN is missing");
	else if (!root->file.slot && root->file.nt)
		verify_say(out, VERIFY_FAIL, "SETUP.BIN is marked as a lower-case name");
	else if (!root->file.slot)
		verify_say(out, VERIFY_PASS, "entry 0 is SETUP.BIN, in capitals");
	else if (root->first_deleted)
		verify_say(out, VERIFY_FAIL, "entry 0 is a deleted file, SETUP.BIN is entry %u",
			   root->file.slot);
	else if (root->first_attributes == FAT_LONG_NAME)
		verify_say(out, VERIFY_FAIL, "entry 0 is a long name, SETUP.BIN is entry %u",
			   root->file.slot);
	else if (root->first_attributes & FAT_LABEL)
		verify_say(out, VERIFY_FAIL, "entry 0 is the volume's label, SETUP.BIN is entry %u",
			   root->file.slot);
	else
		verify_say(out, VERIFY_FAIL, "entry 0 is %s, SETUP.BIN is entry %u",
			   root->first_name, root->file.slot);
}

static void root_only(struct verify *v, struct verify_result *out)
{
	unsigned others = v->root.entries - v->root.found;

	if (others)
		verify_say(out, VERIFY_FAIL, "other entries: %u, for example %s",
			   others, v->root.other);
	else
		verify_say(out, VERIFY_PASS, "there is nothing else in the root directory");
	fix_others(v, out);
}

static void root_deleted(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->root.deleted ? VERIFY_FAIL : VERIFY_PASS, "deleted entries: %u",
		   v->root.deleted);
}

static void root_end(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->root.tail_dirty ? VERIFY_WARN : VERIFY_PASS,
		   "the directory is %szero after its last entry",
		   v->root.tail_dirty ? "not " : "");
}

static void root_attributes(struct verify *v, struct verify_result *out)
{
	uint8_t a = v->root.file.attributes;

	if (a & FAT_READ_ONLY && v->checked && !v->contents.consumable)
		verify_say(out, VERIFY_WARN, "attributes %02X: read-only, which is harmless: its "
			   "records are not consumed", a);
	else if (a & FAT_READ_ONLY)
		verify_say(out, VERIFY_FAIL, "attributes %02X: read-only, so firmware cannot mark "
			   "records as used", a);
	else if (a & (FAT_HIDDEN | FAT_SYSTEM))
		verify_say(out, VERIFY_FAIL, "attributes %02X: hidden or system file", a);
	else
		verify_say(out, a == FAT_ARCHIVE ? VERIFY_PASS : VERIFY_WARN, "attributes %02X%s",
			   a, a == FAT_ARCHIVE ? "" : ": 20 is usual");
}

/* ---- file ---- */

static void file_chain(struct verify *v, struct verify_result *out)
{
	if (!v->has_file)
		verify_say(out, VERIFY_FAIL, "%.200s", v->no_file);
	else
		verify_say(out, VERIFY_PASS, "all of its %llu bytes can be read",
			   (unsigned long long)v->file.size);
}

static void file_start(struct verify *v, struct verify_result *out)
{
	uint32_t wanted = v->v.g.type == FAT32 ? v->v.g.root_cluster + 1 : 2;
	uint32_t found = v->root.file.cluster;

	verify_say(out, found == wanted ? VERIFY_PASS : VERIFY_WARN, "begins at cluster %u%s",
		   found,
		   found == wanted ? ", the first one" :
				     ", not at the beginning of the volume, where some old BIOSes "
				     "expect it");
}

static void file_contiguous(struct verify *v, struct verify_result *out)
{
	verify_say(out, v->file.n_runs > 1 ? VERIFY_FAIL : VERIFY_PASS, v->file.n_runs > 1 ?
		   "fragmented: %zu pieces" : "in one piece", v->file.n_runs);
}

static void file_size(struct verify *v, struct verify_result *out)
{
	uint64_t n = v->file.size;

	if (n % SBIN_CHUNK)
		verify_say(out, VERIFY_FAIL, "%llu bytes: not a multiple of 512",
			   (unsigned long long)n);
	else if (n < 2 * SBIN_CHUNK)
		verify_say(out, VERIFY_FAIL, "%llu bytes: a header and a record have 1,024",
			   (unsigned long long)n);
	else
		verify_say(out, VERIFY_PASS, "%llu bytes", (unsigned long long)n);
}

static void file_slack(struct verify *v, struct verify_result *out)
{
	uint32_t cluster = fat_cluster_bytes(&v->v.g);
	uint64_t left = (cluster - v->file.size % cluster) % cluster, at;
	uint8_t b[FAT_SECTOR];

	if (!left || fatread_file_locate(&v->file, v->file.size - 1, &at, NULL)) {
		verify_say(out, VERIFY_PASS, "the last cluster is full");
		return;
	}
	for (at++; left; ) {
		size_t n = left < sizeof(b) ? (size_t)left : sizeof(b);

		if (!verify_read(v, at, b, n)) {
			verify_say(out, VERIFY_FAIL, "the bytes after its end cannot be read");
			return;
		}
		for (size_t i = 0; i < n; i++) {
			if (b[i]) {
				verify_say(out, VERIFY_WARN,
					   "the bytes after its end are not zero");
				return;
			}
		}
		at += n;
		left -= n;
	}
	verify_say(out, VERIFY_PASS, "zeros after its end");
}

/* ---- contents ---- */

static void contents_check(struct verify *v, struct verify_result *out)
{
	if (!v->checked || v->contents.errors)
		verify_say(out, VERIFY_FAIL, "%s", v->first_error[0] ? v->first_error :
			   "not a setup.bin file");
	else if (v->contents.warnings)
		verify_say(out, VERIFY_WARN, "%lu warning%s: %s", v->contents.warnings,
			   plural(v->contents.warnings), v->first_warning);
	else
		verify_say(out, VERIFY_PASS, "a sound setup.bin of version %u.%u",
			   v->contents.version.major, v->contents.version.minor);
}

static void contents_next(struct verify *v, struct verify_result *out)
{
	if (!v->contents.next)
		verify_say(out, VERIFY_FAIL,
			   "no record is left for the next machine (%u of %u used)",
			   v->contents.consumed, v->contents.records);
	else if (!v->contents.consumable)
		verify_say(out, VERIFY_PASS, "record %u is for every machine%s", v->contents.next,
			   v->contents.next_pid[0] ? "" : ", and holds no key");
	else
		verify_say(out, VERIFY_PASS, "record %u is next, PID %s; %u of %u are left",
			   v->contents.next,
			   v->contents.next_pid[0] ? v->contents.next_pid : "none",
			   v->contents.valid, v->contents.records);
}

static void contents_consume(struct verify *v, struct verify_result *out)
{
	bool no_write = v->in->read_only || v->root.file.attributes & FAT_READ_ONLY;

	if (!v->contents.consumable)
		verify_say(out, VERIFY_PASS, "its records are not consumed: every machine takes "
			   "record 1");
	else if (no_write)
		verify_say(out, VERIFY_FAIL,
			   "its records are consumed, but the stick or the file is "
			   "write-protected");
	else
		verify_say(out, VERIFY_PASS,
			   "its records are consumed one by one, and the stick is writable");
}

static void contents_records(struct verify *v, struct verify_result *out)
{
	double seconds = v->contents.post_seconds;
	char post[SBIN_POST_TEXT];

	sbin_post_text(seconds, post);
	verify_say(out, seconds > LONG_POST ? VERIFY_WARN : VERIFY_PASS,
		   "%u record%s: expect %s more in each machine's POST",
		   v->contents.records, plural(v->contents.records), post);
}

#define ANOTHER_FILE "make a new setup.bin, then: ukpu prepare %s setup.bin"

const struct verify_rule verify_volume_rules[] = {
	{ "fat", "fat-size", NEED_VOLUME, fat_size, NULL },
	{ "fat", "fat-copies", NEED_VOLUME, fat_copies, NULL },
	{ "fat", "fat-clean", NEED_VOLUME, fat_clean, NULL },
	{ "fat", "fat-chains", NEED_VOLUME, fat_chains, NULL },
	{ "fat", "fat-lost", NEED_VOLUME, fat_lost, NULL },
	{ "fat", "fat-bad", NEED_VOLUME, fat_bad, NULL },
	{ "fat", "fat-only", NEED_VOLUME, fat_only, NULL },
	{ "fat", "fat-tail", NEED_VOLUME, fat_tail, NULL },
	{ "root", "root-first", NEED_VOLUME, root_first, NULL },
	{ "root", "root-only", NEED_VOLUME, root_only, NULL },
	{ "root", "root-deleted", NEED_VOLUME, root_deleted, NULL },
	{ "root", "root-end", NEED_VOLUME, root_end, NULL },
	{ "root", "root-attributes", NEED_SETUP, root_attributes, NULL },
	{ "file", "file-chain", NEED_SETUP, file_chain, NULL },
	{ "file", "file-start", NEED_SETUP, file_start, NULL },
	{ "file", "file-contiguous", NEED_FILE, file_contiguous, NULL },
	{ "file", "file-size", NEED_FILE, file_size, ANOTHER_FILE },
	{ "file", "file-slack", NEED_FILE, file_slack, NULL },
	{ "contents", "contents-check", NEED_FILE, contents_check, ANOTHER_FILE },
	{ "contents", "contents-next", NEED_CONTENTS, contents_next, ANOTHER_FILE },
	{ "contents", "contents-consume", NEED_CONTENTS, contents_consume,
	  "move the stick's lock switch, or: ukpu repair %s" },
	{ "contents", "contents-records", NEED_CONTENTS, contents_records,
	  "split it: amt-setupbin split -n 2 setup.bin" },
	{ NULL, NULL, NEED_NOTHING, NULL, NULL },
};
