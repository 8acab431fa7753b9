/* amt-provisionctl: the command line of who operates the key map and the server. */
#include "server/ctl/amt-provisionctl.h"

static const struct cli_verb *const verbs[] = {
	&ctl_keys_import, &ctl_keys_list, &ctl_keys_show, &ctl_keys_add, &ctl_keys_export,
	&ctl_keys_revoke, &ctl_keys_rotate,
	&ctl_systems_list, &ctl_systems_show, &ctl_systems_retry, &ctl_systems_allow_setup,
	&ctl_systems_forget, &ctl_systems_export,
	&ctl_inventory_import,
	&ctl_profiles_list, &ctl_profiles_show, &ctl_profiles_set, &ctl_profiles_remove,
	&ctl_config_show, &ctl_config_set, &ctl_config_unset,
	&ctl_certificates_list, &ctl_certificates_show, &ctl_certificates_check,
	&ctl_certificates_add, &ctl_certificates_remove, &ctl_certificates_new_ca,
	&ctl_certificates_renew, &ctl_certificates_match,
	&ctl_log, &ctl_doctor, &ctl_reconcile, &ctl_backup, &ctl_restore,
	NULL,
};

static const struct cli_program program = {
	.name = "amt-provisionctl",
	.summary = "keys, systems and log of the one-touch set-up server",
	.verbs = verbs,
	.details =
		"The key map is that of the server's configuration (-c, default " CTL_CONFIGURATION
		"), or --map. All verbs can be used while the server runs.",
	.examples =
		"amt-provisionctl keys import keys.csv\n"
		"amt-provisionctl systems list\n"
		"amt-provisionctl log --follow",
};

int main(int argc, char **argv)
{
	return cli_main(&program, argc, argv);
}
