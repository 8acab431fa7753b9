/* The classes of WS-Management that a device has: their values and their methods. */
#include "samples/amt-sim/sim-class.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/hex.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-setup.h"
#include "samples/amt-sim/sim-store.h"

/* The UUID that the device reports: not the hello's when that is its habit. */
static void reported_uuid(const struct sim_device *d, const struct sim_habits *habits, uint8_t *out)
{
	sim_device_smbios_uuid(d->uuid, out);
	if (habits->wrong_uuid)
		out[15] ^= 0xff;
}

static void flag(struct sim_xml_answer *a, const char *name, bool value)
{
	sim_xml_element(a, name, value ? "true" : "false");
}

static void write_general(const struct sim_device *d, const struct sim_habits *habits,
			  const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_GeneralSettings");
	sim_xml_number(a, "g:AMTNetworkEnabled", 1);
	sim_xml_element(a, "g:DDNSPeriodicUpdateInterval", "1440");
	sim_xml_element(a, "g:DDNSTTL", "900");
	flag(a, "g:DDNSUpdateByDHCPServerEnabled", true);
	flag(a, "g:DDNSUpdateEnabled", false);
	sim_xml_element(a, "g:DigestRealm", d->realm);
	sim_xml_element(a, "g:DomainName", d->domain);
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT: General Settings");
	sim_xml_element(a, "g:HostName", d->host);
	flag(a, "g:HostOSFQDN", false);
	sim_xml_number(a, "g:IdleWakeTimeout", 65535);
	sim_xml_element(a, "g:InstanceID", "Intel(r) AMT: General Settings");
	flag(a, "g:NetworkInterfaceEnabled", true);
	flag(a, "g:PingResponseEnabled", true);
	sim_xml_number(a, "g:PowerSource", 0);
	flag(a, "g:SharedFQDN", true);
	sim_xml_close(a);
}

/* 32 bytes in base64; zeros stand for none. Nobody sees it but who sets the machine up. */
static void write_otp(const struct sim_device *d, struct sim_xml_answer *a)
{
	uint8_t otp[SIM_DEVICE_OTP_MAX] = { 0 };
	gnutls_datum_t raw = { otp, sizeof(otp) }, text = { NULL, 0 };

	if (d->state != SIM_DEVICE_IN)
		return;
	memcpy(otp, d->pki.otp, strlen(d->pki.otp));
	if (gnutls_base64_encode2(&raw, &text) == 0) {
		sim_xml_element(a, "g:ProvisioningServerOTP", (const char *)text.data);
		secret_wipe(text.data, text.size);
		gnutls_free(text.data);
	}
	secret_wipe(otp, sizeof(otp));
}

/* A realm or instance that is not the device's own says that somebody else's settings came. */
static unsigned put_general(struct sim_device *d, const xmlNode *instance)
{
	const char *host = sim_xml_child_text(instance, "HostName");
	const char *domain = sim_xml_child_text(instance, "DomainName");
	const char *realm = sim_xml_child_text(instance, "DigestRealm");
	char host_before[sizeof(d->host)];
	unsigned status;

	if (realm && strcmp(realm, d->realm) != 0)
		return SIM_INVALID_PARAMETER;
	strcpy(host_before, d->host);
	status = sim_setup_host(d, host);
	if (status == SIM_OK) {
		status = sim_setup_domain(d, domain);
		if (status != SIM_OK)
			sim_setup_host(d, host_before);
	}
	return status;
}

static void write_setup(const struct sim_device *d, const struct sim_habits *habits,
			const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_SetupAndConfigurationService");
	sim_xml_element(a, "g:CreationClassName", "AMT_SetupAndConfigurationService");
	sim_xml_element(a, "g:DhcpDNSSuffix", habits->dhcp_suffix ? habits->dhcp_suffix : "");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Setup and Configuration Service");
	sim_xml_number(a, "g:EnabledState", 5);
	sim_xml_element(a, "g:Name", "Intel(r) AMT Setup and Configuration Service");
	sim_xml_number(a, "g:PasswordModel", 1);
	sim_xml_number(a, "g:ProvisioningMode", 1);
	write_otp(d, a);
	sim_xml_number(a, "g:ProvisioningState", d->state);
	sim_xml_number(a, "g:RequestedState", 12);
	sim_xml_element(a, "g:SystemCreationClassName", "CIM_ComputerSystem");
	sim_xml_element(a, "g:SystemName", "Intel(r) AMT");
	sim_xml_element(a, "g:TrustedDNSSuffix", d->pki.suffix);
	flag(a, "g:ZeroTouchConfigurationEnabled", true);
	sim_xml_close(a);
}

