/* amt-keygen generate: pairs into the key map first, then into files. */
#include "keygen/cli/amt-keygen.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "keygen/keylist.h"
#include "common/progress.h"
#include "common/secret.h"
#include "server/keymap/keymap.h"
#include "setupbin/file.h"

#define MOST_PAIRS	10000000

const struct cli_option keygen_generate_options[] = {
	{ "number", 'n', "N", "how many pairs to make (1 to 10000000)", CLI_REQUIRED },
	{ "output", 'o', "FILE", "write the pairs to FILE as a list ('-': standard output)",
	  CLI_FILE },
	{ "format", 'f', "FORMAT", "of that list: csv (default), text or json" },
	{ "map", 0, "DB", "commit the pairs to the server's key map DB, made if absent", CLI_FILE },
	{ "key-file", 0, "FILE", "the map's key file (default DB.key)", CLI_FILE },
	{ "setupbin", 0, "FILE", "write the pairs to FILE as a setup.bin", CLI_FILE },
	{ "file-version", 0, "V", "of the setup.bin: 1.0, 2.0, 2.1 (default), 3.0 or 4.0" },
	{ "current-password-file", 0, "FILE",
	  "the MEBx password the machines have now (default: the factory's)", CLI_FILE },
	{ "new-password-file", 0, "FILE", "the MEBx password that all machines get", CLI_FILE, 1 },
	{ "random-passwords", 0, NULL, "give each machine a MEBx password of its own", 0, 1 },
	{ "force", 0, NULL, "replace files that exist" },
	{ 0 },
};

struct job {
	struct cli *cli;
	uint64_t number;
	struct keyentry common;		/* the passwords that all share; SECRET */
	bool random_passwords;
	const char *map_path, *list_path, *setupbin_path;
	enum keylist_format format;
	struct sbin_version version;

	struct pidpps_generator *generator;
	struct keymap *map;
	int64_t batch;
	struct outfile *list, *setupbin;
	struct keywriter list_writer;
	struct sbin_writer *setupbin_writer;
	uint8_t record[SBIN_CHUNK];	/* SECRET */
};

static int read_options(struct job *job, struct fault *fault)
{
	const char *current = cli_value(job->cli, "current-password-file");
	const char *new_file = cli_value(job->cli, "new-password-file");
	const char *format = cli_value(job->cli, "format");
	const char *version = cli_value(job->cli, "file-version");
	const char *rule = NULL;
	int rc;

	rc = cli_number(job->cli, "number", 1, MOST_PAIRS, &job->number, fault);
	if (rc)
		return rc;
	job->map_path = cli_value(job->cli, "map");
	job->list_path = cli_value(job->cli, "output");
	job->setupbin_path = cli_value(job->cli, "setupbin");
	job->random_passwords = cli_has(job->cli, "random-passwords");
	if (!job->map_path && !job->list_path && !job->setupbin_path)
		job->list_path = "-";
	if (format && keylist_format_parse(format, &job->format))
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--format: \"%s\" is none of csv, text, json", format);
	if (version && !job->setupbin_path)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version goes with --setupbin");
	if (sbin_version_parse(version ? version : "2.1", &job->version))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--file-version: \"%s\" is none of 1.0,"
				 " 2.0, 2.1, 3.0, 4.0", version);
	if (cli_has(job->cli, "key-file") && !job->map_path)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--key-file goes with --map");
	if (job->setupbin_path && strcmp(job->setupbin_path, "-") == 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--setupbin needs a file, not standard "
				 "output: its header is completed at the end");
	if (current) {
		rc = secret_read(current, "current MEBx password", job->common.current_password,
				 sizeof(job->common.current_password), fault);
		if (!rc && password_check_current(job->common.current_password, &rule))
			rc = fault_set(fault, KIT_ERR_FORMAT, "%s: current MEBx password: %s",
				       current, rule);
	}
	if (!rc && new_file) {
		rc = secret_read(new_file, "new MEBx password", job->common.new_password,
				 sizeof(job->common.new_password), fault);
		if (!rc && password_check_new(job->common.new_password, &rule))
			rc = fault_set(fault, KIT_ERR_FORMAT, "%s: new MEBx password: %s", new_file,
				       rule);
	}
	if (rc)
		return rc;
	if (job->setupbin_path && !new_file && !job->random_passwords &&
	    (!current || strcmp(job->common.current_password, PASSWORD_FACTORY) == 0)) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "machines with the factory's MEBx "
				 "password take a setup.bin only with a new one\n"
				 "give --new-password-file FILE or --random-passwords");
	}
	return 0;
}

