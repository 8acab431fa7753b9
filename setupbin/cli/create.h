/* amt-setupbin create: what is to be made, as the options and profiles say. */
#ifndef SETUPBIN_CLI_CREATE_H
#define SETUPBIN_CLI_CREATE_H

#include "setupbin/cli/amt-setupbin.h"
#include "setupbin/json.h"

struct create_options {
	const char *output, *keys, *json, *dns_suffix, *server_fqdn, *server, *file_version;
	const char *current_password_file, *new_password_file;
	struct cli_list set, cert, columns, no;
	uint64_t port, chunks;
	bool psk, pki, bare_metal, halt, no_public_roots, no_consume, not_a_root, scramble, force;
};

struct creation {
	struct cli *cli;
	const struct create_options *options;
	struct sbin_header header;
	bool scramble;
	struct setupbin_set set;	/* variables for every record; SECRET, some */

	struct outfile *out;
	struct sbin_writer *writer;
	struct sbin_varlist list;	/* the variables of the record at hand */
	bool has_current, has_new;	/* which passwords of the entry are in it */
	uint8_t *record;		/* SECRET */
	size_t record_size;
	unsigned long records, bad, skipped;
};

/* Read the options: profile, version, variables. Returns 0 or a negative code. */
int setupbin_creation_options(struct creation *c, struct fault *fault);
/* Wipes and frees what the options made. */
void setupbin_creation_free(struct creation *c);

#endif
