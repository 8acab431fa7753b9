/* The steps of set-up in WS-Management and SOAP: what each says, what it takes from the answer. */
#include "server/setup/setup-private.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/hostname.h"
#include "common/secret.h"

/* ---- fields of requests ---- */

static size_t put(struct wsman_field *f, size_t n, const char *name, const char *value)
{
	f[n] = (struct wsman_field){ .name = name, .value = value };
	return n + 1;
}

/* Base64 of MD5(user:realm:password), as HTTP Digest has it (RFC 2617, A1). */
static int digest_a1(struct setup *s)
{
	const struct setup_login *a = &s->target.admin;
	char text[sizeof(a->user) + sizeof(s->realm) + sizeof(a->password) + 3];
	unsigned char md5[EVP_MAX_MD_SIZE];
	int n, rc = 0;

	n = snprintf(text, sizeof(text), "%s:%s:%s", a->user, s->realm, a->password);
	if (!EVP_Digest(text, (size_t)n, md5, NULL, EVP_md5(), NULL))
		rc = fault_set(&s->fault, KIT_ERR_CRYPTO, "OpenSSL refuses MD5, which AMT's "
				"Digest accounts are made of");
	else
		EVP_EncodeBlock((unsigned char *)s->digest, md5, 16);
	secret_wipe(text, sizeof(text));
	secret_wipe(md5, sizeof(md5));
	return rc;
}

static size_t fields_admin(struct setup *s, struct wsman_field *f, int64_t now)
{
	if (digest_a1(s))
		return 0;
	return put(f, put(f, 0, "Username", s->target.admin.user), "DigestPassword", s->digest);
}

/*
 * The machine's clock is set from when its own was read (Ta0), when that was heard here
 * (Tm1), and when this is sent (Tm2).
 */
static size_t fields_clock(struct setup *s, struct wsman_field *f, int64_t now)
{
	snprintf(s->ta0, sizeof(s->ta0), "%u", s->device_time);
	snprintf(s->tm1, sizeof(s->tm1), "%u", (uint32_t)s->device_time_heard);
	snprintf(s->tm2, sizeof(s->tm2), "%u", (uint32_t)now);
	return put(f, put(f, put(f, 0, "Ta0", s->ta0), "Tm1", s->tm1), "Tm2", s->tm2);
}

/* Everything as it was read, with the names replaced, or added if there were none. */
static size_t fields_settings(struct setup *s, struct wsman_field *f, int64_t now)
{
	bool host = false, domain = false;
	size_t n = 0;

	for (size_t i = 0; i < xml_answer_count(s->settings); i++) {
		const char *name = xml_answer_name_at(s->settings, i);
		const char *value = xml_answer_value_at(s->settings, i);

		if (strcmp(name, "HostName") == 0) {
			value = s->target.host;
			host = true;
		} else if (strcmp(name, "DomainName") == 0) {
			value = s->target.domain;
			domain = true;
		}
		n = put(f, n, name, value);
	}
	if (!host)
		n = put(f, n, "HostName", s->target.host);
	if (!domain)
		n = put(f, n, "DomainName", s->target.domain);
	return n;
}

static size_t fields_host(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "HostName", s->target.host);
}

static size_t fields_domain(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "DomainName", s->target.domain);
}

static size_t fields_mebx(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "Password", s->target.mebx_password);
}

static size_t fields_wait(struct setup *s, struct wsman_field *f, int64_t now)
{
	snprintf(s->hours, sizeof(s->hours), "%u", s->target.wait_hours);
	return put(f, 0, "Duration", s->hours);
}

static size_t fields_pair(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, put(f, 0, "PID", s->target.pair.pid), "PPS", s->target.pair.pps);
}

static size_t fields_generate(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, put(f, 0, "KeyAlgorithm", "0"), "KeyLength", "2048");
}

static size_t fields_pull(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "EnumerationContext", s->enumeration);
}

static size_t fields_certificate(struct setup *s, struct wsman_field *f, int64_t now)
{
	return put(f, 0, "CertificateBlob", s->certificate);
}

