/* Fuzz a machine's Digest challenges: what is taken can be answered, and stays one header line. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "amt/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct digest_request q = { "POST", "/wsman", data, size, "admin", "P@ssw0rd", NULL };
	char value[4096], out[DIGEST_AUTHORIZATION];
	struct fault fault = { 0 };
	struct digest d;
	int rc;

	if (size >= sizeof(value))
		return 0;
	memcpy(value, data, size);
	value[size] = '\0';
	rc = digest_read(&d, value, &fault);
	if (rc == KIT_ERR_PROTOCOL && !*fault.what)
		abort();
	if (rc)
		return 0;
	if (!*d.nonce || digest_answer(&d, &q, out, &fault))
		abort();
	if (strncmp(out, "Digest ", 7) != 0 || strlen(out) >= sizeof(out) - 1)
		abort();
	for (const char *c = out; *c; c++)
		if ((unsigned char)*c < ' ')
			abort();
	return 0;
}
