/* SOAP ("EOI") requests of AMT 2.x. */
#include "amt/soap.h"

#include <stdio.h>

#include "amt/xml.h"

static const struct {
	const char *path;
	const char *name_space;
} services[] = {
	[SOAP_SECURITY] = {
		"/SecurityAdministrationService",
		"http://schemas.intel.com/platform/client/SecurityAdministration/2004/01",
	},
	[SOAP_NETWORK] = {
		"/NetworkAdministrationService",
		"http://schemas.intel.com/platform/client/NetworkAdministration/2004/01",
	},
	[SOAP_TIME] = {
		"/NetworkTimeService",
		"http://schemas.intel.com/platform/client/NetworkTime/2004/01",
	},
};

const char *soap_path(enum soap_service service)
{
	return services[service].path;
}

void soap_action(const struct soap_request *q, char *out, size_t size)
{
	snprintf(out, size, "\"%s#%s\"", services[q->service].name_space, q->call);
}

int soap_write(const struct soap_request *q, struct writer *out)
{
	xml_markup(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope"
		   " xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body><");
	xml_markup(out, q->call);
	xml_markup(out, " xmlns=\"");
	xml_markup(out, services[q->service].name_space);
	xml_markup(out, "\">");
	if (q->group) {
		xml_markup(out, "<");
		xml_markup(out, q->group);
		xml_markup(out, ">");
	}
	for (size_t i = 0; i < q->n_fields; i++)
		xml_element(out, "", q->fields[i].name, q->fields[i].value);
	if (q->group) {
		xml_markup(out, "</");
		xml_markup(out, q->group);
		xml_markup(out, ">");
	}
	xml_markup(out, "</");
	xml_markup(out, q->call);
	xml_markup(out, "></s:Body></s:Envelope>");
	return out->error;
}