static size_t fields_context(struct setup *s, struct wsman_field *f, int64_t now)
{
	f[0] = (struct wsman_field){ .name = "ElementInContext", .value = s->certificate_handle,
				     .class_name = "AMT_PublicKeyCertificate",
				     .selector = "InstanceID" };
	f[1] = (struct wsman_field){ .name = "ElementProvidingContext",
				     .value = "TLSProtocolEndpointInstances Collection",
				     .class_name = "AMT_TLSProtocolEndpointCollection",
				     .selector = "ElementName" };
	return 2;
}

#define REMOTE "Intel(r) AMT 802.3 TLS Settings"

/*
 * Of the network interface alone: with that of the local one in the same commit, firmware ignores
 * both. Plain connections stay possible, for programs of before.
 */
static size_t fields_tls(struct setup *s, struct wsman_field *f, int64_t now)
{
	size_t n = put(f, 0, "AcceptNonSecureConnections", "true");

	n = put(f, n, "ElementName", REMOTE);
	n = put(f, n, "Enabled", "true");
	n = put(f, n, "InstanceID", REMOTE);
	return put(f, n, "MutualAuthentication", "false");
}

/* ---- what answers say ---- */

static int take_realm(struct setup *s, struct xml_answer **a)
{
	const char *realm = xml_answer_value(*a, "DigestRealm");

	if (!realm || !*realm || strlen(realm) >= sizeof(s->realm))
		return fault_set(&s->fault, KIT_ERR_PROTOCOL,
				 "DigestRealm is missing or invalid");
	strcpy(s->realm, realm);
	return 0;
}

static int take_settings(struct setup *s, struct xml_answer **a)
{
	int rc = take_realm(s, a);

	xml_answer_free(&s->settings);
	s->settings = *a;
	*a = NULL;
	return rc;
}

static int take_uuid(struct setup *s, struct xml_answer **a)
{
	const char *text = xml_answer_value(*a, "PlatformGUID");
	struct uuid smbios;
	char shown[UUID_SHOWN + 1];

	if (!text || uuid_parse(text, &smbios))
		return fault_set(&s->fault, KIT_ERR_PROTOCOL, "PlatformGUID is missing or is not a "
				 "UUID");
	/* Its 32 digits are the bytes in the order of SMBIOS. */
	uuid_from_smbios(smbios.bytes, &s->facts.uuid);
	s->facts.has_uuid = true;
	if (!setup_uuid_differs(s))
		return 0;
	uuid_show(&s->facts.uuid, shown);
	return fault_set(&s->fault, KIT_ERR_REFUSED, "the machine that answers is %s, not the one "
			 "that said hello\n"
			 "two machines may have taken the same key, from copies of one setup.bin, "
			 "or somebody forged the hello: give one of them a key of its own", shown);
}

static int take_version(struct setup *s, struct xml_answer **a)
{
	const char *v = xml_answer_value(*a, "VersionString");
	struct setup_facts *f = &s->facts;

	if (!v)
		v = xml_answer_value(*a, "Version");
	if (!v || strlen(v) >= sizeof(f->version) || v[strspn(v, "0123456789.")] ||
	    sscanf(v, "%3u.%3u", &f->major, &f->minor) != 2) {
		s->notes |= SETUP_NOTE_NO_VERSION;
		return 0;
	}
	strcpy(f->version, v);
	return 0;
}

/* The bytes of TEXT, which may be NULL, in base64; 0: none, or more than SIZE. */
static size_t decode(const char *text, unsigned char *out, size_t size)
{
	size_t n = text ? strlen(text) : 0;
	int got = 0;

	if (n && n % 4 == 0 && n / 4 * 3 <= size)
		got = EVP_DecodeBlock(out, (const unsigned char *)text, (int)n);
	for (size_t i = n; got > 0 && i > n - 2 && text[i - 1] == '='; i--)
		got--;
	return got > 0 ? (size_t)got : 0;
}

