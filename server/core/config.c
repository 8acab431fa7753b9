/* The server's configuration file: a table of options, read through inih. */
#include "server/core/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ini.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cli.h"
#include "common/hostname.h"
#include "common/secret.h"
#include "server/core/dns.h"
#include "server/core/subnets.h"

enum kind { TEXT, NUMBER, FLAG, CHOICE, ADDRESSES, NAME_SERVERS, SUBNETS, DEFAULTS };

struct option {
	const char *section;
	const char *name;
	enum kind kind;
	size_t offset;		/* in struct config */
	const char *initial;
	uint64_t min, max;	/* of NUMBER */
	const char *words;	/* of CHOICE: "first|second", the enum's order */
};

#define AT(field) offsetof(struct config, field)
#define DAY 86400

static const struct option options[] = {
	{ "server", "map", TEXT, AT(map), "/var/lib/amt-provision/map.db", 0, 0, NULL },
	{ "server", "key_file", TEXT, AT(key_file), "", 0, 0, NULL },
	{ "server", "listen", ADDRESSES, AT(listen), "0.0.0.0:9971, [::]:9971", 0, 0, NULL },
	{ "server", "page", FLAG, AT(page), "yes", 0, 0, NULL },
	{ "server", "log_keep", NUMBER, AT(log_keep), "1000000", 1000, 1000000000, NULL },
	{ "limits", "max_connections", NUMBER, AT(max_connections), "5000", 1, 1000000, NULL },
	{ "limits", "connections_per_address", NUMBER, AT(connections_per_address), "64",
	  1, 1000000, NULL },
	{ "limits", "hellos_per_minute", NUMBER, AT(hellos_per_minute), "60", 1, 100000000,
	  NULL },
	{ "limits", "hello_seconds", NUMBER, AT(hello_seconds), "10", 1, 3600, NULL },
	{ "limits", "max_unproved", NUMBER, AT(max_unproved), "10000", 0, 100000000, NULL },
	{ "keys", "reserve_seconds", NUMBER, AT(reserve_seconds), "900", 1, 30 * DAY, NULL },
	{ "keys", "reprovision", CHOICE, AT(reprovision), "allowed", 0, 0,
	  "allowed|same-uuid|never" },
	{ "keys", "unknown_uuid", CHOICE, AT(unknown_uuid), "accept", 0, 0, "accept|refuse" },
	{ "setup", "callback_port", NUMBER, AT(callback_port), "16993", 1, 65535, NULL },
	{ "setup", "connect_seconds", NUMBER, AT(connect_seconds), "15", 1, 600, NULL },
	{ "setup", "answer_seconds", NUMBER, AT(answer_seconds), "30", 1, 600, NULL },
	{ "setup", "setup_seconds", NUMBER, AT(setup_seconds), "600", 1, DAY, NULL },
	{ "setup", "check_after_commit", CHOICE, AT(check_after_commit), "random", 0, 0,
	  "no|random|any" },
	{ "setup", "management_port", NUMBER, AT(management_port), "16992", 1, 65535, NULL },
	{ "setup", "key_pair_seconds", NUMBER, AT(key_pair_seconds), "10", 1, 60, NULL },
	{ "setup", "max_setups", NUMBER, AT(max_setups), "500", 0, 100000, NULL },
	{ "setup", "retry_first_seconds", NUMBER, AT(retry_first_seconds), "60", 1, 30 * DAY,
	  NULL },
	{ "setup", "retry_max_seconds", NUMBER, AT(retry_max_seconds), "3600", 1, 30 * DAY,
	  NULL },
	{ "setup", "retry_limit", NUMBER, AT(retry_limit), "20", 0, 1000000, NULL },
	{ "setup", "default_profile", DEFAULTS, AT(default_profile), PROFILE_DEFAULT, 0, 0,
	  NULL },
	{ "names", "fqdn_required", FLAG, AT(fqdn_required), "yes", 0, 0, NULL },
	{ "names", "dns_fallback", FLAG, AT(dns_fallback), "no", 0, 0, NULL },
	{ "names", "dns_servers", NAME_SERVERS, AT(dns_servers), "", 0, 0, NULL },
	{ "names", "dns_seconds", NUMBER, AT(dns_seconds), "5", 1, 600, NULL },
	{ "script", "use_props_script", FLAG, AT(use_props_script), "no", 0, 0, NULL },
	{ "script", "props_script", TEXT, AT(props_script), "", 0, 0, NULL },
	{ "script", "props_script_timeout", NUMBER, AT(props_script_timeout), "180", 0, DAY,
	  NULL },
	{ "script", "props_script_parallel", NUMBER, AT(props_script_parallel), "10", 1, 1000,
	  NULL },
	{ "certificates", "folder", TEXT, AT(certificates_folder),
	  KIT_SYSCONFDIR "/amt-provision/certificates", 0, 0, NULL },
	{ "certificates", "machine_authority", TEXT, AT(machine_authority),
	  KIT_SYSCONFDIR "/amt-provision/machine-authority.pem", 0, 0, NULL },
	{ "certificates", "serve_expired", FLAG, AT(serve_expired), "no", 0, 0, NULL },
	{ "pki", "accept", CHOICE, AT(pki_accept), "known", 0, 0, "known|subnet|any" },
	{ "pki", "subnets", SUBNETS, AT(pki_subnets), "", 0, 0, NULL },
	{ "pki", "suffix", TEXT, AT(pki_suffix), "", 0, 0, NULL },
	{ "pki", "try_unlisted", FLAG, AT(try_unlisted), "no", 0, 0, NULL },
	{ "pki", "stick_password_file", TEXT, AT(stick_password_file), "", 0, 0, NULL },
	{ "pki", "ondie_roots", TEXT, AT(ondie_roots), "", 0, 0, NULL },
	{ "metrics", "metrics_listen", ADDRESSES, AT(metrics_listen), "off", 0, 0, NULL },
	{ "metrics", "metrics_remote", FLAG, AT(metrics_remote), "no", 0, 0, NULL },
};
#define N_OPTIONS (sizeof(options) / sizeof(*options))

