/* One variable of a data record on the wire, and the table of all known ones. */
#include <string.h>

#include "setupbin/variable.h"

#define V1	{ 1, 0 }
#define V2	{ 2, 0 }
#define V21	{ 2, 1 }
#define V3	{ 3, 0 }
#define ON_OFF	"0=disabled 1=enabled"
#define ANY	65535	/* a length that no public document bounds */

const struct sbin_known sbin_known[] = {
	{ 1, 1, "current-mebx-password", SBIN_TEXT, 1, 32, V1, true, NULL,
	  "the MEBx password the machine has now; from the factory: admin",
	  SBIN_RULE_CURRENT_PASSWORD },
	{ 1, 2, "new-mebx-password", SBIN_TEXT, 8, 32, V1, true, NULL,
	  "the MEBx password that set-up gives it", SBIN_RULE_NEW_PASSWORD },
	{ 1, 3, "manageability-feature", SBIN_U8, 1, 1, V1, false, "0=none 1=amt",
	  "which manageability firmware runs" },
	{ 1, 4, "firmware-local-update", SBIN_U8, 1, 1, V21, false,
	  "0=disabled 1=enabled 2=password-protected", "may firmware be updated locally" },
	{ 1, 5, "firmware-update-qualifier", SBIN_U8, 1, 1, V21, false,
	  "0=always 1=never 2=restricted", "when a local update is allowed" },
	{ 1, 6, "power-package", SBIN_GUID, 16, 16, V21, false, NULL,
	  "in which power states the engine runs" },

	{ 2, 1, "pid", SBIN_CHARS, 8, 8, V1, false, NULL, "provisioning id, without the dash" },
	{ 2, 2, "pps", SBIN_CHARS, 32, 32, V1, true, NULL,
	  "provisioning passphrase, without dashes" },
	{ 2, 3, "pki-dns-suffix", SBIN_TEXT, 1, 255, V2, false, NULL,
	  "DNS suffix that the server's certificate must match", SBIN_RULE_DNS_NAME },
	{ 2, 4, "config-server-fqdn", SBIN_TEXT, 1, 255, V2, false, NULL,
	  "full name of the configuration server", SBIN_RULE_DNS_NAME },
	{ 2, 5, "remote-configuration", SBIN_U8, 1, 1, V2, false, ON_OFF,
	  "remote configuration (RCFG)" },
	{ 2, 6, "preinstalled-certs", SBIN_U8, 1, 1, V2, false, ON_OFF,
	  "the root certificate hashes that came with the firmware" },
	{ 2, 7, "user-defined-certs", SBIN_U8, 1, 1, V2, false, "0=disabled 1=enabled 2=delete",
	  "user defined root certificate hashes" },
	{ 2, 8, "user-defined-cert-add", SBIN_CERT_HASH, 22, 82, V2, false, NULL,
	  "a root certificate hash; SHA-256 and SHA-384 from version 3.0" },
	{ 2, 10, "sol-ider", SBIN_U8, 1, 1, V2, false,
	  "0=none 1=sol 2=ider 3=sol+ider 4=password 5=sol+password 6=ider+password "
	  "7=sol+ider+password", "serial over LAN and IDE redirection" },
	{ 2, 11, "host-name", SBIN_TEXT, 1, 63, V21, false, NULL, "host name of the machine",
	  SBIN_RULE_HOST_NAME },
	{ 2, 12, "domain-name", SBIN_TEXT, 1, 255, V21, false, NULL,
	  "domain name of the machine", SBIN_RULE_DNS_NAME },
	{ 2, 13, "dhcp", SBIN_U8, 1, 1, V21, false, "1=disabled 2=enabled",
	  "address from DHCP" },
	{ 2, 14, "secure-firmware-update", SBIN_U8, 1, 1, V21, false, ON_OFF,
	  "remote firmware update" },
	{ 2, 15, "idle-timeout", SBIN_RAW, 1, ANY, V21, false, NULL, "idle timeout" },
	{ 2, 16, "provisioning-mode", SBIN_U8, 1, 1, V21, false, NULL,
	  "a number; documents disagree about its values" },
	{ 2, 17, "provisioning-server-address", SBIN_IPV4, 4, 4, V21, false, NULL,
	  "IPv4 address of the provisioning server" },
	{ 2, 18, "provisioning-server-port", SBIN_U16, 2, 2, V21, false, NULL,
	  "TCP port of the provisioning server" },
	{ 2, 19, "static-ipv4", SBIN_RAW, 1, ANY, V21, false, NULL,
	  "address, mask, gateway, DNS servers" },
	{ 2, 20, "vlan", SBIN_RAW, 1, ANY, V21, false, NULL, "VLAN" },
	{ 2, 21, "password-policy", SBIN_RAW, 1, 1, V21, false, NULL, "password policy flag" },
	{ 2, 22, "ipv6", SBIN_RAW, 84, 204, V3, false, NULL,
	  "IPv6 parameters: 204 bytes in the old form, 84 in the new one" },
	{ 2, 23, "shared-fqdn", SBIN_U8, 1, 1, V3, false, "0=dedicated 1=shared",
	  "is the name shared with the operating system; needs host-name" },
	{ 2, 24, "dynamic-dns", SBIN_U8, 1, 1, V3, false, ON_OFF, "dynamic DNS update" },
	{ 2, 25, "kvm", SBIN_U8, 1, 1, V3, false, ON_OFF, "remote keyboard, video and mouse" },
	{ 2, 26, "user-consent", SBIN_U8, 1, 1, V3, false, "0=none 1=kvm 255=all",
	  "for what the user is asked" },
	{ 2, 27, "opt-in-remote-policy", SBIN_U8, 1, 1, V3, false, ON_OFF,
	  "may remote IT change the consent policy" },
	{ 2, 28, "provisioning-halt-activate", SBIN_U8, 1, 1, V3, false, "0=stop 1=start",
	  "stop or start provisioning; after the server's address" },
	{ 2, 29, "manual-setup", SBIN_U8, 1, 1, V3, false, "0=automated 1=manual",
	  "manual set-up and configuration" },
	{ 2, 30, "support-channel-id", SBIN_U32, 4, 4, V3, false, NULL, "1 to 65535" },
	{ 2, 31, "support-channel-description", SBIN_TEXT, 1, 60, V3, false, NULL,
	  "who the support channel is" },
	{ 2, 32, "service-account-number", SBIN_TEXT, 1, 32, V3, false, NULL, "account number" },
	{ 2, 33, "enrollment-passcode", SBIN_TEXT, 1, 32, V3, true, NULL, "enrollment passcode" },
	{ 2, 34, "service-type", SBIN_U32, 4, 4, V3, false, "1=reactive 2=proactive 4=one-time",
	  "kind of service" },
	{ 2, 35, "service-provider-id", SBIN_GUID, 16, 16, V3, false, NULL, "service provider" },
	{ 0, 0, NULL, SBIN_RAW, 0, 0, { 0, 0 }, false, NULL, NULL },
};

const struct sbin_known *sbin_known_find(uint16_t module, uint16_t id)
{
	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		if (k->module == module && k->id == id)
			return k;
	}
	return NULL;
}

const struct sbin_known *sbin_known_named(const char *name)
{
	for (const struct sbin_known *k = sbin_known; k->name; k++) {
		if (strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

int sbin_variable_decode(struct reader *r, struct sbin_variable *v)
{
	v->module = read_le16(r);
	v->id = read_le16(r);
	v->length = read_le16(r);
	v->reserved = read_le16(r);
	v->value = read_bytes(r, v->length);
	v->padding = read_bytes(r, padding4(v->length));
	return r->error;
}

int sbin_variable_encode(struct writer *w, const struct sbin_variable *v)
{
	write_le16(w, v->module);
	write_le16(w, v->id);
	write_le16(w, v->length);
	write_le16(w, v->reserved);
	write_bytes(w, v->value, v->length);
	if (v->padding)
		write_bytes(w, v->padding, padding4(v->length));
	else
		write_zeros(w, padding4(v->length));
	return w->error;
}
