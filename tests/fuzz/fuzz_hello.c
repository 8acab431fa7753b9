/*
 * Fuzz the hello: whatever is decoded encodes to the same bytes, but for what was skipped, and its
 * size is known.
 */
#include <stdlib.h>
#include <string.h>

#include "server/hello/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault fault = { .code = 0 };
	struct hello hello, same;
	uint8_t again[HELLO_MAX];
	size_t n, want = hello_size(data, size);

	if (hello_decode(data, size, &hello, &fault)) {
		if (!fault.code || !*fault.what)
			abort();
		return 0;
	}
	n = hello_encode(&hello, again);
	if (want != size || n > size)
		abort();
	if (!hello.n_skipped && (n != size || memcmp(again, data, size)))
		abort();
	if (hello_decode(again, n, &same, &fault) || same.n_hashes != hello.n_hashes ||
	    same.n_skipped || memcmp(same.hashes, hello.hashes, sizeof(same.hashes)))
		abort();
	/* A message that grows byte by byte is never whole before its end. */
	for (n = 0; n < size; n++)
		if (hello_size(data, n) <= n)
			abort();
	return 0;
}