static const char *const software[] = { "AMT", "Flash", "Netstack", "AMTApps", NULL };

static void write_software(const struct sim_device *d, const struct sim_habits *habits,
			   const char *instance, struct sim_xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "%u.%u.%u", d->firmware.major, d->firmware.minor,
		 d->firmware.build);
	sim_xml_open(a, "g:CIM_SoftwareIdentity");
	sim_xml_element(a, "g:InstanceID", instance);
	flag(a, "g:IsEntity", true);
	sim_xml_element(a, "g:VersionString", version);
	sim_xml_close(a);
}

static void write_package(const struct sim_device *d, const struct sim_habits *habits,
			  const char *instance, struct sim_xml_answer *a)
{
	char guid[33];
	uint8_t uuid[16];

	reported_uuid(d, habits, uuid);
	hex_show_upper(uuid, sizeof(uuid), guid);
	sim_xml_open(a, "g:CIM_ComputerSystemPackage");
	sim_xml_element(a, "g:PlatformGUID", guid);
	sim_xml_close(a);
}

static void write_authorization(const struct sim_device *d, const struct sim_habits *habits,
				const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_AuthorizationService");
	sim_xml_number(a, "g:AllowHttpQopAuthOnly", 1);
	sim_xml_element(a, "g:CreationClassName", "AMT_AuthorizationService");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Authorization Service");
	sim_xml_number(a, "g:EnabledState", 5);
	sim_xml_element(a, "g:Name", "Intel(r) AMT Authorization Service");
	sim_xml_close(a);
}

static void write_time(const struct sim_device *d, const struct sim_habits *habits,
		       const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_TimeSynchronizationService");
	sim_xml_element(a, "g:CreationClassName", "AMT_TimeSynchronizationService");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Time Synchronization Service");
	sim_xml_number(a, "g:EnabledState", 5);
	sim_xml_number(a, "g:LocalTimeSyncEnabled", 0);
	sim_xml_element(a, "g:Name", "Intel(r) AMT Time Synchronization Service");
	sim_xml_number(a, "g:TimeSource", d->clock_set);
	sim_xml_close(a);
}

static unsigned run_set_admin(struct sim_device *d, const struct sim_habits *habits,
			      const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_admin(d, sim_xml_child_text(input, "Username"),
			       sim_xml_child_text(input, "DigestPassword"),
			       habits->hex_password);
}

static unsigned run_get_admin(struct sim_device *d, const struct sim_habits *habits,
			      const xmlNode *input, struct sim_xml_answer *a)
{
	sim_xml_element(a, "g:Username", d->user);
	return SIM_OK;
}

static unsigned run_admin_status(struct sim_device *d, const struct sim_habits *habits,
				 const xmlNode *input, struct sim_xml_answer *a)
{
	flag(a, "g:IsDefault", !d->admin_set);
	return SIM_OK;
}

static unsigned run_get_clock(struct sim_device *d, const struct sim_habits *habits,
			      const xmlNode *input, struct sim_xml_answer *a)
{
	sim_xml_number(a, "g:Ta0", sim_setup_clock(d));
	return SIM_OK;
}

static unsigned run_set_clock(struct sim_device *d, const struct sim_habits *habits,
			      const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_set_clock(d, sim_xml_child_text(input, "Ta0"),
				   sim_xml_child_text(input, "Tm1"),
				   sim_xml_child_text(input, "Tm2"));
}

static unsigned run_mebx(struct sim_device *d, const struct sim_habits *habits,
			 const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_mebx(d, sim_xml_child_text(input, "Password"));
}

static unsigned run_psk(struct sim_device *d, const struct sim_habits *habits, const xmlNode *input,
			struct sim_xml_answer *a)
{
	return sim_setup_psk(d, sim_xml_child_text(input, "PID"), sim_xml_child_text(input, "PPS"));
}

static unsigned run_commit(struct sim_device *d, const struct sim_habits *habits,
			   const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_commit(d);
}

static unsigned run_uuid(struct sim_device *d, const struct sim_habits *habits,
			 const xmlNode *input, struct sim_xml_answer *a)
{
	uint8_t uuid[16];
	gnutls_datum_t raw = { uuid, sizeof(uuid) }, text = { NULL, 0 };

	reported_uuid(d, habits, uuid);
	if (gnutls_base64_encode2(&raw, &text) < 0)
		return SIM_INTERNAL_ERROR;
	sim_xml_element(a, "g:UUID", (const char *)text.data);
	gnutls_free(text.data);
	return SIM_OK;
}

