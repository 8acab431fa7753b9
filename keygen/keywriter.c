/* Writing key lists: CSV, text and JSON. */
#include "keygen/keywriter.h"

#include <string.h>

#include "common/secret.h"

const char *const keylist_formats[] = {
	[KEYLIST_CSV] = "csv", [KEYLIST_TEXT] = "text", [KEYLIST_JSON] = "json", NULL,
};

int keylist_format_parse(const char *name, enum keylist_format *out)
{
	for (int i = 0; keylist_formats[i]; i++) {
		if (strcmp(name, keylist_formats[i]) == 0) {
			*out = (enum keylist_format)i;
			return 0;
		}
	}
	return KIT_ERR_ARGUMENT;
}

/* A line being put together. Every character of a password may take two places. */
struct line {
	char text[512];
	size_t at;
};

static void add(struct line *l, const char *s)
{
	size_t n = strlen(s);

	memcpy(l->text + l->at, s, n);
	l->at += n;
}

/* Add S with QUOTE and ESCAPE before each character that is one of SPECIAL. */
static void add_escaped(struct line *l, const char *s, const char *special, char escape)
{
	for (; *s; s++) {
		if (strchr(special, *s))
			l->text[l->at++] = escape ? escape : *s;
		l->text[l->at++] = *s;
	}
}

static void add_csv(struct line *l, const char *s)
{
	if (!strpbrk(s, "\",; ")) {
		add(l, s);
		return;
	}
	add(l, "\"");
	add_escaped(l, s, "\"", 0);
	add(l, "\"");
}

static void add_member(struct line *l, const char *name, const char *s)
{
	add(l, name);
	add_escaped(l, s, "\"\\", '\\');
	add(l, "\"");
}

int keywriter_begin(struct keywriter *w, struct outfile *file, enum keylist_format format,
		    struct fault *fault)
{
	static const char *const heads[] = {
		[KEYLIST_CSV] = "pid,pps,current_password,admin_password\n",
		[KEYLIST_TEXT] = "# PID PPS current-password new-password\n",
		[KEYLIST_JSON] = "[",
	};

	*w = (struct keywriter){ .file = file, .format = format };
	return outfile_write(file, heads[format], strlen(heads[format]), fault);
}

int keywriter_put(struct keywriter *w, const struct keyentry *e, struct fault *fault)
{
	struct line line = { .at = 0 };
	char shown[PPS_SHOWN + 1];
	int rc;

	switch (w->format) {
	case KEYLIST_CSV:
		add(&line, e->pair.pid);
		add(&line, ",");
		add(&line, e->pair.pps);
		add(&line, ",");
		add_csv(&line, e->current_password);
		add(&line, ",");
		add_csv(&line, e->new_password);
		add(&line, "\n");
		break;
	case KEYLIST_TEXT:
		/* A dash means none there. */
		if (strcmp(e->current_password, "-") == 0) {
			return fault_set(fault, KIT_ERR_UNFIT, "a list of format text cannot hold "
					 "the current password of PID %.4s-%.4s\n"
					 "choose the format csv or json", e->pair.pid,
					 e->pair.pid + 4);
		}
		pidpps_show_pid(e->pair.pid, shown);
		add(&line, shown);
		add(&line, " ");
		pidpps_show_pps(e->pair.pps, shown);
		add(&line, shown);
		add(&line, " ");
		add(&line, e->current_password[0] ? e->current_password : "-");
		add(&line, " ");
		add(&line, e->new_password[0] ? e->new_password : "-");
		add(&line, "\n");
		break;
	case KEYLIST_JSON:
		add_member(&line, w->entries ? ",\n {\"pid\": \"" : "\n {\"pid\": \"", e->pair.pid);
		add_member(&line, ", \"pps\": \"", e->pair.pps);
		if (e->current_password[0])
			add_member(&line, ", \"current_password\": \"", e->current_password);
		if (e->new_password[0])
			add_member(&line, ", \"admin_password\": \"", e->new_password);
		add(&line, "}");
		break;
	}
	rc = outfile_write(w->file, line.text, line.at, fault);
	if (!rc)
		w->entries++;
	secret_wipe(&line, sizeof(line));
	secret_wipe(shown, sizeof(shown));
	return rc;
}

int keywriter_end(struct keywriter *w, struct fault *fault)
{
	if (w->format != KEYLIST_JSON)
		return 0;
	return outfile_write(w->file, "\n]\n", 3, fault);
}