/* Options of earlier releases: read for one release more, with a warning. */
static const struct retired {
	const char *section, *name;
	const char *refused;	/* the value that cannot be done without a word; or NULL */
	const char *why;
} retired[] = {
	{ "limits", "hello_bytes", NULL, "a hello has at most 1675 bytes" },
	{ "keys", "consume", "on-hello", "a key is used up when its machine has proved it; with "
	  "\"on-hello\" any peer that said hello could use up the keys of others" },
	{ "setup", "answer_bytes", NULL, "an answer has at most 64 KiB" },
};
#define N_RETIRED (sizeof(retired) / sizeof(*retired))

static int set_text(char *out, const char *value, struct fault *fault)
{
	if (strlen(value) >= CONFIG_TEXT)
		return fault_set(fault, KIT_ERR_ARGUMENT, "the value is longer than %d bytes",
				 CONFIG_TEXT - 1);
	strcpy(out, value);
	return 0;
}

static int set_number(uint64_t *out, const char *value, const struct option *o,
		      struct fault *fault)
{
	char *end = NULL;
	uint64_t v;

	errno = 0;
	v = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end != '\0' || errno)
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not a whole number", value);
	if (v < o->min || v > o->max)
		return fault_set(fault, KIT_ERR_ARGUMENT, "%s is not within %llu to %llu", value,
				 (unsigned long long)o->min, (unsigned long long)o->max);
	*out = v;
	return 0;
}

static int set_flag(bool *out, const char *value, struct fault *fault)
{
	if (strcasecmp(value, "yes") == 0)
		*out = true;
	else if (strcasecmp(value, "no") == 0)
		*out = false;
	else
		return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is neither yes nor no", value);
	return 0;
}

static int set_choice(int *out, const char *value, const char *words, struct fault *fault)
{
	size_t n = strlen(value);
	int i = 0;

	for (const char *w = words; w; w = strchr(w, '|') ? strchr(w, '|') + 1 : NULL, i++)
		if (n && strncmp(w, value, n) == 0 && (w[n] == '|' || w[n] == '\0')) {
			*out = i;
			return 0;
		}
	return fault_set(fault, KIT_ERR_ARGUMENT, "\"%s\" is not one of %s", value, words);
}

/* "127.0.0.1:9971" or "[::1]:9971". */
static int set_address(struct config_address *a, const char *text, struct fault *fault)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a->address;
	const char *colon = strrchr(text, ':');
	char host[64], *end = NULL;
	unsigned long port;
	size_t n;

	memset(a, 0, sizeof(*a));
	if (!colon || colon == text || (size_t)(colon - text) >= sizeof(host) ||
	    strlen(text) >= sizeof(a->text))
		goto bad;
	strcpy(a->text, text);
	n = (size_t)(colon - text);
	memcpy(host, text, n);
	host[n] = '\0';
	port = strtoul(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		goto bad;
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
			goto bad;
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		a->length = sizeof(*v6);
	} else {
		if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
			goto bad;
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		a->length = sizeof(*v4);
	}
	return 0;
