/* What the doctor finds on the host and the network: script, clock, disk, port, names. */
#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/admin/doctor.h"
#include "server/keymap/events.h"
#include "server/keymap/keymap.h"
#include "server/keymap/systems.h"
#include "server/setup/setup.h"
#include "tests/support/map.h"
#include "tests/support/suite.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static struct config config;
static struct doctor doctor;

/* Findings, a line each: "check verdict what -- hint". */
static char found[8192];

static void on_found(void *context, const struct doctor_finding *f)
{
	size_t n = strlen(found);

	snprintf(found + n, sizeof(found) - n, "%s %s %s -- %s\n", f->check,
		 doctor_verdict_word(f->verdict), f->what, f->hint ? f->hint : "");
}

static void begin(void)
{
	scratch_enter();
	config_init(&config);
	doctor = (struct doctor){ .config = &config, .map_path = "map.db", .now = 1800000000,
				  .server_name = "ProvisionServer", .resolv_conf = "resolv.conf",
				  .timeout_ms = 10000, .found = on_found };
	found[0] = '\0';
}

static void end(void)
{
	scratch_leave();
}

static void expect(const char *line)
{
	ck_assert_msg(strstr(found, line) != NULL, "not \"%s\" but:\n%s", line, found);
}

static unsigned lines(void)
{
	unsigned n = 0;

	for (const char *at = found; (at = strchr(at, '\n')); at++)
		n++;
	return n;
}

/* ---- the host ---- */

static const struct {
	int mode;		/* of the script; 0: there is none; with S_IFDIR: a folder */
	const char *says;
} scripts[] = {
	{ 0, "script fail the properties script ./script: No such file or directory -- put the" },
	{ 0644, "script fail the properties script ./script cannot be run -- chmod 755 it" },
	{ S_IFDIR | 0755, "script fail the properties script ./script cannot be run -- " },
	{ 0775,
	  "script fail others can change the properties script "
	  "./script -- remove the right (chmod go-w)" },
	{ 0757,
	  "script fail others can change the properties script "
	  "./script -- remove the right (chmod go-w)" },
	{ 0755, "script pass the properties script ./script can be run -- \n" },
};

START_TEST(a_script_is_looked_at_before_a_machine_needs_it)
{
	int mode = scripts[_i].mode;

	if (mode & S_IFDIR)
		ck_assert_int_eq(mkdir("script", 0755), 0);
	else if (mode)
		ck_assert_int_eq(close(open("script", O_CREAT | O_WRONLY, 0600)), 0);
	if (mode)
		ck_assert_int_eq(chmod("script", mode & 0777), 0);
	config.use_props_script = true;
	strcpy(config.props_script, "./script");
	doctor_host(&doctor);
	if (mode & S_IFDIR)
		ck_assert_int_eq(rmdir("script"), 0);
	expect(scripts[_i].says);
}
END_TEST

START_TEST(machines_that_stay_refused_are_reported_however_long_ago)
{
	const struct keymap_hello hello = { scratch_uuid(1), NULL, "192.0.2.1", 2, 0 };

	doctor.map = scratch_map();
	doctor_fleet(&doctor);
	expect("machines-refused pass no machine is refused");
	ok(keymap_system_hello(doctor.map, &hello, SYSTEM_REFUSED, 1700000000, NULL, NULL, &fault));
	ok(keymap_system_state(doctor.map, &hello.uuid, SYSTEM_REFUSED, "nobody knows its PID", 0,
			       1700000000, &fault));
	found[0] = '\0';
	doctor_fleet(&doctor);
	keymap_close(&doctor.map);
	expect("machines-refused warn 1 machine refused: 939b524b-");
	expect("at 192.0.2.1: nobody knows its PID -- \"amt-provisionctl systems list --state "
	       "refused\"");
}
END_TEST

