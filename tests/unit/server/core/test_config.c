/* The configuration file: what is taken, what is refused and with which line number. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/core/config.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

static struct config config;
static struct fault fault;

static void setup(void)
{
	config_init(&config);
	fault_clear(&fault);
}

static int parse(const char *text)
{
	setup();
	return config_parse(&config, text, strlen(text), "conf", &fault);
}

START_TEST(an_empty_file_gives_the_defaults)
{
	ck_assert_int_eq(parse(""), 0);
	ck_assert_uint_eq(config.callback_port, 16993);
	ck_assert_uint_eq(config.reserve_seconds, 900);
	ck_assert_uint_eq(config.max_setups, 500);
	ck_assert_uint_eq(config.props_script_timeout, 180);
	ck_assert_uint_eq(config.props_script_parallel, 10);
	ck_assert_int_eq(config.unknown_uuid, UNKNOWN_UUID_ACCEPT);
	ck_assert_uint_eq(config.listen.count, 2);
	ck_assert_uint_eq(config.metrics_listen.count, 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
}
END_TEST

START_TEST(each_kind_of_option_is_taken)
{
	ck_assert_int_eq(parse("; a comment\n# another\n\n[server]\nmap = /srv/m.db ; inline\r\n"
			       "listen=127.0.0.1:9000, [::1]:9001\npage = no\n[keys] # as ever\n"
			       "reprovision = never\n[setup]\n"
			       "max_setups=10\n"), 0);
	ck_assert_str_eq(config.map, "/srv/m.db");
	ck_assert_uint_eq(config.listen.count, 2);
	ck_assert_int_eq(config.listen.at[1].address.ss_family, AF_INET6);
	ck_assert_uint_eq(ntohs(((struct sockaddr_in *)&config.listen.at[0].address)->sin_port),
			  9000);
	ck_assert(!config.page);
	ck_assert_int_eq(config.reprovision, REPROVISION_NEVER);
	ck_assert_uint_eq(config.max_setups, 10);
}
END_TEST

static const struct {
	const char *text, *says;
} refused[] = {
	{ "[setup]\nkey_pair_seconds = 0\n", "0 is not within 1 to 60" },
	{ "[server]\nmpa = x\n", "conf, line 2: unknown option \"mpa\"" },
	{ "[setup]\nmap = x\n", "conf, line 2: option map belongs to section [server]" },
	{ "map = x\n", "conf, line 1: option map comes before the first section" },
	{ "nothing = x\n", "conf, line 1: option nothing comes before the first section" },
	{ "[server]\nmap = a\n\nmap = b\n", "conf, line 4: option map is given twice" },
	{ "[setup]\ndefault_profile = a,,b\n",
	  "conf, line 2: option default_profile: \"\" is not" },
	{ "[setup]\ndefault_profile = a 9\n", "is not a version or a range" },
	{ "[server]\nmap\n", "conf, line 2: not \"name = value\"" },
	{ "[server\nmap = a\n", "conf, line 1" },
	{ "[server]\n  map = a\n", "conf, line 2: begins with a blank" },
	{ "[server]\nmap = a\n\tb\n", "conf, line 3: begins with a blank" },
	{ "[setup]\nmax_setups = 100001\n",
	  "line 2: option max_setups: 100001 is not within 0 to" },
	{ "[setup]\nmax_setups = ten\n", "\"ten\" is not a whole number" },
	{ "[setup]\nmax_setups = -1\n", "is not a whole number" },
	{ "[setup]\nmax_setups = 5x\n", "is not a whole number" },
	{ "[setup]\nmax_setups = 99999999999999999999999\n", "is not a whole number" },
	{ "[keys]\nunknown_uuid = on\n", "\"on\" is not one of accept|refuse" },
	{ "[keys]\nunknown_uuid =\n", "is not one of" },
	{ "[keys]\nconsume = on-hello\n", "conf, line 2: consume = on-hello is not supported" },
	{ "[setup]\nhello_bytes = 32\n", "unknown option \"hello_bytes\" in section [setup]" },
	/* inih would take the section alone. */
	{ "[server] map = x\n", "conf, line 1: text follows the section's name" },
	{ "[profile a]b]\n", "conf, line 1: text follows the section's name" },
	{ "[server]\npage = maybe\n", "neither yes nor no" },
	{ "[server]\nlisten = 9971\n", "is not an address with a port" },
	{ "[server]\nlisten = 1.2.3.4:99999\n", "is not an address with a port" },
	{ "[server]\nlisten = [::1:80\n", "is not an address with a port" },
	{ "[server]\nlisten = ,\n", "the list is empty" },
	{ "[names]\ndns_servers = 192.0.2.1 ns.example.com\n",
	  "conf, line 2: option dns_servers: \"ns.example.com\" is not an address of a name" },
	{ "[names]\ndns_servers = 192.0.2.1:99999\n", "is not an address of a name server" },
	{ "[names]\ndns_servers = 192.0.2.1, 192.0.2.2, 192.0.2.1:53\n",
	  "192.0.2.1:53 is given twice" },
	{ "[names]\ndns_servers = ::1 [::1]\n", "[::1] is given twice" },
	{ "[names]\ndns_servers = ::1 ::2 ::3 ::4 ::5 ::6 ::7 ::8 ::9\n",
	  "more than 8 name servers" },
	{ "[certificates]\nserve_expired = soon\n", "neither yes nor no" },
	{ "[pki]\nfolder = /a\n", "option folder belongs to section [certificates]" },
	{ "[pki]\naccept = all\n", "\"all\" is not one of known|subnet|any" },
	{ "[pki]\nsubnets = 10.0.0.0/8, office\n", "line 2: option subnets: \"office\" is not a" },
	{ "[profile lab]\nadmin_pasword = random\n", "conf, line 2" },
	{ "[profile a b!]\nrekey = yes\n", "conf, line 2" },
	{ "[profile lab]\nrekey = perhaps\n", "conf, line 2" },
};

