/* amt-keygen generate: pairs into the key map first, then into files. */
#include "keygen/cli/amt-keygen.h"

#include <inttypes.h>
#include <string.h>

#include "keygen/keywriter.h"
#include "common/clock.h"
#include "common/progress.h"
#include "common/secret.h"
#include "server/keymap/keymap.h"
#include "server/keymap/pairs.h"
#include "setupbin/keyoutput.h"

#define MOST_PAIRS	10000000

struct generate_options {
	uint64_t number;
	const char *list, *map, *key_file, *setupbin, *file_version;
	const char *current_password_file, *new_password_file;
	enum keylist_format format;
	bool random_passwords, force;
};

static const struct cli_option options[] = {
	CLI_NUMBER('n', "number", struct generate_options, number, "N", 1, MOST_PAIRS,
		   "how many pairs to make (1 to 10000000)", .flags = CLI_REQUIRED),
	CLI_TEXT('o', "output", struct generate_options, list, "FILE",
		 "write the pairs to FILE as a list ('-': standard output)", .flags = CLI_FILE),
	CLI_CHOICE('f', "format", struct generate_options, format, "FORMAT", keylist_formats,
		   "of that list: csv (default), text or json"),
	CLI_TEXT(0, "map", struct generate_options, map, "DB",
		 "commit the pairs to the server's key map DB, made if absent", .flags = CLI_FILE),
	CLI_TEXT(0, "key-file", struct generate_options, key_file, "FILE",
		 "the map's key file (default DB.key)", .flags = CLI_FILE),
	CLI_TEXT(0, "setupbin", struct generate_options, setupbin, "FILE",
		 "write the pairs to FILE as a setup.bin", .flags = CLI_FILE),
	CLI_TEXT(0, "file-version", struct generate_options, file_version, "V",
		 "of the setup.bin: 1.0, 2.0, 2.1 (default), 3.0 or 4.0"),
	CLI_TEXT(0, "current-password-file", struct generate_options, current_password_file, "FILE",
		 "the MEBx password the machines have now (default: the factory's)",
		 .flags = CLI_FILE),
	CLI_TEXT(0, "new-password-file", struct generate_options, new_password_file, "FILE",
		 "the MEBx password that all machines get", .flags = CLI_FILE, .exclusive = 1),
	CLI_FLAG(0, "random-passwords", struct generate_options, random_passwords,
		 "give each machine a MEBx password of its own", .exclusive = 1),
	CLI_FLAG(0, "force", struct generate_options, force, "replace files that exist",
		 .flags = CLI_WHOLE),
	{ 0 },
};

struct generation {
	struct cli *cli;
	const struct generate_options *options;
	struct keyentry common;		/* the passwords that all share; SECRET */
	struct pidpps_generator *generator;
	struct keymap *map;
	int64_t batch;
	struct keyoutput output;	/* SECRET */
};

static int read_options(struct generation *job, struct fault *fault)
{
	const struct generate_options *o = job->options;
	const char *current = o->current_password_file, *new_file = o->new_password_file;
	const char *rule = NULL;
	int rc;

	job->output = (struct keyoutput){
		/* The default is standard output. */
		.list_path = o->list || o->map || o->setupbin ? o->list : "-",
		.format = o->format, .hold = o->map, .setupbin_path = o->setupbin,
		.force = o->force,
	};
	if (o->key_file && !o->map)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--key-file goes with --map");
	rc = keyoutput_check(&job->output, o->file_version, fault);
	if (rc)
		return rc;
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
	if (o->setupbin && !new_file && !o->random_passwords &&
	    (!current || strcmp(job->common.current_password, PASSWORD_FACTORY) == 0)) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "machines with the factory's MEBx "
				 "password take a setup.bin only with a new one\n"
				 "give --new-password-file FILE or --random-passwords");
	}
	return 0;
}

static int open_all(struct generation *job, struct fault *fault)
{
	struct keymap_options how = { .key_file = job->options->key_file,
					  .flags = KEYMAP_CREATE };
	int rc;

	rc = pidpps_generator_new(&job->generator, fault);
	/* The files come first: a name that is taken must be known before keys are made. */
	if (!rc)
		rc = keyoutput_open(&job->output, (uint32_t)job->options->number, fault);
	if (!rc && job->options->map)
		rc = keymap_open(&job->map, job->options->map, &how, fault);
	if (!rc && job->map)
		rc = keymap_spared(job->map, job->output.list, fault);
	if (!rc && job->map)
		rc = keymap_spared(job->map, job->output.setupbin, fault);
	if (!rc && job->map)
		rc = keymap_begin(job->map, fault);
	if (!rc && job->map)
		rc = keymap_batch(job->map, "generate",
				  job->options->setupbin ? job->options->setupbin :
				  job->output.list_path ? job->output.list_path : "", clock_now(),
				  &job->batch, fault);
	return rc;
}

