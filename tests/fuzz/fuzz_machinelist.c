/* Fuzz target: the inventory list reader. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hostname.h"
#include "server/admin/machinelist.h"
#include "server/keymap/inventory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct machinelist *in = NULL;
	struct fault fault = { 0 };
	struct keyproblem problem;
	struct machinelist_row row;
	FILE *file;
	int rc;

	if (size == 0)
		return 0;
	file = fmemopen((void *)(uintptr_t)data, size, "r");
	if (!file)
		return 0;
	rc = machinelist_open(&in, file, "input", NULL, 0, &fault);
	if ((rc == 0) != !!in || (rc != 0) != (fault.code != 0))
		abort();
	while (in && (rc = machinelist_next(in, &row, &problem, &fault)) != 0) {
		if (rc < 0 && fault.code)
			break;
		/* What comes out is sound, whatever went in. */
		if (rc == 1 && (*row.machine.fqdn && !hostname_is_fqdn(row.machine.fqdn)))
			abort();
		if (rc == 1 && (uuid_is_blank(&row.machine.uuid) ||
				!memchr(row.otp, 0, sizeof(row.otp))))
			abort();
		if (rc < 0 && (!problem.rule[0] || !problem.line))
			abort();
	}
	if (in)
		free(machinelist_columns(in));
	machinelist_close(&in);
	fclose(file);
	return 0;
}
