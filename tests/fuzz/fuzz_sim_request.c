/* Fuzz the requests to a simulated machine: every answer is sound XML, and nothing breaks. */
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

#include "samples/amt-sim/sim-class.h"
#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-digest.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-wsman.h"
#include "samples/amt-sim/sim-xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte chooses: 'w' WS-Management, 'd' a header Authorization. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sim_habits habits = { .answer = SIM_ANSWER_GOOD };
	static const uint8_t secret[SIM_DIGEST_SECRET] = "x";
	char call[SIM_CALL_NAME], header[4096];
	struct sim_xml_answer a;
	struct sim_device d;
	unsigned status, http;
	const char *text;
	size_t n;

	if (size < 1)
		return 0;
	if (data[0] == 'd') {
		if (size > sizeof(header))
			return 0;
		memcpy(header, data + 1, size - 1);
		header[size - 1] = '\0';
		if (sim_digest_check(secret, header, "POST", "/wsman", "realm", "admin", secret,
				     5) ==
		    SIM_DIGEST_OK)
			abort();
		return 0;
	}
	if (sim_device_factory(&d, NULL, (struct sim_device_firmware){ 7, 0, 0 }, NULL, NULL) < 0)
		abort();
	d.state = SIM_DEVICE_IN;
	if (sim_xml_answer_begin(&a) < 0)
		abort();
	http = sim_wsman_answer(&d, &habits, (const char *)data + 1, size - 1, call, &status, &a);
	text = sim_xml_answer_end(&a, &n);
	if (http != 200 && http != 400)
		abort();
	if (strlen(call) >= SIM_CALL_NAME || d.state == SIM_DEVICE_POST)
		abort();	/* no single request sets a machine up */
	xmlDoc *doc = xmlReadMemory(text, (int)n, NULL, NULL, XML_PARSE_NONET | XML_PARSE_NOERROR);
	if (!doc)
		abort();
	xmlFreeDoc(doc);
	sim_xml_answer_clear(&a);
	sim_device_clear(&d);
	return 0;
}