static int open_all(struct job *job, struct fault *fault)
{
	struct keymap_options options = { .key_file = cli_value(job->cli, "key-file"),
					  .flags = KEYMAP_CREATE };
	unsigned flags = cli_has(job->cli, "force") ? OUTFILE_FORCE : 0;
	struct sbin_header header;
	int rc;

	rc = pidpps_generator_new(&job->generator, fault);
	/* The files come first: a name that is taken must be known before keys are made. */
	if (!rc && job->list_path) {
		rc = outfile_open(&job->list, job->list_path,
				  flags | (job->map_path ? OUTFILE_HOLD : 0), fault);
		if (!rc)
			rc = keywriter_begin(&job->list_writer, job->list, job->format, fault);
	}
	if (!rc && job->setupbin_path) {
		rc = outfile_open(&job->setupbin, job->setupbin_path, flags, fault);
		if (!rc)
			rc = outfile_distinct(job->setupbin, job->list, fault);
		if (!rc)
			rc = sbin_header_make(&header, job->version, 0, (uint32_t)job->number,
					      fault);
		if (!rc)
			rc = sbin_writer_open(&job->setupbin_writer, job->setupbin, &header, fault);
	}
	if (!rc && job->map_path)
		rc = keymap_open(&job->map, job->map_path, &options, fault);
	if (!rc && job->map)
		rc = keymap_spared(job->map, job->list, fault);
	if (!rc && job->map)
		rc = keymap_spared(job->map, job->setupbin, fault);
	if (!rc && job->map)
		rc = keymap_begin(job->map, fault);
	if (!rc && job->map)
		rc = keymap_batch(job->map, "generate",
				  job->setupbin_path ? job->setupbin_path :
				  job->list_path ? job->list_path : "", (int64_t)time(NULL),
				  &job->batch, fault);
	return rc;
}

/* A new pair, in the open transaction of the map if there is one. */
static int make_pair(struct job *job, struct keyentry *entry, struct fault *fault)
{
	int rc;

	do {
		*entry = job->common;
		rc = pidpps_generate(job->generator, &entry->pair, fault);
		if (!rc && job->random_passwords)
			rc = password_random(entry->new_password, fault);
		/* A PID that the map has already is drawn again. */
		if (!rc && job->map)
			rc = keymap_add(job->map, entry, job->batch, NULL, fault);
	} while (rc == KIT_ERR_DUPLICATE && !fault->code);
	return rc;
}

static int put_pair(struct job *job, const struct keyentry *entry, uint32_t number,
		    struct fault *fault)
{
	struct sbin_record record;
	int rc = 0;

	if (job->list)
		rc = keywriter_put(&job->list_writer, entry, fault);
	if (!rc && job->setupbin_writer) {
		sbin_record_init(&record, job->record, sizeof(job->record), number);
		rc = sbin_record_from_entry(&record, entry, false, fault);
		if (!rc)
			rc = sbin_writer_put(job->setupbin_writer, &record, fault);
	}
	return rc;
}

/* The same transaction marks what goes out: a key may be lost to a list, never go out twice. */
static int mark_pair(struct job *job, const char *pid, struct fault *fault)
{
	struct keymap_pair pair;
	int rc;

	if (!job->map || (!job->list && !job->setupbin))
		return 0;
	rc = keymap_find(job->map, pid, (int64_t)time(NULL), &pair, fault);
	if (!rc)
		rc = keymap_mark_exported(job->map, pair.id, job->batch, fault);
	return rc;
}

