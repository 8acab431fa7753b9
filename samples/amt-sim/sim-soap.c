/* SOAP ("EOI") as a device answers it: AMT 2.x to 8.x. */
#include "samples/amt-sim/sim-soap.h"

#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/sim-setup.h"

#define INTEL_IANA	"343"

struct service {
	const char *path;
	const char *name_space;
};

static const struct service security = {
	"/SecurityAdministrationService", SOAP_SCHEMA "SecurityAdministration/2004/01",
};
static const struct service network = {
	"/NetworkAdministrationService", SOAP_SCHEMA "NetworkAdministration/2004/01",
};
static const struct service network_time = {
	"/NetworkTimeService", SOAP_SCHEMA "NetworkTime/2004/01",
};
static const struct service remote = {
	"/RemoteControlService", SOAP_SCHEMA "RemoteControl/2004/01",
};
static const struct service *const services[] = { &security, &network, &network_time, &remote };

/*
 * A call is carried out first, and then writes what it returns, if it went well: in an answer
 * the status comes before the values.
 */
struct soap_call {
	const struct service *service;
	const char *name;
	unsigned (*run)(struct device *d, const xmlNode *input);	/* NULL: always goes well */
	void (*write)(struct device *d, struct xml_answer *a);		/* NULL: nothing */
};

static void write_version(struct device *d, struct xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "%u.%u.%u", d->firmware.major, d->firmware.minor,
		 d->firmware.build);
	xml_element(a, "Version", version);
}

static void write_realm(struct device *d, struct xml_answer *a)
{
	xml_element(a, "DigestRealm", d->realm);
}

static void write_host(struct device *d, struct xml_answer *a)
{
	xml_element(a, "HostName", d->host);
}

static void write_domain(struct device *d, struct xml_answer *a)
{
	xml_element(a, "DomainName", d->domain);
}

static void write_clock(struct device *d, struct xml_answer *a)
{
	xml_number(a, "Ta0", setup_clock(d));
}

static void write_power(struct device *d, struct xml_answer *a)
{
	xml_number(a, "SystemPowerState", d->off ? 5 : 0);	/* S5, S0 */
}

/* What a desktop of that time offered: no serial or disk redirection, all power commands. */
static void write_capabilities(struct device *d, struct xml_answer *a)
{
	xml_element(a, "IanaOemNumber", INTEL_IANA);
	xml_number(a, "OemDefinedCapabilities", 0);
	xml_number(a, "SpecialCommandsSupported", 0);
	xml_number(a, "SystemCapabilitiesSupported", 0xf);
	xml_number(a, "SystemFirmwareCapabilities", 0);
}

static unsigned run_admin(struct device *d, const xmlNode *input)
{
	const xmlNode *entry = xml_child(input, "EntryEx");

	return setup_admin(d, xml_child_text(entry, "Username"),
			   xml_child_text(entry, "DigestPassword"));
}

static unsigned run_host(struct device *d, const xmlNode *input)
{
	return setup_host(d, xml_child_text(input, "HostName"));
}

static unsigned run_domain(struct device *d, const xmlNode *input)
{
	return setup_domain(d, xml_child_text(input, "DomainName"));
}

static unsigned run_mebx(struct device *d, const xmlNode *input)
{
	return setup_mebx(d, xml_child_text(input, "Password"));
}

static unsigned run_psk(struct device *d, const xmlNode *input)
{
	return setup_psk(d, xml_child_text(input, "PID"), xml_child_text(input, "PPS"));
}

static unsigned run_clock(struct device *d, const xmlNode *input)
{
	return setup_set_clock(d, xml_child_text(input, "Ta0"), xml_child_text(input, "Tm1"),
			       xml_child_text(input, "Tm2"));
}

/* Commands: 16 reset, 17 power up, 18 power down, 19 power cycle. */
static unsigned run_power(struct device *d, const xmlNode *input)
{
	const char *command = xml_child_text(input, "Command");
	const char *oem = xml_child_text(input, "IanaOemNumber");

	if (!oem || strcmp(oem, INTEL_IANA) != 0)
		return AMT_UNSUPPORTED_OEM;
	if (!command || strlen(command) != 2 || command[0] != '1' || command[1] < '6' ||
	    command[1] > '9')
		return AMT_INVALID_COMMAND;
	d->off = command[1] == '8';
	return AMT_OK;
}

static unsigned run_commit(struct device *d, const xmlNode *input)
{
	return setup_commit(d);
}

static unsigned run_unprovision(struct device *d, const xmlNode *input)
{
	return setup_unprovision(d);
}

static unsigned run_partial_unprovision(struct device *d, const xmlNode *input)
{
	return setup_partial_unprovision(d);
}

static const struct soap_call calls[] = {
	{ &security, "GetCoreVersion", NULL, write_version },
	{ &security, "GetDigestRealm", NULL, write_realm },
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

const char *soap_call(size_t i)
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

bool soap_has_path(const char *path)
{
	return find_service(path) != NULL;
}

static const struct soap_call *find_call(const struct service *service, const xmlNode *input)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].service == service &&
		    xml_is(input, calls[i].name, service->name_space))
			return &calls[i];
	return NULL;
}

static unsigned answer_fault(struct xml_answer *a, const char *text)
{
	xml_open(a, "s:Fault");
	xml_element(a, "faultcode", "s:Client");
	xml_element(a, "faultstring", text);
	xml_close(a);
	return 500;
}

static unsigned answer(struct device *d, const struct habits *habits, const struct soap_call *c,
		       const xmlNode *input, unsigned *status, struct xml_answer *a)
{
	char name[CALL_NAME + sizeof "Response"];

	if (!habits_refuse(habits, c->name, status))
		*status = !c->run ? (unsigned)AMT_OK : c->run(d, input);
	snprintf(name, sizeof(name), "%sResponse", c->name);
	xml_open(a, name);
	xml_attribute(a, "xmlns", c->service->name_space);
	xml_number(a, "StatusCode", *status);
	if (*status == AMT_OK && c->write)
		c->write(d, a);
	xml_close(a);
	return 200;
}

unsigned soap_answer(struct device *d, const struct habits *habits, const char *path,
		     const char *data, size_t size, char *call, unsigned *status,
		     struct xml_answer *a)
{
	struct xml_request q;
	const struct soap_call *c;
	unsigned http;

	*status = 0;
	strcpy(call, CALL_UNKNOWN);
	xml_open(a, "s:Envelope");
	xml_attribute(a, "xmlns:s", XML_SOAP11);
	xml_open(a, "s:Body");
	if (xml_request_parse(&q, data, size, XML_SOAP11) < 0) {
		http = answer_fault(a, "this is no SOAP 1.1 envelope");
	} else if ((c = find_call(find_service(path), q.call)) == NULL) {
		http = answer_fault(a, "the service has no such call");
	} else {
		snprintf(call, CALL_NAME, "%s", c->name);
		http = answer(d, habits, c, q.call, status, a);
	}
	xml_request_clear(&q);
	xml_close(a);
	xml_close(a);
	return http;
}
