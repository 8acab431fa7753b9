/* WS-Management as a device answers it: AMT 3.0 and later. */
#ifndef SAMPLES_AMT_SIM_SIM_WSMAN_H
#define SAMPLES_AMT_SIM_SIM_WSMAN_H

#include <stddef.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-xml.h"

/* Namespaces of the protocol. */
#define SIM_WSMAN_ADDRESSING  "http://schemas.xmlsoap.org/ws/2004/08/addressing"
#define SIM_WSMAN_TRANSFER    "http://schemas.xmlsoap.org/ws/2004/09/transfer"
#define SIM_WSMAN_ENUMERATION "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
#define SIM_WSMAN_MANAGEMENT  "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
#define SIM_WSMAN_IDENTITY    "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"

#define SIM_WSMAN_PATH "/wsman"
#define SIM_WSMAN_TYPE "application/soap+xml;charset=UTF-8"

/*
 * Answer the request of SIZE bytes at DATA.
 *
 *   d       the device; changed, and kept, by the calls that say so (sim-setup.h)
 *   habits  what it refuses
 *   call    receives what was asked: a method ("CommitChanges"), or the class that was read
 *           or written ("AMT_GeneralSettings"); SIM_CALL_NAME bytes
 *   status  receives the method's status, 0 for reading and writing
 *   a       the answer, begun by the caller
 * Returns the HTTP status: 200, or 400 with a SOAP fault as the answer.
 */
unsigned sim_wsman_answer(struct sim_device *d, const struct sim_habits *habits, const char *data,
			  size_t size, char *call, unsigned *status, struct sim_xml_answer *a);

#endif
