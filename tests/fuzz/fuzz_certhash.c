/* Fuzz target: files with certificates, and the values that are made of them. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setupbin/certhash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool check(const char *path, bool first)
{
	uint8_t value[SBIN_CERT_VALUE_MAX], again[SBIN_CERT_VALUE_MAX];
	char note[SBIN_CERT_NOTE];
	struct fault fault = { 0 };
	struct sbin_certhash h;
	uint16_t length = 0, n = 0;
	int rc = sbin_certhash_of_file(path, 2, first, value, &length, note, &fault);

	if ((rc != 0) != (fault.code != 0) || strlen(note) >= sizeof(note))
		abort();
	if (rc)
		return false;
	/* What was made can be read, and gives the same again. */
	if (sbin_certhash_decode(value, length, &h) || h.name_length > SBIN_CERT_NAME ||
	    h.digest_length != 32 || sbin_certhash_encode(&h, again, sizeof(again), &n) ||
	    n != length || memcmp(value, again, n))
		abort();
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbin_certhash h;
	char path[40];
	int fd;

	sbin_certhash_decode(data, size, &h);
	fd = memfd_create("certificate", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size && !check(path, false))
		check(path, true);
	close(fd);
	return 0;
}
