/* amt-setupbin: what its verbs share. */
#ifndef SETUPBIN_CLI_AMT_SETUPBIN_H
#define SETUPBIN_CLI_AMT_SETUPBIN_H

#include "common/cli.h"
#include "setupbin/check.h"
#include "setupbin/varlist.h"

extern const struct cli_verb setupbin_create, setupbin_show, setupbin_check, setupbin_next,
	setupbin_variables, setupbin_edit, setupbin_split, setupbin_merge, setupbin_compact;

/* A setup.bin named on the command line; "-" is standard input. */
struct setupbin_file {
	int fd;
	struct sbin_fd_input state;
	struct sbin_input in;
};
int setupbin_file_open(struct setupbin_file *f, const char *path, struct fault *fault);
void setupbin_file_close(struct setupbin_file *f);

/* The same with a reader on it; both are closed by setupbin_reader_close(). */
int setupbin_reader_open(struct setupbin_file *f, struct sbin_reader **reader, const char *path,
			 struct fault *fault);
void setupbin_reader_close(struct setupbin_file *f, struct sbin_reader **reader);

/* Print a finding as a line for people (and what to do), to stdout or stderr. */
void setupbin_print_finding(FILE *out, const struct sbin_finding *f);
/* Print what the checker says of the file that was just written; with --quiet errors only. */
void setupbin_show_findings(struct cli *cli, const char *path);

/* Make sure that the header's list has MODULE, when it is a plain list with room. */
void setupbin_add_module(struct sbin_header *h, uint16_t module);

/* Variables given as --set NAME=VALUE, with their values (SECRET, some of them). */
struct setupbin_set {
	struct sbin_varlist list;
	uint8_t **values;
	size_t count;
	uint8_t cert_algorithm;		/* for certificate files: 1 SHA-1, 2 SHA-256 */
	bool not_a_root;		/* take the first certificate of a file */
	const struct cli *cli;		/* for notes about certificates */
};
void setupbin_set_begin(struct setupbin_set *s, struct sbin_version version, bool not_a_root,
			const struct cli *cli);
/* "NAME=VALUE", "NAME=@FILE" (and only that for secrets), "MODULE/ID=hex:...". */
int setupbin_set_parse(struct setupbin_set *s, const char *text, struct fault *fault);
/* One variable by its name and value, as if given by --set. */
int setupbin_set_put(struct setupbin_set *s, const char *name, const char *value,
		     struct fault *fault);
/* A variable as it is; its value is copied. */
int setupbin_set_keep(struct setupbin_set *s, const struct sbin_variable *v,
		      struct fault *fault);
/* Take it out again, as often as it is there; returns how often that was. */
size_t setupbin_set_remove(struct setupbin_set *s, uint16_t module, uint16_t id);
/* A name as --set has it, to ids. KIT_ERR_NOT_FOUND. */
int setupbin_variable_named(const char *name, uint16_t *module, uint16_t *id,
			    struct fault *fault);
void setupbin_set_free(struct setupbin_set *s);

#endif