START_TEST(machines_that_nobody_named_and_a_door_open_to_all_are_reported)
{
	const struct keymap_hello hello = { .uuid = scratch_uuid(1), .address = "192.0.2.1",
					    .version = 3 };

	doctor.map = scratch_map();
	doctor_fleet(&doctor);
	expect("not-known pass no machine that is not known came by certificate");
	ck_assert_ptr_null(strstr(found, "accept warn"));
	ok(keymap_system_hello(doctor.map, &hello, SYSTEM_REFUSED, 1700000000, NULL, NULL, &fault));
	ok(keymap_system_code(doctor.map, &hello.uuid, SYSTEM_NOT_KNOWN, &fault));
	config.pki_accept = PKI_ACCEPT_ANY;
	found[0] = '\0';
	doctor_fleet(&doctor);
	keymap_close(&doctor.map);
	expect("not-known warn 1 machine came by certificate, not known: 939b524b-");
	expect("machines-refused pass");
	expect("accept warn accept is any");
}
END_TEST

START_TEST(a_cure_for_missing_names_is_one_that_is_not_in_use)
{
	const struct keymap_hello hello = { scratch_uuid(1), NULL, "192.0.2.1", 2, 0 };

	doctor.map = scratch_map();
	ok(keymap_system_hello(doctor.map, &hello, SYSTEM_FQDN_MISSING, 1700000000, NULL, NULL,
			       &fault));
	config.use_props_script = false;
	config.dns_fallback = false;
	doctor_fleet(&doctor);
	expect("fqdn-missing warn 1 machine waiting for a name: 939b524b-");
	expect("or set a properties script (props_script), or turn dns_fallback on; then");
	config.use_props_script = true;
	config.dns_fallback = true;
	found[0] = '\0';
	doctor_fleet(&doctor);
	expect("or let the properties script name them, or give their addresses names in DNS");
	ck_assert_ptr_null(strstr(found, "dns_fallback on"));
	keymap_close(&doctor.map);
}
END_TEST

START_TEST(a_program_that_holds_the_map_is_reported)
{
	struct keymap *other;

	doctor.map = scratch_map();
	doctor.key_file = "map.db.key";
	doctor.timeout_ms = 50;
	doctor_keys(&doctor);
	expect("map-lock pass the map can be written");
	other = scratch_map();
	ok(keymap_begin(other, &fault));
	found[0] = '\0';
	doctor_keys(&doctor);
	expect("map-lock fail another program holds the map's write lock");
	expect("fuser -v map.db");
	ck_assert(!keymap_in_transaction(doctor.map));
	keymap_close(&other);
	keymap_close(&doctor.map);
}
END_TEST

START_TEST(without_a_script_nothing_is_said_against_it)
{
	config.use_props_script = false;
	config.props_script_timeout = 0;
	doctor_host(&doctor);
	expect("script pass no properties script is used");
	ck_assert_ptr_null(strstr(found, "script-timeout"));
}
END_TEST

static const struct {
	unsigned seconds;
	const char *says;
} timeouts[] = {
	{ 0, "script-timeout fail props_script_timeout is 0: every set-up would end before the"
	     " script runs -- set it to the seconds that the script may take" },
	{ 4, "script-timeout warn props_script_timeout is 4 seconds -- 180 is usual" },
	{ 5, "script-timeout pass the script may take 5 seconds" },
	{ 900, "script-timeout pass the script may take 900 seconds" },
	{ 901, "script-timeout warn props_script_timeout is 901 seconds" },
};

START_TEST(a_timeout_that_no_script_keeps_to_is_reported)
{
	config.use_props_script = true;
	strcpy(config.props_script, "/bin/true");
	config.props_script_timeout = timeouts[_i].seconds;
	doctor_host(&doctor);
	expect(timeouts[_i].says);
}
END_TEST

START_TEST(a_clock_that_is_years_behind_is_reported)
{
	doctor.now = 86400;
	doctor_host(&doctor);
	expect("clock fail the clock is years behind -- set the clock");
}
END_TEST