static unsigned run_unprovision(struct sim_device *d, const struct sim_habits *habits,
				const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_unprovision(d);
}

static unsigned run_partial_unprovision(struct sim_device *d, const struct sim_habits *habits,
					const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_partial_unprovision(d);
}

static unsigned run_extend(struct sim_device *d, const struct sim_habits *habits,
			   const xmlNode *input, struct sim_xml_answer *a)
{
	return sim_setup_extend(d, sim_xml_child_text(input, "Duration"));
}

/* What the machine saw when it was set up: not before that is done. */
static unsigned run_audit(struct sim_device *d, const struct sim_habits *habits,
			  const xmlNode *input, struct sim_xml_answer *a)
{
	const struct sim_audit *t = &d->audit;
	char hex[2 * SIM_ROOT_BYTES + 1], name[32], when[CLOCK_TEXT + 1];

	if (d->state != SIM_DEVICE_POST)
		return SIM_NOT_READY;
	if (!t->set)
		return SIM_DATA_MISSING;
	sim_xml_number(a, "g:ProvisioningTLSMode", 0);
	flag(a, "g:SecureDNS", d->pki.suffix[0] || d->pki.fqdn[0]);
	flag(a, "g:HostInitiated", false);
	sim_xml_number(a, "g:SelectedHashType", t->root.type);
	hex_show(t->root.digest, t->root.length, hex);
	sim_xml_element(a, "g:SelectedHashData", hex);
	for (unsigned i = 0; i < SIM_AUDIT_SERIALS; i++) {
		snprintf(name, sizeof(name), "g:CaCertificateSerial%u", i + 1);
		hex_show(t->serial[i], t->serial_bytes[i], hex);
		sim_xml_element(a, name, hex);
	}
	flag(a, "g:AdditionalCaSerialNums", t->serials > SIM_AUDIT_SERIALS);
	flag(a, "g:IsOemDefault", t->builtin);
	flag(a, "g:IsTimeValid", t->time_valid);
	sim_xml_element(a, "g:ProvServerIP", t->from);
	clock_show(t->when, when);
	sim_xml_element(a, "g:TlsStartTime", when);
	sim_xml_element(a, "g:ProvServerFQDN", t->name);
	return SIM_OK;
}

static const struct sim_class_method setup_methods[] = {
	{ "CommitChanges", run_commit },
	{ "ExtendProvisioningPeriod", run_extend },
	{ "GetProvisioningAuditRecord", run_audit },
	{ "SetMEBxPassword", run_mebx },
	{ "SetTLSPSK", run_psk },
	{ "GetUuid", run_uuid },
	{ "Unprovision", run_unprovision },
	{ "PartialUnprovision", run_partial_unprovision },
	{ NULL, NULL },
};

static const struct sim_class_method authorization_methods[] = {
	{ "SetAdminAclEntryEx", run_set_admin },
	{ "GetAdminAclEntry", run_get_admin },
	{ "GetAdminAclEntryStatus", run_admin_status },
	{ NULL, NULL },
};

static const struct sim_class_method time_methods[] = {
	{ "GetLowAccuracyTimeSynch", run_get_clock },
	{ "SetHighAccuracyTimeSynch", run_set_clock },
	{ NULL, NULL },
};

/* A reference to an instance, as the element NAME. */
static void write_reference(struct sim_xml_answer *a, const char *name, const char *class,
			    const char *instance)
{
	char uri[160];

	snprintf(uri, sizeof(uri), "%s%s", SIM_CLASS_AMT, class);
	sim_xml_open(a, name);
	sim_xml_element(a, "b:Address", "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/"
			"anonymous");
	sim_xml_open(a, "b:ReferenceParameters");
	sim_xml_element(a, "c:ResourceURI", uri);
	sim_xml_open(a, "c:SelectorSet");
	sim_xml_open(a, "c:Selector");
	sim_xml_attribute(a, "Name", "InstanceID");
	xmlTextWriterWriteString(a->writer, BAD_CAST instance);
	sim_xml_close(a);
	sim_xml_close(a);
	sim_xml_close(a);
	sim_xml_close(a);
}

/* The InstanceID in the reference that the child NAME is, or NULL. */
static const char *instance_in(const xmlNode *parent, const char *name)
{
	const xmlNode *n = sim_xml_child(sim_xml_child(parent, name), "ReferenceParameters");

	return sim_xml_text(sim_xml_child(sim_xml_child(n, "SelectorSet"), "Selector"));
}