/*
 * Base64 of up to SETUP_OTP bytes, filled up with zeros; all zeros: it has none. One that makes no
 * sense counts as none: it equals no other.
 */
static void take_otp_value(struct setup *s, const char *text)
{
	unsigned char bytes[SETUP_OTP * 2];
	size_t got = decode(text, bytes, sizeof(bytes));

	secret_wipe(s->facts.otp, sizeof(s->facts.otp));
	if (got <= SETUP_OTP)
		memcpy(s->facts.otp, bytes, got);
	secret_wipe(bytes, sizeof(bytes));
}

static int take_otp(struct setup *s, struct xml_answer **a)
{
	const char *text = xml_answer_value(*a, "ProvisioningServerOTP");

	take_otp_value(s, text ? text : xml_answer_value(*a, "OTP"));
	return 0;
}

static void take_suffix(const struct xml_answer *a, const char *name, char *out)
{
	const char *text = xml_answer_value(a, name);

	if (!text || strlen(text) > SETUP_SUFFIX || !hostname_is_dns_name(text, strlen(text), true))
		text = "";
	strcpy(out, text);
}

static int take_state(struct setup *s, struct xml_answer **a)
{
	uint32_t state;

	if (xml_answer_number(*a, "ProvisioningState", &state) || state > 2)
		return fault_set(&s->fault, KIT_ERR_PROTOCOL,
				 "ProvisioningState is missing or invalid");
	s->facts.state = (int)state;
	if (!s->by_certificate || s->planned)
		return 0;
	take_suffix(*a, "DhcpDNSSuffix", s->facts.dhcp_suffix);
	take_suffix(*a, "TrustedDNSSuffix", s->facts.trusted_suffix);
	return take_otp(s, a);
}

/* Until its account is made, the MEBx password is that of admin, too; some take it at once. */
static int take_mebx(struct setup *s, struct xml_answer **a)
{
	if (s->login < 0)
		return 0;
	s->logins[0] = s->logins[s->login];
	strcpy(s->logins[1].user, "admin");
	strcpy(s->logins[1].password, s->target.mebx_password);
	s->n_logins = 2;
	s->login = 0;
	return 0;
}

/* The account is made: it is the one to use now, and the old one if that is refused still. */
static int take_admin(struct setup *s, struct xml_answer **a)
{
	if (s->login >= 0) {
		s->logins[1] = s->logins[s->login];
		s->n_logins = 2;
		s->login = 0;
	} else {
		s->n_logins = 1;
	}
	s->logins[0] = s->target.admin;
	return 0;
}

static int take_clock(struct setup *s, struct xml_answer **a)
{
	if (xml_answer_number(*a, "Ta0", &s->device_time))
		s->notes |= SETUP_NOTE_NO_CLOCK;
	return 0;
}

/* Copy a text that the machine gave; "" when it is missing or too long. */
static void copy(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text && strlen(text) < size ? text : "");
}

static int no_tls(struct setup *s)
{
	s->notes |= SETUP_NOTE_NO_TLS;
	return 0;
}

#define HANDLE_IN "/ReferenceParameters/SelectorSet/Selector"

static int take_pair(struct setup *s, struct xml_answer **a)
{
	copy(s->key_handle, sizeof(s->key_handle), xml_answer_nested(*a, "KeyPair" HANDLE_IN, 0));
	return 0;
}

static int take_enumeration(struct setup *s, struct xml_answer **a)
{
	copy(s->enumeration, sizeof(s->enumeration), xml_answer_value(*a, "EnumerationContext"));
	return *s->enumeration ? 0 : no_tls(s);
}

#define PAIRS "Items/AMT_PublicPrivateKeyPair/"

/*
 * The pair that was just made. A machine that refused to make one has one already, to which a
 * certificate is bound: that gets the new one.
 */
static int take_key(struct setup *s, struct xml_answer **a)
{
	const char *name;
	size_t i = 0;

	while (*s->key_handle && (name = xml_answer_nested(*a, PAIRS "InstanceID", i)) &&
	       strcmp(name, s->key_handle) != 0)
		i++;
	s->key_size = decode(xml_answer_nested(*a, PAIRS "DERKey", i), s->key, sizeof(s->key));
	return s->key_size ? 0 : no_tls(s);
}

