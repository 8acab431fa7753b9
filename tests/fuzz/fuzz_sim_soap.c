/* Fuzz the SOAP requests to a simulated machine: every answer is sound XML, and nothing breaks. */
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-soap.h"
#include "samples/amt-sim/sim-xml.h"

static const char *const paths[] = {
	"/SecurityAdministrationService", "/NetworkAdministrationService", "/NetworkTimeService",
	"/RemoteControlService",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses the service, the rest is the request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sim_habits habits = { .answer = SIM_ANSWER_GOOD };
	char call[SIM_CALL_NAME];
	struct sim_xml_answer a;
	struct sim_device d;
	unsigned status, http;
	const char *text;
	xmlDoc *doc;
	size_t n;

	if (size < 1)
		return 0;
	if (sim_device_factory(&d, NULL, (struct sim_device_firmware){ 2, 2, 1 }, NULL, NULL) < 0 ||
	    sim_xml_answer_begin(&a) < 0)
		abort();
	d.state = SIM_DEVICE_IN;
	http = sim_soap_answer(&d, &habits, paths[data[0] % (sizeof(paths) / sizeof(paths[0]))],
			       (const char *)data + 1, size - 1, call, &status, &a);
	text = sim_xml_answer_end(&a, &n);
	if (http != 200 && http != 500)
		abort();
	if (strlen(call) >= SIM_CALL_NAME || d.state == SIM_DEVICE_POST)
		abort();	/* no single request sets a machine up */
	doc = xmlReadMemory(text, (int)n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
	if (!doc)
		abort();
	xmlFreeDoc(doc);
	sim_xml_answer_clear(&a);
	sim_device_clear(&d);
	return 0;
}
