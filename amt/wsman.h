/* WS-Management requests as Intel AMT takes them: what the server asks of a device, as XML. */
#ifndef AMT_WSMAN_H
#define AMT_WSMAN_H

#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"

/*
 * What the server sends, in this order, on one HTTPS (TLS-PSK) conversation with keep-alive.
 * Each is a POST to /wsman, Content-Type application/soap+xml;charset=UTF-8, with a
 * Content-Length, no "Expect". The first POST bears no Authorization; a machine that answers 401
 * with a Digest challenge gets the same POST again with user "admin"; one that answers 200 is
 * asked no login. Later requests bear Authorization from the start, under the nonce known
 * (stale=true is honoured).
 *
 * Envelope (SOAP 1.2, prefixes s a w, the body's own prefix is r):
 *   s:Header  a:Action, a:To "/wsman", w:ResourceURI, a:MessageID (a decimal number that
 *             counts up), a:ReplyTo/a:Address = .../addressing/role/anonymous,
 *             w:OperationTimeout PT60S, and w:SelectorSet where there is a selector
 *   s:Body    empty (Get), the instance (Put), or <METHOD_INPUT> (a call)
 * Namespaces:
 *   s  http://www.w3.org/2003/05/soap-envelope
 *   a  http://schemas.xmlsoap.org/ws/2004/08/addressing
 *   w  http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd
 * Resource URIs:
 *   AMT_*, IPS_*  http://intel.com/wbem/wscim/1/amt-schema/1/CLASS
 *   CIM_*         http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CLASS
 * Actions:
 *   Get, Put, Create   http://schemas.xmlsoap.org/ws/2004/09/transfer/Get (.../Put, .../Create)
 *   Enumerate, Pull    http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate (.../Pull);
 *                      their body has that namespace (without the last part), too
 *   a call        RESOURCE-URI/METHOD, and the answer's is that with "Response" added
 *
 *    1  Get   AMT_GeneralSettings                     -> DigestRealm, HostName, DomainName, ...
 *             (404 means no WS-Management here: the SOAP of AMT 2.x is tried, see soap.h)
 *    2  Get   CIM_ComputerSystemPackage               -> PlatformGUID: 32 hex digits, the 16 bytes
 *             in SMBIOS order as the hello has them; must be the hello's UUID
 *    3  Get   CIM_SoftwareIdentity, selector InstanceID=AMT  -> VersionString "7.1.20"
 *    4  Get   AMT_SetupAndConfigurationService        -> ProvisioningState 0 pre, 1 in, 2 post
 *    5  call  AMT_AuthorizationService.SetAdminAclEntryEx(Username, DigestPassword)
 *             DigestPassword is base64 of the 16 bytes MD5(user:realm:password); from the next
 *             request on the new password is used
 *    6  call  AMT_TimeSynchronizationService.GetLowAccuracyTimeSynch()   -> Ta0, seconds of UTC
 *    7  call  AMT_TimeSynchronizationService.SetHighAccuracyTimeSynch(Ta0, Tm1, Tm2)
 *    8  Put   AMT_GeneralSettings: what 1 gave, with HostName and DomainName set
 *    9  call  AMT_SetupAndConfigurationService.SetMEBxPassword(Password)   may be refused
 *   10  call  AMT_SetupAndConfigurationService.SetTLSPSK(PID, PPS)         only when re-keying
 *       Where the machine gets TLS of its own:
 *       call  AMT_PublicKeyManagementService.GenerateKeyPair(KeyAlgorithm 0, KeyLength 2048)
 *             -> KeyPair, a reference; HTTP status 400 while it is not ready
 *       Enumerate, Pull  AMT_PublicPrivateKeyPair      -> Items: InstanceID, DERKey
 *       call  AMT_PublicKeyManagementService.AddCertificate(CertificateBlob)
 *             -> CreatedCertificate, a reference
 *       Enumerate, Pull  AMT_TLSCredentialContext      -> Items: is there one?
 *       Create (Put if there is one) AMT_TLSCredentialContext(ElementInContext,
 *             ElementProvidingContext), both references
 *       Put   AMT_TLSSettingData, selector InstanceID=Intel(r) AMT 802.3 TLS Settings
 *   11  call  AMT_SetupAndConfigurationService.CommitChanges()
 *   12  Get   AMT_SetupAndConfigurationService        -> ProvisioningState must be 2
 *
 * After a crash of the server between 11 and 12 the device is called once more: it goes 1 to 4,
 * and state 2 there with the new password accepted means it is done. So a device that has just
 * been committed still has to take TLS-PSK and answer reads for a while.
 *
 * Answers: a call's body is <METHOD_OUTPUT> with <ReturnValue>, 0 for success, else a
 * status of the device (0x809 data missing, ...). A SOAP fault (s:Fault with s:Code and
 * s:Reason/s:Text) is taken with any HTTP status.
 */
#define WSMAN_PATH		"/wsman"
#define WSMAN_CONTENT_TYPE	"application/soap+xml;charset=UTF-8"

enum wsman_verb {
	WSMAN_GET,
	WSMAN_PUT,
	WSMAN_CALL,
	WSMAN_CREATE,
	WSMAN_ENUMERATE,	/* -> EnumerationContext */
	WSMAN_PULL,		/* its field is that EnumerationContext -> Items */
};

/*
 * One element of a request's body: <r:NAME>VALUE</r:NAME>; the value is escaped. With CLASS_NAME it
 * is a reference to the instance of that class whose key SELECTOR is VALUE.
 */
struct wsman_field {
	const char *name;
	const char *value;	/* may be SECRET */
	const char *class_name, *selector;
};

struct wsman_request {
	enum wsman_verb verb;
	const char *class_name;		/* "AMT_GeneralSettings" */
	const char *method;		/* "CommitChanges"; of WSMAN_CALL only */
	const char *instance;		/* value of the selector InstanceID, or NULL */
	const struct wsman_field *fields;	/* of all but GET and ENUMERATE */
	size_t n_fields;
};

/*
 * Write the request Q as the text of an HTTP body.
 *
 *   message_id  goes into a:MessageID; the answer's RelatesTo repeats it
 *   out         receives the text, no NUL; OUT->at is its length in bytes. The caller
 *               wipes it when a field was a secret
 * Returns 0 or KIT_ERR_RANGE (out is too small), KIT_ERR_FORMAT (a value holds a control
 * character or broken UTF-8, which no XML text can carry).
 */
int wsman_write(const struct wsman_request *q, unsigned message_id, struct writer *out);

#endif