static int take_certificate(struct setup *s, struct xml_answer **a)
{
	copy(s->certificate_handle, sizeof(s->certificate_handle),
	     xml_answer_nested(*a, "CreatedCertificate" HANDLE_IN, 0));
	return *s->certificate_handle ? 0 : no_tls(s);
}

static int take_context(struct setup *s, struct xml_answer **a)
{
	s->has_context = xml_answer_has(*a, "Items/AMT_TLSCredentialContext");
	return 0;
}

static int take_commit(struct setup *s, struct xml_answer **a)
{
	s->committed = true;
	return 0;
}

/* No answer came to the commit; but what is read back shows that it was carried out. */
static void note_commit(struct setup *s)
{
	s->notes |= SETUP_NOTE_NO_COMMIT_ANSWER;
	s->committed = true;
}

static int take_state_back(struct setup *s, struct xml_answer **a)
{
	int rc = take_state(s, a);

	if (!rc && s->facts.state != 2)
		rc = fault_set(&s->fault, KIT_ERR_STATE, s->commit_lost
			       ? "the connection ended at CommitChanges, and the machine's "
				 "ProvisioningState is %d, not 2"
			       : "the machine took CommitChanges, but its ProvisioningState is %d, "
				 "not 2", s->facts.state);
	if (!rc && s->commit_lost)
		note_commit(s);
	return rc;
}

static int take_host_back(struct setup *s, struct xml_answer **a)
{
	const char *host = xml_answer_value(*a, "HostName");

	if (*s->target.host && (!host || strcasecmp(host, s->target.host) != 0))
		return fault_set(&s->fault, KIT_ERR_VERIFY,
				 "HostName is not the one that was set");
	if (s->commit_lost)
		note_commit(s);
	return 0;
}

/* ---- the steps ---- */

static bool wants_clock(const struct setup *s)
{
	return s->target.set_clock;
}

static bool wants_set_clock(const struct setup *s)
{
	return s->target.set_clock && !(s->notes & SETUP_NOTE_NO_CLOCK);
}

static bool wants_names(const struct setup *s)
{
	return *s->target.host;
}

static bool wants_otp(const struct setup *s)
{
	return s->wants_otp;
}

static bool wants_mebx_first(const struct setup *s)
{
	return s->by_certificate && *s->target.mebx_password;
}

static bool wants_mebx(const struct setup *s)
{
	return !s->by_certificate && *s->target.mebx_password;
}

static bool wants_tls(const struct setup *s)
{
	return s->target.tls && !(s->notes & SETUP_NOTE_NO_TLS);
}

/* Where there is one, another is answered as if it were made, and nothing has changed. */
static bool wants_new_context(const struct setup *s)
{
	return wants_tls(s) && !s->has_context;
}

static bool wants_other_context(const struct setup *s)
{
	return wants_tls(s) && s->has_context;
}

static bool wants_pair(const struct setup *s)
{
	return *s->target.pair.pid;
}

/* No default: the compiler misses the note that has no text. */
const char *setup_note_text(enum setup_note note)
{
	switch (note) {
	case SETUP_NOTE_NO_UUID:
		return "its UUID cannot be read";
	case SETUP_NOTE_NO_VERSION:
		return "its AMT version cannot be read";
	case SETUP_NOTE_NO_CLOCK:
		return "its clock could not be set";
	case SETUP_NOTE_NO_NAMES:
		return "it refused the host and domain name";
	case SETUP_NOTE_NO_MEBX:
		return "it refused the new MEBx password and keeps the old one";
	case SETUP_NOTE_NO_PAIR:
		return "it refused a new key, and keeps the one that it has, if any";
	case SETUP_NOTE_MEBX_UNCLEAR:
		return "whether it took the new MEBx password is not known, and the map keeps both";
	case SETUP_NOTE_NO_LOGIN:
		return "it asked for no password after the commit, so which one it has is not "
		       "proved, and the map keeps both";
	case SETUP_NOTE_OLD_LOGIN:
		return "it takes the admin password from before, not the new one, and the map "
		       "keeps both";
	case SETUP_NOTE_NO_OTP:
		return "its one-time password cannot be read";
	case SETUP_NOTE_NO_WAIT:
		return "it does not prolong the time for which it waits";
	case SETUP_NOTE_NO_COMMIT_ANSWER:
		return "the connection ended at the commit, but it is set up";
	case SETUP_NOTE_NO_TLS:
		return "it has no TLS with a certificate of its own";
	case SETUP_NOTE_NO_READ_BACK:
		return "its set-up was committed, but could not be read back";
	}
	return "it refused something";
}