static void write_keys(const struct sim_device *d, const struct sim_habits *habits,
		       const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_PublicKeyManagementService");
	sim_xml_element(a, "g:CreationClassName", "AMT_PublicKeyManagementService");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Certificate Store Service");
	sim_xml_number(a, "g:EnabledState", 5);
	sim_xml_element(a, "g:Name", "Intel(r) AMT Public Key Management Service");
	sim_xml_close(a);
}

static unsigned run_generate(struct sim_device *d, const struct sim_habits *habits,
			     const xmlNode *input, struct sim_xml_answer *a)
{
	unsigned status = sim_store_generate(d, sim_xml_child_text(input, "KeyAlgorithm"),
					   sim_xml_child_text(input, "KeyLength"),
					   habits->own_key);

	if (status == SIM_OK)
		write_reference(a, "g:KeyPair", "AMT_PublicPrivateKeyPair", SIM_STORE_KEY_HANDLE);
	return status;
}

static unsigned run_add_certificate(struct sim_device *d, const struct sim_habits *habits,
				    const xmlNode *input, struct sim_xml_answer *a)
{
	unsigned status =
		sim_store_add_certificate(d, sim_xml_child_text(input, "CertificateBlob"));

	if (status == SIM_OK)
		write_reference(a, "g:CreatedCertificate", "AMT_PublicKeyCertificate",
				SIM_STORE_CERTIFICATE_HANDLE);
	return status;
}

static const struct sim_class_method key_methods[] = {
	{ "GenerateKeyPair", run_generate },
	{ "AddCertificate", run_add_certificate },
	{ NULL, NULL },
};

static const char *const key_pairs[] = { SIM_STORE_KEY_HANDLE, NULL };
static const char *const certificates[] = { SIM_STORE_CERTIFICATE_HANDLE, NULL };
static const char *const tls_settings[] = { SIM_STORE_REMOTE, SIM_STORE_LOCAL, NULL };

static bool has_key_pair(const struct sim_device *d)
{
	return sim_store_of(d)->key_size > 0;
}

static void write_key_pair(const struct sim_device *d, const struct sim_habits *habits,
			   const char *instance, struct sim_xml_answer *a)
{
	char *key = sim_store_public_key(sim_store_of(d));

	sim_xml_open(a, "g:AMT_PublicPrivateKeyPair");
	sim_xml_element(a, "g:DERKey", key ? key : "");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Key");
	sim_xml_element(a, "g:InstanceID", instance);
	sim_xml_close(a);
	free(key);
}

static bool has_certificate(const struct sim_device *d)
{
	return sim_store_of(d)->size > 0;
}

static void write_certificate(const struct sim_device *d, const struct sim_habits *habits,
			      const char *instance, struct sim_xml_answer *a)
{
	const struct sim_store *t = sim_store_of(d);
	gnutls_datum_t raw = { (unsigned char *)t->certificate, (unsigned)t->size };
	gnutls_datum_t text = { NULL, 0 };

	sim_xml_open(a, "g:AMT_PublicKeyCertificate");
	sim_xml_element(a, "g:ElementName", "Intel(r) AMT Certificate");
	sim_xml_element(a, "g:InstanceID", instance);
	flag(a, "g:TrustedRootCertficate", false);	/* spelt so */
	if (gnutls_base64_encode2(&raw, &text) == 0)
		sim_xml_element(a, "g:X509Certificate", (const char *)text.data);
	gnutls_free(text.data);
	sim_xml_close(a);
}

/* From AMT 16 on there is one from the beginning, for the certificate that firmware makes. */
static bool has_context(const struct sim_device *d)
{
	return sim_store_of(d)->bound || d->firmware.major >= 16;
}

static void write_context(const struct sim_device *d, const struct sim_habits *habits,
			  const char *instance, struct sim_xml_answer *a)
{
	sim_xml_open(a, "g:AMT_TLSCredentialContext");
	write_reference(a, "g:ElementInContext", "AMT_PublicKeyCertificate",
			sim_store_of(d)->bound ? SIM_STORE_CERTIFICATE_HANDLE :
			"Intel(r) AMT Certificate: Handle: 1");
	write_reference(a, "g:ElementProvidingContext", "AMT_TLSProtocolEndpointCollection",
			"TLSProtocolEndpointInstances Collection");
	sim_xml_close(a);
}

