/* The classes of WS-Management that a device has: their values and their methods. */
#include "samples/amt-sim/sim-class.h"

#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>

#include "samples/amt-sim/sim-hex.h"
#include "samples/amt-sim/sim-setup.h"


/* The UUID that the device tells: not the hello's when that is its habit. */
static void told_uuid(const struct device *d, const struct habits *habits, uint8_t *out)
{
	device_smbios_uuid(d->uuid, out);
	if (habits->wrong_uuid)
		out[15] ^= 0xff;
}

static void flag(struct xml_answer *a, const char *name, bool value)
{
	xml_element(a, name, value ? "true" : "false");
}

static void write_general(const struct device *d, const struct habits *habits,
			  const char *instance, struct xml_answer *a)
{
	xml_open(a, "g:AMT_GeneralSettings");
	xml_number(a, "g:AMTNetworkEnabled", 1);
	xml_element(a, "g:DDNSPeriodicUpdateInterval", "1440");
	xml_element(a, "g:DDNSTTL", "900");
	flag(a, "g:DDNSUpdateByDHCPServerEnabled", true);
	flag(a, "g:DDNSUpdateEnabled", false);
	xml_element(a, "g:DigestRealm", d->realm);
	xml_element(a, "g:DomainName", d->domain);
	xml_element(a, "g:ElementName", "Intel(r) AMT: General Settings");
	xml_element(a, "g:HostName", d->host);
	flag(a, "g:HostOSFQDN", false);
	xml_number(a, "g:IdleWakeTimeout", 65535);
	xml_element(a, "g:InstanceID", "Intel(r) AMT: General Settings");
	flag(a, "g:NetworkInterfaceEnabled", true);
	flag(a, "g:PingResponseEnabled", true);
	xml_number(a, "g:PowerSource", 0);
	flag(a, "g:SharedFQDN", true);
	xml_close(a);
}

/* A realm or instance that is not the device's own says that somebody else's settings came. */
static unsigned put_general(struct device *d, const xmlNode *instance)
{
	const char *host = xml_child_text(instance, "HostName");
	const char *domain = xml_child_text(instance, "DomainName");
	const char *realm = xml_child_text(instance, "DigestRealm");
	char host_before[sizeof(d->host)];
	unsigned status;

	if (realm && strcmp(realm, d->realm) != 0)
		return AMT_INVALID_PARAMETER;
	strcpy(host_before, d->host);
	status = setup_host(d, host);
	if (status == AMT_OK) {
		status = setup_domain(d, domain);
		if (status != AMT_OK)
			setup_host(d, host_before);
	}
	return status;
}

static void write_setup(const struct device *d, const struct habits *habits,
			const char *instance, struct xml_answer *a)
{
	xml_open(a, "g:AMT_SetupAndConfigurationService");
	xml_element(a, "g:CreationClassName", "AMT_SetupAndConfigurationService");
	xml_element(a, "g:ElementName", "Intel(r) AMT Setup and Configuration Service");
	xml_number(a, "g:EnabledState", 5);
	xml_element(a, "g:Name", "Intel(r) AMT Setup and Configuration Service");
	xml_number(a, "g:PasswordModel", 1);
	xml_number(a, "g:ProvisioningMode", 1);
	xml_number(a, "g:ProvisioningState", d->state);
	xml_number(a, "g:RequestedState", 12);
	xml_element(a, "g:SystemCreationClassName", "CIM_ComputerSystem");
	xml_element(a, "g:SystemName", "Intel(r) AMT");
	flag(a, "g:ZeroTouchConfigurationEnabled", true);
	xml_close(a);
}

static const char *const software[] = { "AMT", "Flash", "Netstack", "AMTApps", NULL };

static void write_software(const struct device *d, const struct habits *habits,
			   const char *instance, struct xml_answer *a)
{
	char version[32];

	snprintf(version, sizeof(version), "%u.%u.%u", d->firmware.major, d->firmware.minor,
		 d->firmware.build);
	xml_open(a, "g:CIM_SoftwareIdentity");
	xml_element(a, "g:InstanceID", instance);
	flag(a, "g:IsEntity", true);
	xml_element(a, "g:VersionString", version);
	xml_close(a);
}

static void write_package(const struct device *d, const struct habits *habits,
			  const char *instance, struct xml_answer *a)
{
	char guid[33];
	uint8_t uuid[16];

	told_uuid(d, habits, uuid);
	hex_show(uuid, sizeof(uuid), true, guid);
	xml_open(a, "g:CIM_ComputerSystemPackage");
	xml_element(a, "g:PlatformGUID", guid);
	xml_close(a);
}

static void write_authorization(const struct device *d, const struct habits *habits,
				const char *instance, struct xml_answer *a)
{
	xml_open(a, "g:AMT_AuthorizationService");
	xml_number(a, "g:AllowHttpQopAuthOnly", 1);
	xml_element(a, "g:CreationClassName", "AMT_AuthorizationService");
	xml_element(a, "g:ElementName", "Intel(r) AMT Authorization Service");
	xml_number(a, "g:EnabledState", 5);
	xml_element(a, "g:Name", "Intel(r) AMT Authorization Service");
	xml_close(a);
}