START_TEST(the_disk_of_the_map_is_looked_at)
{
	doctor_host(&doctor);
	expect("free on the disk of the map: ");
	doctor.map_path = "nowhere/map.db";
	doctor_host(&doctor);
	expect("disk fail the folder of nowhere/map.db: No such file or directory");
}
END_TEST

/* ---- the port ---- */

static int listening;

/* A port of 127.0.0.1 that somebody listens on; the configuration names it. */
static void listen_somewhere(int backlog)
{
	struct sockaddr_in *a = (struct sockaddr_in *)&config.listen.at[0].address;
	socklen_t size = sizeof(*a);

	memset(&config.listen, 0, sizeof(config.listen));
	a->sin_family = AF_INET;
	a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listening = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(listening, 0);
	ck_assert_int_eq(bind(listening, (struct sockaddr *)a, size), 0);
	ck_assert_int_eq(getsockname(listening, (struct sockaddr *)a, &size), 0);
	ck_assert_int_eq(listen(listening, backlog), 0);
	config.listen.at[0].length = size;
	config.listen.count = 1;
}

/* Answer one visitor after the other with TEXT, until the socket is shut down. */
static void *answer(void *text)
{
	char request[256];
	int fd;

	while ((fd = accept(listening, NULL, NULL)) >= 0) {
		if (recv(fd, request, sizeof(request), 0) > 0)
			send(fd, text, strlen(text), MSG_NOSIGNAL);
		close(fd);
	}
	return NULL;
}

static void visit(const char *text)
{
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, answer, (void *)text), 0);
	doctor_listening(&doctor);
	shutdown(listening, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listening);
}

START_TEST(the_server_is_known_by_its_page)
{
	listen_somewhere(8);
	visit("HTTP/1.0 200 OK\r\n\r\nThis is amt-provisiond");
	expect("listening pass the server answers at port ");
	ck_assert_uint_eq(lines(), 1);
}
END_TEST

START_TEST(another_program_at_the_port_is_told_from_the_server)
{
	listen_somewhere(8);
	visit("SSH-2.0-OpenSSH_9.2\r\n");
	expect(": another program answers -- find the program that has the port");
	ck_assert_uint_eq(lines(), 1);
}
END_TEST

START_TEST(a_server_that_accepts_and_says_nothing_is_reported)
{
	listen_somewhere(8);
	doctor.timeout_ms = 100;
	doctor_listening(&doctor);
	expect("listening fail port ");
	expect(": the connection is accepted, but not answered -- see the server's log");
	/* Where no page is to be had, a connection has to do. */
	found[0] = '\0';
	config.page = false;
	doctor_listening(&doctor);
	expect("listening pass the server answers at port ");
	close(listening);
}
END_TEST

/* Say a byte now and then, for ever, until the other end is gone. */
static void *say_slowly(void *unused)
{
	int fd = accept(listening, NULL, NULL);

	while (fd >= 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1)
		usleep(20000);
	close(fd);
	return NULL;
}

START_TEST(who_answers_byte_by_byte_is_not_listened_to_for_ever)
{
	struct timespec before, after;
	pthread_t talker;

	listen_somewhere(8);
	ck_assert_int_eq(pthread_create(&talker, NULL, say_slowly, NULL), 0);
	doctor.timeout_ms = 300;
	clock_gettime(CLOCK_MONOTONIC, &before);
	doctor_listening(&doctor);
	clock_gettime(CLOCK_MONOTONIC, &after);
	pthread_join(talker, NULL);
	close(listening);
	expect(": another program answers -- ");
	/* All 1,024 bytes that are read of a page would take 20 s. */
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 10);
}
END_TEST

START_TEST(a_port_that_nobody_has_is_reported)
{
	listen_somewhere(8);
	close(listening);
	doctor_listening(&doctor);
	expect("does not answer: Connection refused -- start the server");
}
END_TEST

