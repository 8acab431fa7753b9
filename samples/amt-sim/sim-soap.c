/* SOAP ("EOI") as a device answers it: AMT 2.x to 8.x. */
#include "samples/amt-sim/sim-soap.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "common/secret.h"
#include "samples/amt-sim/sim-setup.h"

#define INTEL_IANA	"343"

struct service {
	const char *path;
	const char *name_space;
};

static const struct service security = {
	"/SecurityAdministrationService", SIM_SOAP_SCHEMA "SecurityAdministration/2004/01",
};
static const struct service network = {
	"/NetworkAdministrationService", SIM_SOAP_SCHEMA "NetworkAdministration/2004/01",
};
static const struct service network_time = {
	"/NetworkTimeService", SIM_SOAP_SCHEMA "NetworkTime/2004/01",
};
static const struct service remote = {
	"/RemoteControlService", SIM_SOAP_SCHEMA "RemoteControl/2004/01",
};
static const struct service *const services[] = { &security, &network, &network_time, &remote };

/*
 * A call is carried out first, and then writes what it returns, if it went well: in an answer
 * the status comes before the values.
 */
struct soap_call {
	const struct service *service;
	const char *name;
	unsigned (*run)(struct sim_device *d, const xmlNode *input);   /* NULL: always goes well */
	void (*write)(struct sim_device *d, struct sim_xml_answer *a); /* NULL: nothing */
};

static void write_version(struct sim_device *d, struct sim_xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "%u.%u.%u", d->firmware.major, d->firmware.minor,
		 d->firmware.build);
	sim_xml_element(a, "Version", version);
}

static void write_realm(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_element(a, "DigestRealm", d->realm);
}

/* Shown only to who sets the machine up; "" stands for none. */
static void write_otp(struct sim_device *d, struct sim_xml_answer *a)
{
	gnutls_datum_t raw = { (unsigned char *)d->pki.otp, (unsigned)strlen(d->pki.otp) };
	gnutls_datum_t text = { NULL, 0 };

	if (d->pki.otp[0] == '\0' || gnutls_base64_encode2(&raw, &text) < 0) {
		sim_xml_element(a, "OTP", "");
		return;
	}
	sim_xml_element(a, "OTP", (const char *)text.data);
	secret_wipe(text.data, text.size);
	gnutls_free(text.data);
}

static void write_host(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_element(a, "HostName", d->host);
}

static void write_domain(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_element(a, "DomainName", d->domain);
}

static void write_clock(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_number(a, "Ta0", sim_setup_clock(d));
}

static void write_power(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_number(a, "SystemPowerState", d->off ? 5 : 0); /* S5, S0 */
}

/* What a desktop of that time offered: no serial or disk redirection, all power commands. */
static void write_capabilities(struct sim_device *d, struct sim_xml_answer *a)
{
	sim_xml_element(a, "IanaOemNumber", INTEL_IANA);
	sim_xml_number(a, "OemDefinedCapabilities", 0);
	sim_xml_number(a, "SpecialCommandsSupported", 0);
	sim_xml_number(a, "SystemCapabilitiesSupported", 0xf);
	sim_xml_number(a, "SystemFirmwareCapabilities", 0);
}

static unsigned run_admin(struct sim_device *d, const xmlNode *input)
{
	const xmlNode *entry = sim_xml_child(input, "EntryEx");

	return sim_setup_admin(d, sim_xml_child_text(entry, "Username"),
			       sim_xml_child_text(entry, "DigestPassword"), false);
}

static unsigned run_host(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_host(d, sim_xml_child_text(input, "HostName"));
}

static unsigned run_domain(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_domain(d, sim_xml_child_text(input, "DomainName"));
}

static unsigned run_mebx(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_mebx(d, sim_xml_child_text(input, "Password"));
}

static unsigned run_psk(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_psk(d, sim_xml_child_text(input, "PID"), sim_xml_child_text(input, "PPS"));
}

static unsigned run_clock(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_set_clock(d, sim_xml_child_text(input, "Ta0"),
				   sim_xml_child_text(input, "Tm1"),
				   sim_xml_child_text(input, "Tm2"));
}

/* Commands: 16 reset, 17 power up, 18 power down, 19 power cycle. */
static unsigned run_power(struct sim_device *d, const xmlNode *input)
{
	const char *command = sim_xml_child_text(input, "Command");
	const char *oem = sim_xml_child_text(input, "IanaOemNumber");

	if (!oem || strcmp(oem, INTEL_IANA) != 0)
		return SIM_UNSUPPORTED_OEM;
	if (!command || strlen(command) != 2 || command[0] != '1' || command[1] < '6' ||
	    command[1] > '9')
		return SIM_INVALID_COMMAND;
	d->off = command[1] == '8';
	return SIM_OK;
}

