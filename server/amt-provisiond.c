/* amt-provisiond: the server that machines say hello to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cli.h"
#include "common/secret.h"
#include "server/core/config.h"
#include "server/server.h"

#define DEFAULT_CONF KIT_SYSCONFDIR "/amt-provision/amt-provisiond.conf"

static int show_config(const struct config *c)
{
	const char *section, *name, *last = "";
	char value[512];

	for (size_t i = 0; config_get(c, i, &section, &name, value, sizeof(value)) == 0; i++) {
		if (strcmp(section, last) != 0)
			printf("%s[%s]\n", i ? "\n" : "", section);
		last = section;
		printf("%s = %s\n", name, value);
	}
	return EXIT_YES;
}

struct daemon_options {
	const char *config;
	bool check;
};

static const struct cli_option options[] = {
	CLI_TEXT('c', "config", struct daemon_options, config, "FILE",
		 "configuration file (" DEFAULT_CONF ")", .flags = CLI_FILE),
	CLI_FLAG(0, "check", struct daemon_options, check,
		 "check the configuration, show it with all defaults, and end"),
	{ 0 },
};

static int run(struct cli *cli, const void *given)
{
	const struct daemon_options *o = given;
	struct fault fault = { .code = 0 };
	struct config *config = malloc(sizeof(*config));
	struct server *server = NULL;
	int status = EXIT_CANNOT;

	if (!config) {
		fault_nomem(&fault);
		return cli_fail(cli, &fault);
	}
	config_init(config);
	if (config_load(config, o->config, &fault) || config_check(config, &fault)) {
		cli_fail(cli, &fault);
		goto out;
	}
	if (o->check) {
		status = show_config(config);
		goto out;
	}
	/* Lines of the log are whole lines, also where stderr is a pipe. */
	setvbuf(stderr, NULL, _IOLBF, 0);
	if (server_new(&server, config, o->config, &fault) || server_run(server, &fault))
		cli_fail(cli, &fault);
	else
		status = EXIT_YES;
out:
	server_free(&server);
	config_wipe(config);
	secret_wipe(config, sizeof(*config));
	free(config);
	return status;
}

static const struct cli_verb verb = {
	.name = "",
	.operands = "",
	.summary = "wait for machines that say hello, and set them up",
	.options = options,
	.options_size = sizeof(struct daemon_options),
	.defaults = &(const struct daemon_options){ .config = DEFAULT_CONF },
	.run = run,
	.details =
		"Stays in the foreground and writes its log to the map and to standard error; "
		"systemd, or your shell, puts it into the background. SIGTERM stops it, SIGHUP "
		"makes "
		"it read its configuration again.",
	.examples = "amt-provisiond -c " DEFAULT_CONF "\n"
		    "amt-provisiond --check -c samples/amt-provisiond.conf\n",
};

static const struct cli_verb *const verbs[] = { &verb, NULL };

static const struct cli_program program = {
	.name = "amt-provisiond",
	.summary = "set up machines with Intel AMT that say hello after one touch with a USB stick",
	.verbs = verbs,
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