static void write_time(const struct device *d, const struct habits *habits,
		       const char *instance, struct xml_answer *a)
{
	xml_open(a, "g:AMT_TimeSynchronizationService");
	xml_element(a, "g:CreationClassName", "AMT_TimeSynchronizationService");
	xml_element(a, "g:ElementName", "Intel(r) AMT Time Synchronization Service");
	xml_number(a, "g:EnabledState", 5);
	xml_number(a, "g:LocalTimeSyncEnabled", 0);
	xml_element(a, "g:Name", "Intel(r) AMT Time Synchronization Service");
	xml_number(a, "g:TimeSource", d->clock_set);
	xml_close(a);
}

static unsigned run_set_admin(struct device *d, const struct habits *habits,
			      const xmlNode *input, struct xml_answer *a)
{
	return setup_admin(d, xml_child_text(input, "Username"),
			   xml_child_text(input, "DigestPassword"));
}

static unsigned run_get_admin(struct device *d, const struct habits *habits,
			      const xmlNode *input, struct xml_answer *a)
{
	xml_element(a, "g:Username", d->user);
	return AMT_OK;
}

static unsigned run_admin_status(struct device *d, const struct habits *habits,
				 const xmlNode *input, struct xml_answer *a)
{
	flag(a, "g:IsDefault", !d->admin_set);
	return AMT_OK;
}

static unsigned run_get_clock(struct device *d, const struct habits *habits,
			      const xmlNode *input, struct xml_answer *a)
{
	xml_number(a, "g:Ta0", setup_clock(d));
	return AMT_OK;
}

static unsigned run_set_clock(struct device *d, const struct habits *habits,
			      const xmlNode *input, struct xml_answer *a)
{
	return setup_set_clock(d, xml_child_text(input, "Ta0"), xml_child_text(input, "Tm1"),
			       xml_child_text(input, "Tm2"));
}

static unsigned run_mebx(struct device *d, const struct habits *habits, const xmlNode *input,
			 struct xml_answer *a)
{
	return setup_mebx(d, xml_child_text(input, "Password"));
}

static unsigned run_psk(struct device *d, const struct habits *habits, const xmlNode *input,
			struct xml_answer *a)
{
	return setup_psk(d, xml_child_text(input, "PID"), xml_child_text(input, "PPS"));
}

static unsigned run_commit(struct device *d, const struct habits *habits, const xmlNode *input,
			   struct xml_answer *a)
{
	return setup_commit(d);
}

static unsigned run_uuid(struct device *d, const struct habits *habits, const xmlNode *input,
			 struct xml_answer *a)
{
	uint8_t uuid[16];
	gnutls_datum_t raw = { uuid, sizeof(uuid) }, text = { NULL, 0 };

	told_uuid(d, habits, uuid);
	if (gnutls_base64_encode2(&raw, &text) < 0)
		return AMT_INTERNAL_ERROR;
	xml_element(a, "g:UUID", (const char *)text.data);
	gnutls_free(text.data);
	return AMT_OK;
}

static unsigned run_unprovision(struct device *d, const struct habits *habits,
				const xmlNode *input, struct xml_answer *a)
{
	return setup_unprovision(d);
}

static unsigned run_partial_unprovision(struct device *d, const struct habits *habits,
					const xmlNode *input, struct xml_answer *a)
{
	return setup_partial_unprovision(d);
}

static const struct class_method setup_methods[] = {
	{ "CommitChanges", run_commit },
	{ "SetMEBxPassword", run_mebx },
	{ "SetTLSPSK", run_psk },
	{ "GetUuid", run_uuid },
	{ "Unprovision", run_unprovision },
	{ "PartialUnprovision", run_partial_unprovision },
	{ NULL, NULL },
};

static const struct class_method authorization_methods[] = {
	{ "SetAdminAclEntryEx", run_set_admin },
	{ "GetAdminAclEntry", run_get_admin },
	{ "GetAdminAclEntryStatus", run_admin_status },
	{ NULL, NULL },
};

static const struct class_method time_methods[] = {
	{ "GetLowAccuracyTimeSynch", run_get_clock },
	{ "SetHighAccuracyTimeSynch", run_set_clock },
	{ NULL, NULL },
};

static const struct class classes[] = {
	{ CLASS_AMT, "AMT_GeneralSettings", NULL, write_general, put_general, NULL },
	{ CLASS_AMT, "AMT_SetupAndConfigurationService", NULL, write_setup, NULL, setup_methods },
	{ CLASS_AMT, "AMT_AuthorizationService", NULL, write_authorization, NULL,
	  authorization_methods },
	{ CLASS_AMT, "AMT_TimeSynchronizationService", NULL, write_time, NULL, time_methods },
	{ CLASS_CIM, "CIM_SoftwareIdentity", software, write_software, NULL, NULL },
	{ CLASS_CIM, "CIM_ComputerSystemPackage", NULL, write_package, NULL, NULL },
};

const struct class *class_find(const char *uri)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		size_t n = strlen(classes[i].schema);

		if (strncmp(uri, classes[i].schema, n) == 0 &&
		    strcmp(uri + n, classes[i].name) == 0)
			return &classes[i];
	}
	return NULL;
}

const struct class *class_at(size_t i)
{
	return i < sizeof(classes) / sizeof(classes[0]) ? &classes[i] : NULL;
}

bool class_has(const struct class *c, const char *instance)
{
	if (!c->instances)
		return true;
	for (size_t i = 0; instance && c->instances[i]; i++)
		if (strcmp(instance, c->instances[i]) == 0)
			return true;
	return false;
}

const struct class_method *class_method(const struct class *c, const char *name)
{
	const struct class_method *m = c->methods;

	while (m && m->name && strcmp(m->name, name) != 0)
		m++;
	return m && m->name ? m : NULL;
}
