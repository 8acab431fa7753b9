/* Fuzz the hello: whatever is decoded encodes to the same bytes, and its size is known. */
#include <stdlib.h>
#include <string.h>

#include "server/hello/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fault fault = { .code = 0 };
	struct hello hello;
	uint8_t again[HELLO_MAX];
	size_t want = hello_size(data, size);

	if (hello_decode(data, size, &hello, &fault)) {
		if (!fault.code || !*fault.what)
			abort();
		return 0;
	}
	if (want != size || hello_encode(&hello, again) != size || memcmp(again, data, size))
		abort();
	/* A message that grows byte by byte is never whole before its end. */
	for (size_t n = 0; n < size; n++)
		if (hello_size(data, n) <= n)
			abort();
	return 0;
}
