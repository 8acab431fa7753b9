/* The reference for making pairs: one RAND_bytes() of 32 bytes for each of N. */
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	unsigned char bytes[32];
	unsigned long n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;

	for (unsigned long i = 0; i < n; i++) {
		if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
			fprintf(stderr, "RAND_bytes failed\n");
			return 1;
		}
	}
	return 0;
}