START_TEST(nonsense_is_refused_with_its_line)
{
	ck_assert_int_lt(parse(refused[_i].text), 0);
	ck_assert_msg(strstr(fault.what, refused[_i].says) != NULL, "got: %s", fault.what);
}
END_TEST

START_TEST(a_line_of_199_bytes_is_taken_and_one_of_200_refused)
{
	char text[512] = "[server]\nmap = ", line[300];

	memset(line, 'x', sizeof(line));
	line[CONFIG_LINE - strlen("map = ")] = '\0';
	strcat(text, line);
	strcat(text, "\n");
	ck_assert_int_eq(parse(text), 0);
	ck_assert_str_eq(config.map, line);
	text[strlen(text) - 1] = 'x';
	strcat(text, "\n");
	ck_assert_int_eq(parse(text), KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "conf, line 2: longer than 199 bytes"));
}
END_TEST

START_TEST(a_nul_byte_is_refused)
{
	static const char text[] = "[server]\nmap = a\0b\n";

	ck_assert_int_eq(config_parse(&config, text, sizeof(text) - 1, "conf", &fault),
			 KIT_ERR_FORMAT);
	ck_assert_ptr_nonnull(strstr(fault.what, "line 2: a NUL byte"));
}
END_TEST

START_TEST(profiles_are_sections_of_their_own)
{
	const struct profile *p;

	ck_assert_int_eq(parse("[profile default]\nadmin_password = keep\n[profile lab]\n"
			       "rekey = yes\namt_versions = 3.2\n"), 0);
	ck_assert_uint_eq(config.n_profiles, 2);
	p = config_profile(&config, "lab");
	ck_assert_ptr_nonnull(p);
	ck_assert(p->rekey);
	ck_assert(profile_serves(p, 3, 2));
	ck_assert(!profile_serves(p, 4, 0));
	ck_assert_ptr_null(config_profile(&config, "none"));
}
END_TEST

