/* The classes of WS-Management that a device has: their values and their methods. */
#include "samples/amt-sim/sim-class.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "common/hex.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-setup.h"


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

static const struct sim_class_method setup_methods[] = {
	{ "CommitChanges", run_commit },
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

static const struct sim_class classes[] = {
	{ SIM_CLASS_AMT, "AMT_GeneralSettings", NULL, write_general, put_general, NULL },
	{ SIM_CLASS_AMT, "AMT_SetupAndConfigurationService", NULL, write_setup, NULL,
	  setup_methods },
	{ SIM_CLASS_AMT, "AMT_AuthorizationService", NULL, write_authorization, NULL,
	  authorization_methods },
	{ SIM_CLASS_AMT, "AMT_TimeSynchronizationService", NULL, write_time, NULL, time_methods },
	{ SIM_CLASS_CIM, "CIM_SoftwareIdentity", software, write_software, NULL, NULL },
	{ SIM_CLASS_CIM, "CIM_ComputerSystemPackage", NULL, write_package, NULL, NULL },
};

const struct sim_class *sim_class_find(const char *uri)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t n = strlen(classes[i].schema);

		if (strncmp(uri, classes[i].schema, n) == 0 &&
		    strcmp(uri + n, classes[i].name) == 0)
			return &classes[i];
	}
	return NULL;
}

const struct sim_class *sim_class_at(size_t i)
{
	return i < sizeof(classes) / sizeof(classes[0]) ? &classes[i] : NULL;
}

bool sim_class_has(const struct sim_class *c, const char *instance)
{
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