/* Where the queue of connections is full, the kernel lets further ones wait, as a firewall does. */
START_TEST(a_port_that_does_not_answer_at_all_is_given_up_in_time)
{
	struct sockaddr *to = (struct sockaddr *)&config.listen.at[0].address;
	int fds[16];

	listen_somewhere(0);
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		connect(fds[i], to, config.listen.at[0].length);
	}
	doctor.timeout_ms = 200;
	doctor_listening(&doctor);
	expect("does not answer: Connection timed out -- check that no firewall closes the port");
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	close(listening);
}
END_TEST

START_TEST(listening_everywhere_is_tried_at_each_address_of_this_machine)
{
	struct ifaddrs *all = NULL;
	unsigned own = 0;
	char line[200], host[INET_ADDRSTRLEN];

	listen_somewhere(8);
	close(listening);
	((struct sockaddr_in *)&config.listen.at[0].address)->sin_addr.s_addr = htonl(INADDR_ANY);
	doctor_listening(&doctor);
	ck_assert_int_eq(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i && own < 16; i = i->ifa_next) {
		if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || !(i->ifa_flags & IFF_UP))
			continue;
		inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, host,
			  sizeof(host));
		snprintf(line, sizeof(line), " of %s does not answer", host);
		expect(line);
		own++;
	}
	freeifaddrs(all);
	ck_assert_uint_ge(own, 1);
	ck_assert_uint_eq(lines(), own);
}
END_TEST

