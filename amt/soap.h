/* SOAP ("EOI") requests of AMT 2.x, which knows no WS-Management, written as XML. */
#ifndef AMT_SOAP_H
#define AMT_SOAP_H

#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"
#include "amt/wsman.h"

/*
 * What the server sends to a device whose /wsman answers 404, in this order. Each is a SOAP 1.1
 * POST, Content-Type text/xml; charset=utf-8, header SOAPAction "NAMESPACE#Call". The body is
 * <Call xmlns="NAMESPACE"> with the arguments, the answer's is <CallResponse> with Status or
 * StatusCode (0 is success) and what was asked for.
 *
 *   service    path                             namespace (schemas.intel.com/platform/client/...)
 *   security   /SecurityAdministrationService   SecurityAdministration/2004/01
 *   network    /NetworkAdministrationService    NetworkAdministration/2004/01
 *   time       /NetworkTimeService              NetworkTime/2004/01
 *
 *   1  security  GetCoreVersion()                            -> Version "2.2.1"
 *   2  security  GetDigestRealm()                            -> DigestRealm
 *   3  security  SetAdminAclEntryEx(EntryEx { Username, DigestPassword })  as in wsman.h
 *   4  time      GetLowAccuracyTimeSynch()                   -> Ta0
 *   5  time      SetHighAccuracyTimeSynch(Ta0, Tm1, Tm2)
 *   6  network   SetHostName(HostName)
 *   7  network   SetDomainName(DomainName)
 *   8  security  SetMEBxPassword(Password)                   may be refused
 *   9  security  SetTLSPSK(PID, PPS)                         only when re-keying
 *  10  security  CommitChanges()
 *  11  network   GetHostName()                               -> HostName: still answers, as named
 *
 * No call is known that gives the UUID or the set-up state of such a device: the hello's UUID
 * is taken, since the PPS was proved.
 */
#define SOAP_CONTENT_TYPE	"text/xml; charset=utf-8"

enum soap_service {
	SOAP_SECURITY,
	SOAP_NETWORK,
	SOAP_TIME,
};

struct soap_request {
	enum soap_service service;
	const char *call;		/* "GetCoreVersion" */
	const char *group;		/* element around the arguments ("EntryEx"), or NULL */
	const struct wsman_field *fields;
	size_t n_fields;
};

/* The path of SERVICE: a static string. */
const char *soap_path(enum soap_service service);

/* The value of the SOAPAction header, quotes and all, into OUT of SIZE bytes (160 will do). */
void soap_action(const struct soap_request *q, char *out, size_t size);

/*
 * Write the request Q as the text of an HTTP body to OUT, as wsman_write() does, with the
 * same errors.
 */
int soap_write(const struct soap_request *q, struct writer *out);

#endif