bad:
	return fault_set(fault, KIT_ERR_ARGUMENT,
			 "\"%s\" is not an address with a port, such as 0.0.0.0:9971 or [::]:9971",
			 text);
}

static int set_addresses(struct config_addresses *out, const char *value, struct fault *fault)
{
	struct config_addresses list = { .count = 0 };
	char copy[CONFIG_TEXT], *save = NULL;
	int rc;

	rc = set_text(copy, value, fault);
	if (rc)
		return rc;
	if (strcasecmp(value, "off") == 0) {
		*out = list;
		return 0;
	}
	for (char *p = strtok_r(copy, ", \t", &save); p; p = strtok_r(NULL, ", \t", &save)) {
		if (list.count == CONFIG_LISTEN)
			return fault_set(fault, KIT_ERR_ARGUMENT, "more than %d addresses",
					 CONFIG_LISTEN);
		rc = set_address(&list.at[list.count], p, fault);
		if (rc)
			return rc;
		list.count++;
	}
	if (list.count == 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "the list is empty\n"
				 "name an address with a port, or \"off\" for none");
	*out = list;
	return 0;
}

/* Part I of LIST between commas, without spaces at its ends; false: there are no more. */
static bool nth_part(const char *list, size_t i, char *out, size_t size)
{
	size_t n;

	for (; i > 0 && list; i--)
		list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL;
	if (!list)
		return false;
	list += strspn(list, " \t");
	n = strcspn(list, ",");
	while (n && (list[n - 1] == ' ' || list[n - 1] == '\t'))
		n--;
	snprintf(out, size, "%.*s", (int)n, list);
	return true;
}

int config_default(const char *list, size_t i, struct config_default *out, struct fault *fault)
{
	char part[CONFIG_TEXT];
	struct profile p;
	size_t name;
	int rc;

	if (!nth_part(list, i, part, sizeof(part)))
		return KIT_ERR_NOT_FOUND;
	memset(out, 0, sizeof(*out));
	name = strcspn(part, " \t");
	out->ranged = part[name] != '\0';
	part[name] = '\0';
	rc = profile_init(&p, part, fault);
	if (!rc && out->ranged)
		rc = profile_set(&p, "amt_versions",
				 part + name + 1 + strspn(part + name + 1, " \t"), fault);
	if (rc)
		return rc;
	strcpy(out->profile, p.name);
	out->versions = p.versions;
	return 0;
}

static int check_defaults(const char *value, struct fault *fault)
{
	struct config_default d;
	int rc = 0;

	for (size_t i = 0; !rc; i++)
		rc = config_default(value, i, &d, fault);
	return rc == KIT_ERR_NOT_FOUND ? 0 : rc;
}

static int set_option(struct config *c, const struct option *o, const char *value,
		      struct fault *fault)
{
	void *field = (char *)c + o->offset;
	int rc;

	switch (o->kind) {
	case TEXT:
		return set_text(field, value, fault);
	case NUMBER:
		return set_number(field, value, o, fault);
	case FLAG:
		return set_flag(field, value, fault);
	case CHOICE:
		return set_choice(field, value, o->words, fault);
	case ADDRESSES:
		return set_addresses(field, value, fault);
	case NAME_SERVERS:
		rc = dns_check(value, fault);
		return rc ? rc : set_text(field, value, fault);
	case SUBNETS:
		rc = subnets_check(value, fault);
		return rc ? rc : set_text(field, value, fault);
	case DEFAULTS:
		rc = check_defaults(value, fault);
		return rc ? rc : set_text(field, value, fault);
	}
	return KIT_ERR_ARGUMENT;
}

static const struct option *find_option(const char *name)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strcmp(options[i].name, name) == 0)
			return &options[i];
	return NULL;
}

static const struct retired *find_retired(const char *name)
{
	for (size_t i = 0; i < N_RETIRED; i++)
		if (strcmp(retired[i].name, name) == 0)
			return &retired[i];
	return NULL;
}