/* A new pair, in the open transaction of the map if there is one. */
static int make_pair(struct generation *job, struct keyentry *entry, struct fault *fault)
{
	int rc;

	do {
		*entry = job->common;
		rc = pidpps_generate(job->generator, &entry->pair, fault);
		if (!rc && job->options->random_passwords)
			rc = password_random(entry->new_password, fault);
		/* A PID that the map has already is drawn again. */
		if (!rc && job->map)
			rc = keymap_add(job->map, entry, job->batch, NULL, fault);
	} while (rc == KIT_ERR_DUPLICATE && !fault->code);
	return rc;
}

/* The same transaction marks what goes out: a key may be lost to a list, never go out twice. */
static int mark_pair(struct generation *job, const char *pid, struct fault *fault)
{
	struct keymap_pair pair;
	int rc;

	if (!job->map || (!job->output.list && !job->output.setupbin))
		return 0;
	rc = keymap_find(job->map, pid, clock_now(), &pair, fault);
	if (!rc)
		rc = keymap_mark_exported(job->map, pair.id, job->batch, fault);
	return rc;
}

static int make_all(struct generation *job, struct fault *fault)
{
	struct progress bar;
	struct keyentry entry;
	int rc = 0;

	progress_begin(&bar, "making pairs", job->options->number, false, job->cli->quiet);
	for (uint64_t i = 0; !rc && i < job->options->number; i++) {
		rc = make_pair(job, &entry, fault);
		if (!rc)
			rc = keyoutput_put(&job->output, &entry, fault);
		if (!rc)
			rc = mark_pair(job, entry.pair.pid, fault);
		if (i % 1024 == 0)
			progress_update(&bar, i);
	}
	progress_end(&bar);
	secret_wipe(&entry, sizeof(entry));
	return rc ? rc : keyoutput_end(&job->output, fault);
}

/*
 * The command that writes the same files from the map, with what it needs to be the same. A
 * setup.bin that is WRITTEN is left out: two of them would give the keys to machines twice.
 */
static void hint_export(const struct generation *job, bool written, struct fault *fault)
{
	const struct generate_options *o = job->options;
	const char *key_file = o->key_file, *version = written ? NULL : o->file_version;
	const char *format = o->format == KEYLIST_CSV ? NULL : keylist_formats[o->format];

	fault_hint(fault,
		   "write them with: amt-provisionctl keys export --map %s%s%s --batch %" PRId64
		   " --again%s%s%s%s%s%s",
		   job->options->map, key_file ? " --key-file " : "", key_file ? key_file : "",
		   job->batch, job->options->setupbin && !written ? " --setupbin FILE" : "",
		   version ? " --file-version " : "", version ? version : "",
		   job->output.list_path ? " -o FILE" : "", format ? " -f " : "",
		   format ? format : "");
}

/* The map is committed already: let the files appear, and say so if they cannot. */
static int commit_files(struct generation *job, struct fault *fault)
{
	int rc = keyoutput_commit(&job->output, fault);

	if (rc && job->map) {
		fault_context(fault,
			      "what was generated (%" PRIu64 ") is safe in the map, yet not all"
			      " the files are written",
			      job->options->number);
		hint_export(job, job->output.made_setupbin, fault);
	}
	return rc;
}

static void summary(const struct generation *job)
{
	const char *s = plural(job->options->number);

	if (job->map)
		cli_note(job->cli,
			 "%" PRIu64 " pair%s committed to the key map %s (batch %" PRId64 ")",
			 job->options->number, s, job->options->map, job->batch);
	if (job->options->setupbin)
		cli_note(job->cli, "%" PRIu64 " record%s written to %s (version %u.%u)",
			 job->options->number, s, job->options->setupbin, job->output.version.major,
			 job->output.version.minor);
	if (job->output.list_path && strcmp(job->output.list_path, "-") != 0)
		cli_note(job->cli, "%" PRIu64 " pair%s written to %s", job->options->number, s,
			 job->output.list_path);
	if (!job->map)
		cli_warn(job->cli, "no server knows these keys yet; import them before any machine"
			 " uses them (amt-provisionctl keys import)");
}

static int generate(struct cli *cli, const void *given)
{
	struct generation job = { .cli = cli, .options = given };
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
	keyoutput_discard(&job.output);
	keymap_close(&job.map);
	pidpps_generator_free(&job.generator);
	secret_wipe(&job, sizeof(job));
	return status;
}

const struct cli_verb keygen_generate = {
	.name = "generate",
	.operands = "",
	.summary = "make pairs; into the server's key map, a list, a setup.bin",
	.options = options,
	.options_size = sizeof(struct generate_options),
	.run = generate,
	.details =
		"With --map the pairs are committed to the server's key map first; only then do"
		" the files that -o and --setupbin name appear, and the keys in them are marked"
		" exported. Without --map the pairs go to -o, by default to standard output, and"
		" have to be imported into a server (amt-provisionctl keys import) before any"
		" machine uses them.\n"
		"Passwords are read from files (mode 0600) or, with '-', typed; never from the"
		" command line.",
	.examples =
		"amt-keygen generate -n 50 --map map.db --random-passwords --setupbin setup.bin\n"
		"amt-keygen generate -n 50 --new-password-file mebx.txt -o keys.csv\n"
		"amt-keygen generate -n 3 --format text",
};