static unsigned run_otp(struct sim_device *d, const xmlNode *input)
{
	return d->state == SIM_DEVICE_IN ? (unsigned)SIM_OK : SIM_INVALID_STATE;
}

static unsigned run_extend(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_extend(d, sim_xml_child_text(input, "Duration"));
}

static unsigned run_commit(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_commit(d);
}

static unsigned run_unprovision(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_unprovision(d);
}

static unsigned run_partial_unprovision(struct sim_device *d, const xmlNode *input)
{
	return sim_setup_partial_unprovision(d);
}

static const struct soap_call calls[] = {
	{ &security, "GetCoreVersion", NULL, write_version },
	{ &security, "GetDigestRealm", NULL, write_realm },
	{ &security, "GetProvisioningServerOTP", run_otp, write_otp },
	{ &security, "ExtendProvisioningPeriod", run_extend, NULL },
	{ &security, "SetAdminAclEntryEx", run_admin, NULL },
	{ &security, "SetMEBxPassword", run_mebx, NULL },
	{ &security, "SetTLSPSK", run_psk, NULL },
	{ &security, "CommitChanges", run_commit, NULL },
	{ &security, "Unprovision", run_unprovision, NULL },
	{ &security, "PartialUnprovision", run_partial_unprovision, NULL },
	{ &network, "GetHostName", NULL, write_host },
	{ &network, "SetHostName", run_host, NULL },
	{ &network, "GetDomainName", NULL, write_domain },
	{ &network, "SetDomainName", run_domain, NULL },
	{ &network_time, "GetLowAccuracyTimeSynch", NULL, write_clock },
	{ &network_time, "SetHighAccuracyTimeSynch", run_clock, NULL },
	{ &remote, "GetSystemPowerState", NULL, write_power },
	{ &remote, "GetRemoteControlCapabilities", NULL, write_capabilities },
	{ &remote, "RemoteControl", run_power, NULL },
};

const char *sim_soap_call(size_t i)
{
	return i < sizeof(calls) / sizeof(calls[0]) ? calls[i].name : NULL;
}

static const struct service *find_service(const char *path)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
		if (strcmp(services[i]->path, path) == 0)
			return services[i];
	return NULL;
}

bool sim_soap_has_path(const char *path)
{
	return find_service(path) != NULL;
}

static const struct soap_call *find_call(const struct service *service, const xmlNode *input)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].service == service &&
		    sim_xml_is(input, calls[i].name, service->name_space))
			return &calls[i];
	return NULL;
}

static unsigned answer_fault(struct sim_xml_answer *a, const char *text)
{
	sim_xml_open(a, "s:Fault");
	sim_xml_element(a, "faultcode", "s:Client");
	sim_xml_element(a, "faultstring", text);
	sim_xml_close(a);
	return 500;
}

static unsigned answer(struct sim_device *d, const struct sim_habits *habits,
		       const struct soap_call *c, const xmlNode *input, unsigned *status,
		       struct sim_xml_answer *a)
{
	char name[SIM_CALL_NAME + sizeof("Response")];

	if (!sim_habits_refuse(habits, d, c->name, status))
		*status = !c->run ? (unsigned)SIM_OK : c->run(d, input);
	snprintf(name, sizeof(name), "%sResponse", c->name);
	sim_xml_open(a, name);
	sim_xml_attribute(a, "xmlns", c->service->name_space);
	sim_xml_number(a, "StatusCode", *status);
	if (*status == SIM_OK && c->write)
		c->write(d, a);
	sim_xml_close(a);
	return 200;
}

unsigned sim_soap_answer(struct sim_device *d, const struct sim_habits *habits, const char *path,
			 const char *data, size_t size, char *call, unsigned *status,
			 struct sim_xml_answer *a)
{
	struct sim_xml_request q;
	const struct soap_call *c;
	unsigned http;

	*status = 0;
	strcpy(call, SIM_CALL_UNKNOWN);
	sim_xml_open(a, "s:Envelope");
	sim_xml_attribute(a, "xmlns:s", SIM_XML_SOAP11);
	sim_xml_open(a, "s:Body");
	if (sim_xml_request_parse(&q, data, size, SIM_XML_SOAP11) < 0) {
		http = answer_fault(a, "this is not a SOAP 1.1 envelope");
	} else if (!(c = find_call(find_service(path), q.call))) {
		http = answer_fault(a, "the service has no such call");
	} else {
		snprintf(call, SIM_CALL_NAME, "%s", c->name);
		http = answer(d, habits, c, q.call, status, a);
	}
	sim_xml_request_clear(&q);
	sim_xml_close(a);
	sim_xml_close(a);
	return http;
}