static int note_retired(struct config *c, const struct retired *r, const char *value,
			struct fault *fault)
{
	c->retired |= 1u << (r - retired);
	if (!r->refused || strcmp(value, r->refused) != 0)
		return 0;
	return fault_set(fault, KIT_ERR_ARGUMENT, "%s = %s is not supported any more: %s\n"
			 "remove the option", r->name, value, r->why);
}

int config_warning(const struct config *c, size_t i, char out[static CONFIG_WARNING])
{
	for (size_t k = 0; k < N_RETIRED; k++) {
		const struct retired *r = &retired[k];

		if (!(c->retired & 1u << k) || i-- > 0)
			continue;
		snprintf(out, CONFIG_WARNING, "option %s has no effect any more (%s), and the next "
			 "release refuses it: remove it", r->name, r->why);
		return 0;
	}
	return KIT_ERR_NOT_FOUND;
}

void config_init(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_OPTIONS; i++)
		set_option(c, &options[i], options[i].initial, NULL);
}

int config_set(struct config *c, const char *name, const char *value, struct fault *fault)
{
	const struct option *o = find_option(name);
	int rc;

	if (!o) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "unknown option \"%.64s\"\n"
				 "see the list in amt-provisiond.conf(5)", name);
	}
	rc = set_option(c, o, value, fault);
	if (rc)
		fault_context(fault, "option %s", name);
	return rc;
}

int config_restore(struct config *c, const char *name, const char *value, struct fault *fault)
{
	const struct retired *r = find_retired(name);

	return r ? note_retired(c, r, value, fault) : config_set(c, name, value, fault);
}

static void get_choice(char *out, size_t size, const char *words, int at)
{
	while (at-- > 0)
		words = strchr(words, '|') + 1;
	snprintf(out, size, "%.*s", (int)strcspn(words, "|"), words);
}

int config_get(const struct config *c, size_t i, const char **section, const char **name,
	       char *out, size_t size)
{
	const struct option *o = &options[i];
	const struct config_addresses *list;
	const void *field;
	size_t at = 0;

	if (i >= N_OPTIONS)
		return KIT_ERR_NOT_FOUND;
	field = (const char *)c + o->offset;
	*section = o->section;
	*name = o->name;
	switch (o->kind) {
	case TEXT:
	case NAME_SERVERS:
	case SUBNETS:
	case DEFAULTS:
		snprintf(out, size, "%s", (const char *)field);
		break;
	case NUMBER:
		snprintf(out, size, "%llu", (unsigned long long)*(const uint64_t *)field);
		break;
	case FLAG:
		snprintf(out, size, "%s", *(const bool *)field ? "yes" : "no");
		break;
	case CHOICE:
		get_choice(out, size, o->words, *(const int *)field);
		break;
	case ADDRESSES:
		list = field;
		snprintf(out, size, "%s", list->count ? "" : "off");
		for (size_t k = 0; k < list->count && at < size; k++)
			at += (size_t)snprintf(out + at, size - at, "%s%s", k ? ", " : "",
					       list->at[k].text);
		break;
	}
	return 0;
}

const struct profile *config_profile(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->n_profiles; i++)
		if (strcmp(c->profiles[i].name, name) == 0)
			return &c->profiles[i];
	return NULL;
}

/* What the callbacks of inih share while a text is read. */
struct parse {
	struct config *config;
	const char *next, *end;		/* text not yet read */
	unsigned long line;		/* of the text, the last one read, from 1 */
	bool given[N_OPTIONS];
	struct fault *fault;
	int error;			/* the first; nothing is taken after it */
};

/* inih asks for a line as fgets() gives it. */
static char *next_line(char *out, int size, void *stream)
{
	struct parse *p = stream;
	const char *end = memchr(p->next, '\n', (size_t)(p->end - p->next));
	size_t n = (size_t)((end ? end + 1 : p->end) - p->next);

	if (n == 0 || p->error)
		return NULL;
	if (n > (size_t)size - 1)	/* cannot be: lengths were checked */
		n = (size_t)size - 1;
	memcpy(out, p->next, n);
	out[n] = '\0';
	p->next += n;
	p->line++;
	return out;
}

static struct profile *section_profile(struct config *c, const char *name, struct fault *fault)
{
	struct profile *p = (struct profile *)config_profile(c, name);

	if (p)
		return p;
	if (c->n_profiles == CONFIG_PROFILES) {
		fault_set(fault, KIT_ERR_RANGE, "more than %d profiles", CONFIG_PROFILES);
		return NULL;
	}
	p = &c->profiles[c->n_profiles];
	if (profile_init(p, name, fault))
		return NULL;
	c->n_profiles++;
	return p;
}

