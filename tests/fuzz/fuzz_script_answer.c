/* Fuzz the answers of a properties script: what is taken is a host name, and fits. */
#include <stdlib.h>
#include <string.h>

#include "common/hostname.h"
#include "server/setup/naming.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct naming_answer a = { .fqdn = "pc1.example.com", .profile = "lab", .source = "" };
	struct fault fault = { 0 };
	int rc = naming_read(&a, (const char *)data, size, &fault);

	if (rc && (rc != KIT_ERR_PROTOCOL || !*fault.what))
		abort();
	if (rc)
		return 0;
	if (strnlen(a.fqdn, sizeof(a.fqdn)) == sizeof(a.fqdn) ||
	    strnlen(a.profile, sizeof(a.profile)) == sizeof(a.profile))
		abort();
	if (*a.fqdn && !hostname_is_fqdn(a.fqdn))
		abort();
	return 0;
}
