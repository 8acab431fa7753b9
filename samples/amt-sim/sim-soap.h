/* SOAP ("EOI") as a device answers it: AMT 2.x to 8.x. */
#ifndef SAMPLES_AMT_SIM_SIM_SOAP_H
#define SAMPLES_AMT_SIM_SIM_SOAP_H

#include <stdbool.h>
#include <stddef.h>

#include "samples/amt-sim/sim-device.h"
#include "samples/amt-sim/sim-habits.h"
#include "samples/amt-sim/sim-xml.h"

#define SIM_SOAP_TYPE "text/xml; charset=utf-8"

#define SIM_SOAP_SCHEMA "http://schemas.intel.com/platform/client/"

/* The name of the I-th call, from 0; NULL: there are no more. */
const char *sim_soap_call(size_t i);

/* Is there a SOAP service at the HTTP path PATH ("/SecurityAdministrationService")? */
bool sim_soap_has_path(const char *path);

/*
 * Answer the request of SIZE bytes at DATA that came to PATH; the other arguments are as in
 * sim_wsman_answer(). Returns the HTTP status: 200, 500 with a SOAP fault as the answer.
 */
unsigned sim_soap_answer(struct sim_device *d, const struct sim_habits *habits, const char *path,
			 const char *data, size_t size, char *call, unsigned *status,
			 struct sim_xml_answer *a);

#endif
