/* amt-setupbin: opening files, and telling what the checker finds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "setupbin/cli/amt-setupbin.h"

int setupbin_file_open(struct setupbin_file *f, const char *path, struct fault *fault)
{
	bool standard = strcmp(path, "-") == 0;
	const char *name = standard ? "standard input" : path;
	int rc;

	f->fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (f->fd < 0)
		return fault_sys(fault, errno, "cannot open %s", path);
	rc = sbin_input_fd(&f->in, &f->state, f->fd, name, fault);
	if (rc)
		setupbin_file_close(f);
	return rc;
}

void setupbin_file_close(struct setupbin_file *f)
{
	if (f->fd > STDIN_FILENO)
		close(f->fd);
	f->fd = -1;
}

int setupbin_reader_open(struct setupbin_file *f, struct sbin_reader **reader, const char *path,
			 struct fault *fault)
{
	int rc = setupbin_file_open(f, path, fault);

	*reader = NULL;
	if (rc)
		return rc;
	rc = sbin_reader_open(reader, &f->in, fault);
	if (rc)
		setupbin_file_close(f);
	return rc;
}

void setupbin_reader_close(struct setupbin_file *f, struct sbin_reader **reader)
{
	sbin_reader_free(reader);
	setupbin_file_close(f);
}

void setupbin_print_finding(FILE *out, const struct sbin_finding *f)
{
	static const char *const words[] = {
		[SBIN_NOTE] = "note", [SBIN_WARNING] = "warning", [SBIN_ERROR] = "error",
	};

	fprintf(out, "%-7s  ", words[f->severity]);
	if (f->record != 0)
		fprintf(out, "record %lu", (unsigned long)f->record);
	else
		fputs("file", out);
	if (f->variable[0] != '\0')
		fprintf(out, ", %s", f->variable);
	fprintf(out, " (offset %llu): %s [%s]\n", (unsigned long long)f->offset, f->text, f->rule);
	if (f->hint[0] != '\0')
		fprintf(out, "         %s\n", f->hint);
}

/* The first findings of a new file; a file of bad records must not fill the terminal. */
#define SHOWN 20

struct telling {
	bool quiet;
	unsigned long shown, left_out;
};

static void print_finding(void *context, const struct sbin_finding *f)
{
	struct telling *t = context;

	if (t->quiet && f->severity != SBIN_ERROR)
		return;
	if (t->shown++ < SHOWN)
		setupbin_print_finding(stderr, f);
	else
		t->left_out++;
}

void setupbin_show_findings(struct cli *cli, const char *path)
{
	struct telling t = { .quiet = cli->quiet };
	struct sbin_summary summary;
	struct fault fault = { 0 };
	struct setupbin_file f;

	if (setupbin_file_open(&f, path, &fault) != 0)
		return;
	if (sbin_check(&f.in, print_finding, &t, &summary, &fault) != 0 && fault.code != 0)
		cli_warn(cli, "the new file could not be checked: %s", fault.what);
	else if (t.left_out != 0)
		cli_warn(cli, "%lu more findings: amt-setupbin check %s", t.left_out, path);
	setupbin_file_close(&f);
}

void setupbin_add_module(struct sbin_header *h, uint16_t module)
{
	uint16_t modules[SBIN_HEADER_MODULES];
	struct sbin_header again = *h;
	size_t n = 0;

	while (n < SBIN_HEADER_MODULES && (modules[n] = get_le16(h->rest + 2 * n)) != 0) {
		if (modules[n] == module)
			return;
		n++;
	}
	/* A list with something behind it stays as it is: who knows what that is. */
	if (n >= SBIN_HEADER_MODULES || sbin_header_set_modules(&again, modules, n) != 0 ||
	    memcmp(again.rest, h->rest, sizeof(h->rest)) != 0)
		return;
	modules[n++] = module;
	sbin_header_set_modules(h, modules, n);
}
