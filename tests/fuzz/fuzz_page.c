/* Fuzz the head of a request, in pieces: however it comes, it is judged once, and always alike. */
#include <stdlib.h>
#include <string.h>

#include "server/core/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int judge(const uint8_t *data, size_t size)
{
	/* As it lies in memory: a byte too far is seen. */
	char *copy = malloc(size ? size : 1);
	int status;

	if (!copy)
		exit(2);
	memcpy(copy, data, size);
	status = page_status(copy, size, "/metrics");
	free(copy);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int whole = judge(data, size), status = 0;
	/* The first byte is the size of a piece, as the network may cut it; at most 64 of them. */
	size_t piece = size ? 1u + data[0] % 64u + size / 64 : 1;

	for (size_t n = 0; n < size && !status; n += piece)
		status = judge(data, n);
	if (status && status != whole)
		abort();
	if (whole && whole != 200 && whole != 400 && whole != 404 && whole != 405 && whole != 431)
		abort();
	if (whole == 200 && !memmem(data, size, " /metrics", 9))
		abort();
	return 0;
}
