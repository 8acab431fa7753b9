/* Fuzz target: the key file of a map. */
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/keymap/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is loaded has keys, and the chosen one is among them. */
static void load(const uint8_t *data, size_t size)
{
	struct fault fault = { 0 };
	struct seal *s = NULL;
	int fd = memfd_create("key", MFD_CLOEXEC), rc;
	char path[40];

	if (fd < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fchmod(fd, 0600) == 0 && write(fd, data, size) == (ssize_t)size) {
		rc = seal_load(&s, path, &fault);
		if ((rc == 0) != !!s || (rc != 0) != (fault.code != 0))
			abort();
		if (s && (seal_keys(s) < 1 || seal_keys(s) > 4 || seal_newest(s) == 0 ||
			  !seal_has(s, seal_newest(s)) || seal_choose(s, seal_newest(s), &fault)))
			abort();
	}
	seal_free(&s);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t copy[512];

	load(data, size);
	/* Behind its digest, too. */
	if (size < SHA256_DIGEST_LENGTH || size > sizeof(copy))
		return 0;
	memcpy(copy, data, size);
	SHA256(copy, size - SHA256_DIGEST_LENGTH, copy + size - SHA256_DIGEST_LENGTH);
	load(copy, size);
	return 0;
}