#define CONFIGURATION "AMT_SetupAndConfigurationService"
#define CLOCK "AMT_TimeSynchronizationService"
#define SETTINGS "AMT_GeneralSettings"
#define KEYS "AMT_PublicKeyManagementService"
#define KEY_PAIR "AMT_PublicPrivateKeyPair"
#define CONTEXT "AMT_TLSCredentialContext"

const struct setup_step setup_steps[] = {
	{ .name = "read the general settings", .take = take_settings,
	  .wsman = { .verb = WSMAN_GET, .class_name = SETTINGS } },
	{ .name = "read the AMT version", .take = take_version, .note = SETUP_NOTE_NO_VERSION,
	  .soap = { .service = SOAP_SECURITY, .call = "GetCoreVersion" } },
	{ .name = "read the digest realm", .take = take_realm,
	  .soap = { .service = SOAP_SECURITY, .call = "GetDigestRealm" } },
	{ .name = "read the UUID", .take = take_uuid, .note = SETUP_NOTE_NO_UUID,
	  .wsman = { .verb = WSMAN_GET, .class_name = "CIM_ComputerSystemPackage" } },
	{ .name = "read the AMT version", .take = take_version, .note = SETUP_NOTE_NO_VERSION,
	  .wsman = { .verb = WSMAN_GET, .class_name = "CIM_SoftwareIdentity",
		     .instance = "AMT" } },
	{ .name = "read the set-up state", .take = take_state,
	  .wsman = { .verb = WSMAN_GET, .class_name = CONFIGURATION } },
	{ .name = "read the one-time password", .wanted = wants_otp, .take = take_otp,
	  .note = SETUP_NOTE_NO_OTP,
	  .soap = { .service = SOAP_SECURITY, .call = "GetProvisioningServerOTP" } },

	{ .name = "let the machine wait", .fields = fields_wait,
	  .planned = true, .waits = true, .changes = true, .note = SETUP_NOTE_NO_WAIT,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "ExtendProvisioningPeriod" },
	  .soap = { .service = SOAP_SECURITY, .call = "ExtendProvisioningPeriod" } },
	{ .name = "set the MEBx password", .wanted = wants_mebx_first, .fields = fields_mebx,
	  .take = take_mebx,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_MEBX,
	  .unclear = SETUP_NOTE_MEBX_UNCLEAR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "SetMEBxPassword" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetMEBxPassword" } },
	{ .name = "set the admin account", .fields = fields_admin, .take = take_admin,
	  .secret = true, .planned = true, .changes = true,
	  .wsman = { .verb = WSMAN_CALL, .class_name = "AMT_AuthorizationService",
		     .method = "SetAdminAclEntryEx" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetAdminAclEntryEx",
		    .group = "EntryEx" } },
	{ .name = "read the clock", .wanted = wants_clock, .take = take_clock, .planned = true,
	  .note = SETUP_NOTE_NO_CLOCK,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CLOCK,
		     .method = "GetLowAccuracyTimeSynch" },
	  .soap = { .service = SOAP_TIME, .call = "GetLowAccuracyTimeSynch" } },
	{ .name = "set the clock", .wanted = wants_set_clock, .fields = fields_clock,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_CLOCK,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CLOCK,
		     .method = "SetHighAccuracyTimeSynch" },
	  .soap = { .service = SOAP_TIME, .call = "SetHighAccuracyTimeSynch" } },
	{ .name = "set host and domain name", .wanted = wants_names, .fields = fields_settings,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .wsman = { .verb = WSMAN_PUT, .class_name = SETTINGS } },
	{ .name = "set the host name", .wanted = wants_names, .fields = fields_host,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .soap = { .service = SOAP_NETWORK, .call = "SetHostName" } },
	{ .name = "set the domain name", .wanted = wants_names, .fields = fields_domain,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_NAMES,
	  .soap = { .service = SOAP_NETWORK, .call = "SetDomainName" } },
	{ .name = "set the MEBx password", .wanted = wants_mebx, .fields = fields_mebx,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_MEBX,
	  .unclear = SETUP_NOTE_MEBX_UNCLEAR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "SetMEBxPassword" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetMEBxPassword" } },
	{ .name = "set the new pair of keys", .wanted = wants_pair, .fields = fields_pair,
	  .secret = true, .planned = true, .changes = true, .note = SETUP_NOTE_NO_PAIR,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION, .method = "SetTLSPSK" },
	  .soap = { .service = SOAP_SECURITY, .call = "SetTLSPSK" } },
	{ .name = "make a key pair in the machine", .wanted = wants_tls,
	  .fields = fields_generate, .take = take_pair, .planned = true, .changes = true,
	  .optional = true, .repeats = true,
	  .wsman = { .verb = WSMAN_CALL, .class_name = KEYS, .method = "GenerateKeyPair" } },
	{ .name = "look for its key pairs", .wanted = wants_tls, .take = take_enumeration,
	  .planned = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_ENUMERATE, .class_name = KEY_PAIR } },
	{ .name = "read its public key", .wanted = wants_tls, .fields = fields_pull,
	  .take = take_key, .planned = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_PULL, .class_name = KEY_PAIR } },
	{ .name = "add its certificate", .wanted = wants_tls, .fields = fields_certificate,
	  .take = take_certificate, .planned = true, .changes = true, .certifies = true,
	  .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_CALL, .class_name = KEYS, .method = "AddCertificate" } },
	{ .name = "look for the certificate that it uses", .wanted = wants_tls,
	  .take = take_enumeration, .planned = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_ENUMERATE, .class_name = CONTEXT } },
	{ .name = "read which certificate it uses", .wanted = wants_tls, .fields = fields_pull,
	  .take = take_context, .planned = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_PULL, .class_name = CONTEXT } },
	{ .name = "let it use its certificate", .wanted = wants_new_context,
	  .fields = fields_context, .planned = true, .changes = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_CREATE, .class_name = CONTEXT } },
	{ .name = "let it use its new certificate", .wanted = wants_other_context,
	  .fields = fields_context, .planned = true, .changes = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_PUT, .class_name = CONTEXT } },
	{ .name = "turn its TLS on", .wanted = wants_tls, .fields = fields_tls,
	  .planned = true, .changes = true, .note = SETUP_NOTE_NO_TLS,
	  .wsman = { .verb = WSMAN_PUT, .class_name = "AMT_TLSSettingData",
		     .instance = REMOTE } },
	{ .name = "commit the changes", .take = take_commit, .commits = true,
	  .planned = true, .changes = true,
	  .wsman = { .verb = WSMAN_CALL, .class_name = CONFIGURATION,
		     .method = "CommitChanges" },
	  .soap = { .service = SOAP_SECURITY, .call = "CommitChanges" } },
	{ .name = "read the set-up state back", .take = take_state_back,
	  .planned = true, .logs_in = true,
	  .wsman = { .verb = WSMAN_GET, .class_name = CONFIGURATION } },
	{ .name = "read the host name back", .take = take_host_back,
	  .planned = true, .logs_in = true,
	  .soap = { .service = SOAP_NETWORK, .call = "GetHostName" } },
};
const size_t setup_n_steps = sizeof(setup_steps) / sizeof(*setup_steps);
