/* WS-Management as a device answers it: AMT 3.0 and later. */
#ifndef SAMPLES_AMT_SIM_SIM_WSMAN_H
#define SAMPLES_AMT_SIM_SIM_WSMAN_H

#include <stddef.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-xml.h"

/* Namespaces of the protocol. */
#define WSMAN_ADDRESSING	"http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define WSMAN_TRANSFER		"http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define WSMAN_ENUMERATION	"http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define WSMAN_MANAGEMENT	"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define WSMAN_IDENTITY		"http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"

#define WSMAN_SIM_PATH		"/wsman"
#define WSMAN_SIM_TYPE		"application/soap+xml;charset=UTF-8"

/*
 * Answer the request of SIZE bytes at DATA.
 *
 *   d       the device; changed, and kept, by the calls that say so (amt-sim-setup.h)
 *   habits  what it refuses
 *   call    receives what was asked: a method ("CommitChanges"), or the class that was read
 *           or written ("AMT_GeneralSettings"); CALL_NAME bytes
 *   status  receives the method's status, 0 for reading and writing
 *   a       the answer, begun by the caller
 * Returns the HTTP status: 200, or 400 with a SOAP fault as the answer.
 */
unsigned wsman_answer(struct device *d, const struct habits *habits, const char *data,
		      size_t size, char *call, unsigned *status, struct xml_answer *a);

#endif