static int take(struct parse *p, const char *section, const char *name, const char *value)
{
	const struct option *o = find_option(name);
	const struct retired *r = find_retired(name);
	struct profile *profile;
	int rc;

	if (strncmp(section, "profile ", 8) == 0) {
		profile = section_profile(p->config, section + 8, p->fault);
		return profile ? profile_set(profile, name, value, p->fault) : p->fault->code;
	}
	if (!*section) {
		fault_set(p->fault, KIT_ERR_FORMAT, "option %s comes before the first section",
			  name);
		return o ? fault_hint(p->fault, "put it below a line [%s]", o->section)
			 : fault_hint(p->fault, "see the sections and their options in "
				      "amt-provisiond.conf(5)");
	}
	if (r && strcmp(r->section, section) == 0)
		return note_retired(p->config, r, value, p->fault);
	if (!o) {
		return fault_set(p->fault, KIT_ERR_FORMAT, "unknown option \"%s\" in section "
				 "[%s]\n"
				 "see the list in amt-provisiond.conf(5)", name, section);
	}
	if (strcmp(o->section, section) != 0)
		return fault_set(p->fault, KIT_ERR_FORMAT,
				 "option %s belongs to section [%s], not [%s]", name,
				 o->section, section);
	if (p->given[o - options])
		return fault_set(p->fault, KIT_ERR_DUPLICATE, "option %s is given twice", name);
	p->given[o - options] = true;
	rc = set_option(p->config, o, value, p->fault);
	if (rc)
		fault_context(p->fault, "option %s", name);
	return rc;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;

	if (!p->error)
		p->error = take(p, section, name, value);
	return p->error == 0;
}

/* Does the line of N bytes hold more than a section's name and a comment? */
static bool follows_section(const char *line, size_t n)
{
	const char *end = line[0] == '[' ? memchr(line, ']', n) : NULL;

	if (!end)
		return false;
	end++;
	end += strspn(end, " \t\r");
	return end < line + n && *end != ';' && *end != '#';
}

/* What inih would swallow in silence is refused before it sees it. */
static int check_lines(const char *text, size_t n, const char *name, struct fault *fault)
{
	unsigned long line = 1;

	for (size_t at = 0; at < n; line++) {
		const char *end = memchr(text + at, '\n', n - at);
		size_t length = end ? (size_t)(end - text) - at : n - at;

		if (length > CONFIG_LINE)
			return fault_set(fault, KIT_ERR_FORMAT,
					 "%s, line %lu: longer than %d bytes", name, line,
					 CONFIG_LINE);
		if (memchr(text + at, '\0', length))
			return fault_set(fault, KIT_ERR_FORMAT, "%s, line %lu: a NUL byte", name,
					 line);
		if ((text[at] == ' ' || text[at] == '\t') &&
		    strspn(text + at, " \t\r") < length) {
			return fault_set(fault, KIT_ERR_FORMAT, "%s, line %lu: begins with a "
					 "blank\n"
					 "a value goes on one line; remove the blanks", name, line);
		}
		if (follows_section(text + at, length))
			return fault_set(fault, KIT_ERR_FORMAT, "%s, line %lu: text follows the "
					 "section's name\n"
					 "put it on a line of its own", name, line);
		at += length + 1;
	}
	return 0;
}

int config_parse(struct config *c, const char *text, size_t n, const char *name,
		 struct fault *fault)
{
	struct fault local = { .code = 0 };
	struct parse p = { .config = c, .fault = &local };
	char *copy = NULL;
	int rc, bad;

	copy = calloc(1, n + 1);	/* with a NUL behind the text, for strspn() */
	if (!copy)
		return fault_nomem(fault);
	memcpy(copy, text, n);
	p.next = copy;
	p.end = copy + n;
	rc = check_lines(copy, n, name, fault);
	if (rc)
		goto out;
	bad = ini_parse_stream(next_line, &p, on_value, &p);
	/* inih names the first line that is wrong, and reads on behind one that it cannot read. */
	if (p.error && bad == (int)p.line) {
		rc = fault_set(fault, p.error, "%s, line %lu: %s", name, p.line, local.what);
		if (*local.hint)
			fault_hint(fault, "%s", local.hint);
	} else if (bad) {
		rc = fault_set(fault, KIT_ERR_FORMAT, "%s, line %d: not \"name = value\", not "
				"[section] and not a comment", name, bad);
	}
out:
	secret_wipe(copy, n);
	free(copy);
	return rc;
}