static int make_all(struct job *job, struct fault *fault)
{
	struct progress bar;
	struct keyentry entry;
	int rc = 0;

	progress_begin(&bar, "making pairs", job->number, false, job->cli->quiet);
	for (uint64_t i = 0; !rc && i < job->number; i++) {
		rc = make_pair(job, &entry, fault);
		if (!rc)
			rc = put_pair(job, &entry, (uint32_t)i + 1, fault);
		if (!rc)
			rc = mark_pair(job, entry.pair.pid, fault);
		if (i % 1024 == 0)
			progress_update(&bar, i);
	}
	progress_end(&bar);
	secret_wipe(&entry, sizeof(entry));
	if (!rc && job->list)
		rc = keywriter_end(&job->list_writer, fault);
	if (!rc && job->setupbin_writer)
		rc = sbin_writer_end(&job->setupbin_writer, fault);
	return rc;
}

/*
 * The command that writes the same files from the map, with what it needs to be the same. A
 * setup.bin that is WRITTEN is left out: two of them would give the keys to machines twice.
 */
static void tell_export(const struct job *job, bool written, struct fault *fault)
{
	const char *key_file = cli_value(job->cli, "key-file");
	const char *version = written ? NULL : cli_value(job->cli, "file-version");
	const char *format = cli_value(job->cli, "format");

	fault_hint(fault,
		   "write them with: amt-provisionctl keys export --map %s%s%s --batch %" PRId64
		   " --again%s%s%s%s%s%s",
		   job->map_path, key_file ? " --key-file " : "", key_file ? key_file : "",
		   job->batch, job->setupbin_path && !written ? " --setupbin FILE" : "",
		   version ? " --file-version " : "", version ? version : "",
		   job->list_path ? " -o FILE" : "", format ? " -f " : "", format ? format : "");
}

/* The map is committed already: let the files appear, and say so if they cannot. */
static int commit_files(struct job *job, struct fault *fault)
{
	bool written;
	int rc = 0;

	if (job->setupbin)
		rc = outfile_commit(&job->setupbin, fault);
	written = job->setupbin_path && !rc;
	if (!rc && job->list)
		rc = outfile_commit(&job->list, fault);
	if (rc && job->map) {
		fault_context(fault,
			      "what was generated (%" PRIu64 ") is safe in the map, yet not all"
			      " the files are written",
			      job->number);
		tell_export(job, written, fault);
	}
	return rc;
}

static void summary(const struct job *job)
{
	const char *s = plural(job->number);

	if (job->map)
		cli_note(job->cli,
			 "%" PRIu64 " pair%s committed to the key map %s (batch %" PRId64 ")",
			 job->number, s, job->map_path, job->batch);
	if (job->setupbin_path)
		cli_note(job->cli, "%" PRIu64 " record%s written to %s (version %u.%u)",
			 job->number, s, job->setupbin_path, job->version.major,
			 job->version.minor);
	if (job->list_path && strcmp(job->list_path, "-") != 0)
		cli_note(job->cli, "%" PRIu64 " pair%s written to %s", job->number, s,
			 job->list_path);
	if (!job->map)
		cli_warn(job->cli, "no server knows these keys yet; import them before any machine"
			 " uses them (amt-provisionctl keys import)");
}

int keygen_generate(struct cli *cli)
{
	struct job job = { .cli = cli };
	struct fault fault = { 0 };
	int rc, status = EXIT_YES;

	rc = read_options(&job, &fault);
	if (!rc)
		rc = open_all(&job, &fault);
	if (!rc)
		rc = make_all(&job, &fault);
	if (!rc && job.map)
		rc = keymap_commit(job.map, &fault);
	if (!rc)
		rc = commit_files(&job, &fault);
	if (rc)
		status = cli_fail(cli, &fault);
	else
		summary(&job);
	sbin_writer_discard(&job.setupbin_writer);
	outfile_discard(&job.list);
	outfile_discard(&job.setupbin);
	keymap_close(&job.map);
	pidpps_generator_free(&job.generator);
	secret_wipe(&job, sizeof(job));
	return status;
}