START_TEST(a_server_that_machines_cannot_reach_is_reported)
{
	static const struct {
		const char *listen, *says;
		unsigned lines;
	} cases[] = {
		{ "0.0.0.0:9971", "reachable pass ", 1 },
		{ "127.0.0.1:9971, [::1]:9971", "reachable warn the server listens on loopback "
		  "only (127.0.0.1:9971): no other machine can say hello -- set listen", 1 },
		{ "127.0.0.1:9971, 192.0.2.1:9971", "reachable pass ", 1 },
		{ "0.0.0.0:9972", "reachable warn the server does not listen on port 9971 but on "
		  "0.0.0.0:9972", 1 },
		{ "[::1]:1", "loopback only ([::1]:1)", 2 },
		{ "0.0.0.0:9972, [::]:9971", "reachable pass ", 1 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		ok(config_set(&config, "listen", cases[i].listen, &fault));
		found[0] = '\0';
		doctor_reachable(&doctor);
		expect(cases[i].says);
		ck_assert_uint_eq(lines(), cases[i].lines);
	}
}
END_TEST

START_TEST(a_server_that_is_to_listen_nowhere_is_reported)
{
	config.listen.count = 0;
	doctor_listening(&doctor);
	expect("listening fail the server listens nowhere: listen is empty -- set listen");
}
END_TEST

/* ---- names: numbers stand for them, which no name server is asked for ---- */

static void write_resolv_conf(const char *text)
{
	FILE *file = fopen("resolv.conf", "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_int_ge(fputs(text, file), 0);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_name_that_leads_elsewhere_is_reported)
{
	doctor.server_name = "192.0.2.1";
	doctor_names(&doctor);
	expect("name fail 192.0.2.1 resolves to 192.0.2.1, which is not this machine -- correct");
	found[0] = '\0';
	doctor.server_name = "2001:db8::1";
	doctor_names(&doctor);
	expect("name fail 2001:db8::1 resolves to 2001:db8::1, which is not this machine");
	found[0] = '\0';
	doctor.server_name = "127.0.0.1";
	doctor_names(&doctor);
	expect("name pass 127.0.0.1 resolves to this machine");
	ck_assert_uint_eq(lines(), 1);
}
END_TEST

START_TEST(the_last_search_line_says_in_which_domains_machines_look)
{
	doctor.server_name = "192.0.2";
	write_resolv_conf("nameserver 192.0.2.53\nsearch 4 5\n\ndomain 6\nsearch 7 . 8\n"
			  "options x\n");
	doctor_names(&doctor);
	expect("name fail 192.0.2.7 resolves to");
	expect("name fail 192.0.2.8 resolves to");
	/* The bare name is the machines' last try. */
	expect("name fail 192.0.2 resolves to");
	ck_assert_uint_eq(lines(), 3);
}
END_TEST

START_TEST(domains_that_are_given_count_instead)
{
	doctor.server_name = "192.0.2";
	doctor.domains[0] = "9";
	doctor.n_domains = 1;
	write_resolv_conf("search 4\n");
	doctor_names(&doctor);
	expect("name fail 192.0.2.9 resolves to");
	ck_assert_uint_eq(lines(), 2);
}
END_TEST

START_TEST(a_machine_that_was_committed_and_not_read_back_is_told)
{
	char what[300];
	struct logentry event = { .time = doctor.now - 10, .name = "configured",
				  .what = "configured" };

	doctor.map = scratch_map();
	ok(keymap_log(doctor.map, &event, &fault));
	doctor_fleet(&doctor);
	expect("log pass no trouble in the log of the last day");
	snprintf(what, sizeof(what), "configured; %s", setup_note_text(SETUP_NOTE_NO_READ_BACK));
	event.what = what;
	ok(keymap_log(doctor.map, &event, &fault));
	found[0] = '\0';
	doctor_fleet(&doctor);
	expect("configured warn set-ups that were committed and could not be read back, in the "
	       "last day: 1 -- those machines are set up");
	keymap_close(&doctor.map);
}
END_TEST

TEST_SUITE("doctor")
{
	TCase *host = tcase_create("host"), *network = tcase_create("network");

	tcase_add_checked_fixture(host, begin, end);
	tcase_add_loop_test(host, a_script_is_looked_at_before_a_machine_needs_it, 0,
			    COUNT(scripts));
	tcase_add_test(host, machines_that_stay_refused_are_reported_however_long_ago);
	tcase_add_test(host, machines_that_nobody_named_and_a_door_open_to_all_are_reported);
	tcase_add_test(host, a_cure_for_missing_names_is_one_that_is_not_in_use);
	tcase_add_test(host, a_machine_that_was_committed_and_not_read_back_is_told);
	tcase_add_test(host, a_program_that_holds_the_map_is_reported);
	tcase_add_test(host, without_a_script_nothing_is_said_against_it);
	tcase_add_loop_test(host, a_timeout_that_no_script_keeps_to_is_reported, 0,
			    COUNT(timeouts));
	tcase_add_test(host, a_clock_that_is_years_behind_is_reported);
	tcase_add_test(host, the_disk_of_the_map_is_looked_at);
	suite_add_tcase(suite, host);
	tcase_add_checked_fixture(network, begin, end);
	tcase_add_test(network, the_server_is_known_by_its_page);
	tcase_add_test(network, another_program_at_the_port_is_told_from_the_server);
	tcase_add_test(network, a_server_that_accepts_and_says_nothing_is_reported);
	tcase_add_test(network, who_answers_byte_by_byte_is_not_listened_to_for_ever);
	tcase_add_test(network, a_port_that_nobody_has_is_reported);
	tcase_add_test(network, a_port_that_does_not_answer_at_all_is_given_up_in_time);
	tcase_add_test(network, listening_everywhere_is_tried_at_each_address_of_this_machine);
	tcase_add_test(network, a_server_that_machines_cannot_reach_is_reported);
	tcase_add_test(network, a_server_that_is_to_listen_nowhere_is_reported);
	tcase_add_test(network, a_name_that_leads_elsewhere_is_reported);
	tcase_add_test(network, the_last_search_line_says_in_which_domains_machines_look);
	tcase_add_test(network, domains_that_are_given_count_instead);
	suite_add_tcase(suite, network);
}