int config_load(struct config *c, const char *path, struct fault *fault)
{
	char *text = NULL;
	size_t n = 0;
	ssize_t got;
	int fd, rc;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return fault_sys(fault, errno, "cannot open the configuration file %s\n"
				 "name one with -c, or make it; amt-provisiond.conf(5) says how",
				 path);
	}
	text = calloc(1, CONFIG_FILE + 1);
	if (!text) {
		rc = fault_nomem(fault);
		goto out;
	}
	while ((got = read(fd, text + n, CONFIG_FILE + 1 - n)) > 0)
		n += (size_t)got;
	if (got < 0) {
		rc = fault_sys(fault, errno, "cannot read the configuration file %s", path);
		goto out;
	}
	if (n > CONFIG_FILE) {
		rc = fault_set(fault, KIT_ERR_RANGE, "%s is larger than %d KiB", path,
				CONFIG_FILE / 1024);
		goto out;
	}
	rc = config_parse(c, text, n, path, fault);
out:
	close(fd);
	if (text)
		secret_wipe(text, CONFIG_FILE + 1);
	free(text);
	return rc;
}

uint64_t config_backoff(const struct config *config, uint32_t failures)
{
	uint64_t seconds = config->retry_first_seconds;

	while (failures-- > 1 && seconds < config->retry_max_seconds)
		seconds *= 2;
	return seconds < config->retry_max_seconds ? seconds : config->retry_max_seconds;
}

/* May an address be reached from other machines? */
static bool is_remote(const struct config_address *a)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a->address;

	if (a->address.ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> 24 != 127;
	return !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static int check_certificates(const struct config *c, struct fault *fault)
{
	size_t n = strlen(c->pki_suffix);

	if (*c->certificates_folder && *c->certificates_folder != '/')
		return fault_set(fault, KIT_ERR_ARGUMENT, "folder of [certificates] is not a full "
				 "path: it does not begin with /");
	if (*c->machine_authority && *c->machine_authority != '/')
		return fault_set(fault, KIT_ERR_ARGUMENT, "machine_authority is not a full path: "
				 "it does not begin with /");
	if (n && !hostname_is_dns_name(c->pki_suffix, n, true))
		return fault_set(fault, KIT_ERR_ARGUMENT, "suffix \"%s\" is not a DNS suffix, such "
				 "as example.com", c->pki_suffix);
	return 0;
}

int config_check(const struct config *c, struct fault *fault)
{
	if (!*c->map)
		return fault_set(fault, KIT_ERR_ARGUMENT, "option map is empty\n"
				 "name the key map's file; the usual one is "
				 "/var/lib/amt-provision/map.db");
	if (c->use_props_script && !*c->props_script) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "use_props_script is yes but "
				 "props_script names no script\n"
				 "set props_script to the script's path, or use_props_script to "
				 "no");
	}
	if (c->use_props_script && c->props_script[0] != '/')
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "props_script is not a full path: it does not begin with /");
	if (c->use_props_script && c->props_script_timeout == 0) {
		return fault_set(fault, KIT_ERR_ARGUMENT, "props_script_timeout is 0: every script "
				 "would be out of time before it is started\n"
				 "set it to the seconds a script may take; 180 is usual");
	}
	if (c->pki_accept == PKI_ACCEPT_SUBNET && !*c->pki_subnets)
		return fault_set(fault, KIT_ERR_ARGUMENT, "accept is subnet, but subnets names "
				 "none\n"
				 "list the networks in subnets, or set accept to known");
	if (c->retry_first_seconds > c->retry_max_seconds)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "retry_first_seconds is more than retry_max_seconds");
	if (!c->metrics_remote)
		for (size_t i = 0; i < c->metrics_listen.count; i++)
			if (is_remote(&c->metrics_listen.at[i])) {
				return fault_set(fault, KIT_ERR_ARGUMENT, "metrics_listen %s can "
						 "be reached from other machines\n"
						 "take a loopback address, or set metrics_remote "
						 "to yes", c->metrics_listen.at[i].text);
			}
	return check_certificates(c, fault);
}

void config_wipe(struct config *c)
{
	for (size_t i = 0; i < c->n_profiles; i++)
		profile_wipe(&c->profiles[i]);
	c->n_profiles = 0;
}
