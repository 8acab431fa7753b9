/* Fuzz target: the key list readers (CSV, text, JSON). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "keygen/keylist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keysource *source = NULL;
	struct fault fault = { 0 };
	struct keyproblem problem;
	struct keyentry entry;
	FILE *file;
	int rc;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	if (!file)
		return 0;
	rc = keylist_open(&source, file, "input", NULL, 0, &fault);
	if ((rc == 0) != !!source || (rc != 0) != (fault.code != 0))
		abort();
	while (source && (rc = keysource_next(source, &entry, &problem, &fault)) != 0) {
		if (rc < 0 && fault.code)
			break;
		/* What comes out is sound, whatever went in. */
		if (rc == 1 &&
		    (pidpps_check_pid(entry.pair.pid) || pidpps_check_pps(entry.pair.pps)))
			abort();
		if (rc == 1 && entry.new_password[0] &&
		    password_check_new(entry.new_password, NULL))
			abort();
		if (rc < 0 && (!problem.rule[0] || !problem.line))
			abort();
	}
	keysource_free(&source);
	fclose(file);
	return 0;
}