static unsigned put_context(struct sim_device *d, const xmlNode *instance)
{
	return has_context(d) ? sim_store_bind(d, instance_in(instance, "ElementInContext"))
			      : (unsigned)SIM_INVALID_PARAMETER;
}

/* A second one is answered as if it were made, and nothing has changed: it has to be Put. */
static unsigned create_context(struct sim_device *d, const xmlNode *instance)
{
	return has_context(d) ? (unsigned)SIM_OK
			      : sim_store_bind(d, instance_in(instance, "ElementInContext"));
}

static void write_tls_setting(const struct sim_device *d, const struct sim_habits *habits,
			      const char *instance, struct sim_xml_answer *a)
{
	const struct sim_store *t = sim_store_of(d);
	bool remote = !instance || strcmp(instance, SIM_STORE_REMOTE) == 0;
	const struct sim_store_setting *s = remote ? &t->remote : &t->local;

	sim_xml_open(a, "g:AMT_TLSSettingData");
	flag(a, "g:AcceptNonSecureConnections", s->plain_too);
	sim_xml_element(a, "g:ElementName", remote ? SIM_STORE_REMOTE : SIM_STORE_LOCAL);
	flag(a, "g:Enabled", s->enabled);
	sim_xml_element(a, "g:InstanceID", remote ? SIM_STORE_REMOTE : SIM_STORE_LOCAL);
	flag(a, "g:MutualAuthentication", s->mutual);
	if (d->firmware.major >= 16)
		flag(a, "g:NonSecureConnectionsSupported",
		     d->firmware.major == 16 && d->firmware.minor < 1);
	sim_xml_close(a);
}

static unsigned put_tls_setting(struct sim_device *d, const xmlNode *instance)
{
	return sim_store_set(d, sim_xml_child_text(instance, "InstanceID"),
			   sim_xml_child_text(instance, "Enabled"),
			   sim_xml_child_text(instance, "MutualAuthentication"),
			   sim_xml_child_text(instance, "AcceptNonSecureConnections"));
}

static const struct sim_class classes[] = {
	{ .name = "AMT_GeneralSettings", .write = write_general, .put = put_general },
	{ .name = "AMT_SetupAndConfigurationService", .write = write_setup,
	  .methods = setup_methods },
	{ .name = "AMT_AuthorizationService", .write = write_authorization,
	  .methods = authorization_methods },
	{ .name = "AMT_TimeSynchronizationService", .write = write_time, .methods = time_methods },
	{ .name = "AMT_PublicKeyManagementService", .write = write_keys, .methods = key_methods },
	{ .name = "AMT_PublicPrivateKeyPair", .instances = key_pairs, .has = has_key_pair,
	  .write = write_key_pair },
	{ .name = "AMT_PublicKeyCertificate", .instances = certificates, .has = has_certificate,
	  .write = write_certificate },
	{ .name = "AMT_TLSCredentialContext", .has = has_context, .write = write_context,
	  .put = put_context, .create = create_context },
	{ .name = "AMT_TLSSettingData", .instances = tls_settings, .write = write_tls_setting,
	  .put = put_tls_setting },
	{ .schema = SIM_CLASS_CIM, .name = "CIM_SoftwareIdentity", .instances = software,
	  .write = write_software },
	{ .schema = SIM_CLASS_CIM, .name = "CIM_ComputerSystemPackage", .write = write_package },
};

const struct sim_class *sim_class_find(const char *uri)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const char *schema = classes[i].schema ? classes[i].schema : SIM_CLASS_AMT;
		size_t n = strlen(schema);

		if (strncmp(uri, schema, n) == 0 &&
		    strcmp(uri + n, classes[i].name) == 0)
			return &classes[i];
	}
	return NULL;
}

const struct sim_class *sim_class_at(size_t i)
{
	return i < sizeof(classes) / sizeof(classes[0]) ? &classes[i] : NULL;
}

bool sim_class_has(const struct sim_class *c, const struct sim_device *d, const char *instance)
{
	if (c->has && !c->has(d))
		return false;
	if (!c->instances)
		return true;
	for (size_t i = 0; instance && c->instances[i]; i++)
		if (strcmp(instance, c->instances[i]) == 0)
			return true;
	return false;
}

const struct sim_class_method *sim_class_method(const struct sim_class *c, const char *name)
{
	const struct sim_class_method *m = c->methods;

	while (m && m->name && strcmp(m->name, name) != 0)
		m++;
	return m && m->name ? m : NULL;
}