START_TEST(a_policy_by_networks_needs_networks)
{
	ck_assert_int_eq(parse("[pki]\naccept = subnet\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "subnets"));
	ck_assert_int_eq(parse("[pki]\naccept = subnet\nsubnets = 192.0.2.0/24\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
	ck_assert_int_eq(config.pki_accept, PKI_ACCEPT_SUBNET);
	ck_assert_str_eq(config.pki_subnets, "192.0.2.0/24");
}
END_TEST

START_TEST(a_script_without_time_is_refused_with_the_reason)
{
	ck_assert_int_eq(parse("[script]\nuse_props_script = yes\nprops_script = /bin/true\n"
			       "props_script_timeout = 0\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "before it is started"));
	ck_assert_int_eq(parse("[script]\nuse_props_script = yes\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "names no script"));
	/* Unused, it does no harm. */
	ck_assert_int_eq(parse("[script]\nprops_script_timeout = 0\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
}
END_TEST

START_TEST(metrics_stay_on_loopback_unless_told)
{
	ck_assert_int_eq(parse("[metrics]\nmetrics_listen = 0.0.0.0:9972\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_int_eq(parse("[metrics]\nmetrics_listen = 127.0.0.1:9972, [::1]:9972\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
	ck_assert_int_eq(parse("[metrics]\nmetrics_listen = 0.0.0.0:9972\n"
			       "metrics_remote = yes\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
}
END_TEST

START_TEST(what_get_shows_set_takes_back)
{
	const char *section, *name;
	char value[512];
	struct config copy;

	ck_assert_int_eq(parse("[server]\nlisten = [::1]:1, 10.0.0.1:2\n[keys]\n"
			       "reprovision = never\n[setup]\nmax_setups = 8\n"), 0);
	config_init(&copy);
	for (size_t i = 0; config_get(&config, i, &section, &name, value, sizeof(value)) == 0;
	     i++)
		ck_assert_msg(config_set(&copy, name, value, &fault) == 0, "%s", fault.what);
	ck_assert_int_eq(copy.reprovision, REPROVISION_NEVER);
	ck_assert_uint_eq(copy.max_setups, 8);
	ck_assert_uint_eq(copy.listen.count, 2);
	ck_assert_str_eq(copy.listen.at[1].text, "10.0.0.1:2");
	ck_assert_int_eq(config_set(&copy, "no_such", "1", &fault), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(retired_options_are_read_with_a_warning)
{
	char warning[CONFIG_WARNING];

	ck_assert_int_eq(parse(""), 0);
	ck_assert_int_eq(config_warning(&config, 0, warning), KIT_ERR_NOT_FOUND);
	ck_assert_int_eq(parse("[setup]\nanswer_bytes = 128K\n[limits]\nhello_bytes = 32\n[keys]\n"
			       "consume = on-proof\n"), 0);
	ck_assert_int_eq(config_warning(&config, 0, warning), 0);
	ck_assert_ptr_nonnull(strstr(warning, "option hello_bytes has no effect any more (a hello "
				     "has at most 1675 bytes)"));
	ck_assert_int_eq(config_warning(&config, 1, warning), 0);
	ck_assert_ptr_nonnull(strstr(warning, "consume"));
	ck_assert_int_eq(config_warning(&config, 2, warning), 0);
	ck_assert_ptr_nonnull(strstr(warning, "answer_bytes"));
	ck_assert_int_eq(config_warning(&config, 3, warning), KIT_ERR_NOT_FOUND);
	/* The same for what the map kept; but nobody sets one again. */
	setup();
	ck_assert_int_eq(config_restore(&config, "answer_bytes", "8K", &fault), 0);
	ck_assert_int_eq(config_warning(&config, 0, warning), 0);
	ck_assert_int_eq(config_restore(&config, "max_setups", "8", &fault), 0);
	ck_assert_uint_eq(config.max_setups, 8);
	ck_assert_int_eq(config_restore(&config, "consume", "on-hello", &fault),
			 KIT_ERR_ARGUMENT);
	fault_clear(&fault);
	ck_assert_int_eq(config_set(&config, "answer_bytes", "8K", &fault), KIT_ERR_NOT_FOUND);
}
END_TEST

START_TEST(a_file_is_read_and_a_missing_or_huge_one_refused)
{
	int fd;

	scratch_enter();
	fd = open("conf", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "[server]\npage = no\n", 19), 19);
	ck_assert_int_eq(config_load(&config, "conf", &fault), 0);
	ck_assert(!config.page);
	ck_assert_int_eq(ftruncate(fd, CONFIG_FILE + 1), 0);
	close(fd);
	ck_assert_int_eq(config_load(&config, "conf", &fault), KIT_ERR_RANGE);
	fault_clear(&fault);
	ck_assert_int_eq(config_load(&config, "missing", &fault), KIT_ERR_NOT_FOUND);
	ck_assert_ptr_nonnull(strstr(fault.what, "missing"));
	ck_assert(*fault.hint);
	scratch_leave();
}
END_TEST

START_TEST(certificates_want_a_full_path_and_a_dns_suffix)
{
	ck_assert_int_eq(parse("[certificates]\nfolder = certificates\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "not a full path"));
	ck_assert_int_eq(parse("[certificates]\nmachine_authority = file\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "machine_authority is not a full path"));
	ck_assert_int_eq(parse("[pki]\nsuffix = corp local\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), KIT_ERR_ARGUMENT);
	ck_assert_ptr_nonnull(strstr(fault.what, "not a DNS suffix"));
	ck_assert_int_eq(parse("[certificates]\nfolder =\n[pki]\nsuffix = corp.local\n"), 0);
	ck_assert_int_eq(config_check(&config, &fault), 0);
}
END_TEST

START_TEST(the_default_profile_may_go_by_version)
{
	struct config_default d;

	ck_assert_int_eq(parse("[setup]\ndefault_profile = modern 11.0-255.255 ,office\n"), 0);
	ck_assert_int_eq(config_default(config.default_profile, 0, &d, &fault), 0);
	ck_assert_str_eq(d.profile, "modern");
	ck_assert(d.ranged);
	ck_assert_int_eq(d.versions.min, 11 << 8);
	ck_assert_int_eq(config_default(config.default_profile, 1, &d, &fault), 0);
	ck_assert_str_eq(d.profile, "office");
	ck_assert(!d.ranged);
	ck_assert_int_eq(config_default(config.default_profile, 2, &d, &fault), KIT_ERR_NOT_FOUND);
}
END_TEST

TEST_SUITE("config")
{
	TCase *t = tcase_create("file");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, an_empty_file_gives_the_defaults);
	tcase_add_test(t, each_kind_of_option_is_taken);
	tcase_add_loop_test(t, nonsense_is_refused_with_its_line, 0,
			    sizeof(refused) / sizeof(*refused));
	tcase_add_test(t, a_line_of_199_bytes_is_taken_and_one_of_200_refused);
	tcase_add_test(t, a_nul_byte_is_refused);
	tcase_add_test(t, profiles_are_sections_of_their_own);
	tcase_add_test(t, a_policy_by_networks_needs_networks);
	tcase_add_test(t, a_script_without_time_is_refused_with_the_reason);
	tcase_add_test(t, metrics_stay_on_loopback_unless_told);
	tcase_add_test(t, certificates_want_a_full_path_and_a_dns_suffix);
	tcase_add_test(t, the_default_profile_may_go_by_version);
	tcase_add_test(t, what_get_shows_set_takes_back);
	tcase_add_test(t, retired_options_are_read_with_a_warning);
	tcase_add_test(t, a_file_is_read_and_a_missing_or_huge_one_refused);
	suite_add_tcase(suite, t);
}
