/* amt-sim: what boot, run and fleet have in common: machines from the factory, and their lives. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "samples/amt-sim/cli/amt-sim.h"
#include "samples/amt-sim/sim-calls.h"
#include "samples/amt-sim/sim-life.h"
#include "samples/amt-sim/sim-service.h"

#define SERVER_OF_STICK "stick"	/* in place of an address */

const char *const factory_hashes[] = { "generation", "sha1", "sha256", "sha384", NULL };

/* Options of set-up by certificate. */
static int parse_pki(const struct factory_options *o, struct factory *f, struct fault *fault)
{
	struct sim_device_pki *p = &f->pki;
	uint8_t type = (uint8_t)o->trust_hash;
	int rc = 0;

	if (type == SIM_ROOT_NONE)
		type = f->firmware.major < 6 ? SIM_ROOT_SHA1 : SIM_ROOT_SHA256;
	if ((o->pki_suffix && strlen(o->pki_suffix) >= sizeof(p->suffix)) ||
	    (o->server_fqdn && strlen(o->server_fqdn) >= sizeof(p->fqdn)))
		return fault_set(fault, KIT_ERR_ARGUMENT, "--pki-suffix and --server-fqdn take at "
				 "most %zu characters", sizeof(p->suffix) - 1);
	strcpy(p->suffix, o->pki_suffix ? o->pki_suffix : "");
	strcpy(p->fqdn, o->server_fqdn ? o->server_fqdn : "");
	if (o->trust) {
		rc = sim_root_of_file(&p->own[0], type, o->trust, fault);
		p->n_own = 1;
	}
	if (rc == 0 && o->otp_file)
		rc = secret_read(o->otp_file, "one-time password", p->otp, sizeof(p->otp), fault);
	if (rc == 0 && o->otp_file && strlen(p->otp) < SIM_DEVICE_OTP_MIN)
		rc = fault_set(fault, KIT_ERR_ARGUMENT, "a one-time password has %d to %d "
			       "characters", SIM_DEVICE_OTP_MIN, SIM_DEVICE_OTP_MAX);
	return rc;
}

int factory_parse(const struct factory_options *o, struct factory *f, struct fault *fault)
{
	memset(f, 0, sizeof(*f));
	f->firmware = (struct sim_device_firmware){ 7, 1, 20 };
	f->bios.fat16_only = o->fat16_only;
	f->bios.wipe = o->wipe_record;
	f->uuid_given = o->uuid;
	f->mebx_password_file = o->mebx_password_file;
	if (o->uuid && sim_device_parse_uuid(o->uuid, f->uuid) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--uuid: \"%s\" is not a UUID", o->uuid);
	if (o->firmware && sim_device_parse_firmware(o->firmware, &f->firmware) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--firmware: \"%s\" is not a version (7.1.20)", o->firmware);
	if (f->firmware.major < 2)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--firmware: AMT %s takes no PID and PPS; 2.0 to 10 do",
				 o->firmware);
	if (o->reads_version && sbin_version_parse(o->reads_version, &f->bios.reads) < 0)
		return fault_set(fault, KIT_ERR_ARGUMENT,
				 "--reads-version: \"%s\" is not a version of setup.bin",
				 o->reads_version);
	return parse_pki(o, f, fault);
}

int factory_make(const struct factory *f, const uint8_t *uuid, const char *file,
		 struct sim_device *d, struct fault *fault)
{
	int rc = sim_device_factory(d, uuid, f->firmware, file, fault);

	if (rc == 0 && f->mebx_password_file)
		rc = secret_read(f->mebx_password_file, "MEBx password", d->mebx, sizeof(d->mebx),
				 fault);
	if (rc == 0)
		d->pki = f->pki;
	return rc;
}

int life_check(const struct life_options *o, struct fault *fault)
{
	struct sim_address server;
	int rc = 0;

	if (o->server && strcmp(o->server, SERVER_OF_STICK) != 0)
		rc = sim_address_parse(o->server, SIM_SERVER_PORT, &server, fault);
	if (rc == 0)
		rc = sim_calls_check(o->habits.refuse, false, "refuse", fault);
	if (rc == 0)
		rc = sim_calls_check(o->habits.answer_to, true, "answer-to", fault);
	return rc;
}

static int print_report(struct cli *cli, const struct sim_fleet *f,
			const struct sim_life_report *r, json_t *booted)
{
	json_t *j;

	if (cli->json) {
		j = json_pack("{sI sI sI sI sf}", "devices", (json_int_t)f->n, "configured",
			      (json_int_t)r->configured, "hellos", (json_int_t)r->hellos,
			      "hellos_failed", (json_int_t)r->unsent, "seconds", r->seconds);
		if (j && booted)
			json_object_set(j, "boot", booted);
		return cli_print_json(cli, j);
	}
	if (!cli->quiet)
		printf("%zu of %zu configured, %zu hello%s (%zu failed), %.2f s\n", r->configured,
		       f->n, r->hellos, plural(r->hellos), r->unsent, r->seconds);
	return EXIT_YES;
}

static void say(void *context, const char *text)
{
	cli_note(context, "%s", text);
}

/* Where hellos go. */
static int find_server(const struct life_options *o, const struct sim_device *d,
		       struct sim_address *out, struct fault *fault)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in = { htonl(d->pki.server) };

	if (strcmp(o->server, SERVER_OF_STICK) != 0)
		return sim_address_parse(o->server, SIM_SERVER_PORT, out, fault);
	if (d->pki.server == 0)
		return fault_set(fault, KIT_ERR_ARGUMENT, "--server %s: the stick names no server "
				 "(2/17)", SERVER_OF_STICK);
	inet_ntop(AF_INET, &in, text, sizeof(text));
	return sim_address_parse(text, d->pki.port ? d->pki.port : SIM_SERVER_PORT, out, fault);
}

int life_live(struct cli *cli, struct sim_fleet *f, const struct life_options *o, uint64_t window,
	      bool verbose, int signals, json_t *booted)
{
	struct sim_life life = {
		.window = window,
		.retry = o->retry * 1000,
		.hellos = (unsigned)o->hellos,
		.limit = o->until_configured * 1000,
		.until_configured = o->until_configured > 0,
	};
	struct sim_service *service = NULL;
	struct sim_life_report report = { 0 };
	struct sim_address server;
	struct fault fault = { 0 };
	int rc = 0, status;

	f->habits = o->habits;
	if (verbose) {
		f->event = say;
		f->context = cli;
	}
	if (o->server) {
		rc = find_server(o, f->devices, &server, &fault);
		life.server = &server;
	}
	if (rc == 0)
		rc = sim_service_start(&service, f, o->port, o->plain_port, &fault);
	if (rc == 0)
		rc = sim_life_run(f, service, &life, signals, &report, &fault);
	sim_service_stop(&service);
	status = rc < 0 ? cli_fail(cli, &fault) : print_report(cli, f, &report, booted);
	json_decref(booted);
	if (status != EXIT_YES)
		return status;
	return life.until_configured && report.configured < f->n ? EXIT_NO : EXIT_YES;
}
