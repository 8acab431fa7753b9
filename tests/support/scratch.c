/* A private temporary folder for a test. */
#include "tests/support/scratch.h"

#include <check.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void scratch_enter(void)
{
	strcpy(folder, "/tmp/kit-test-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

static int on_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	return where->level ? remove(path) : 0;
}

void scratch_leave(void)
{
	nftw(".", on_entry, 8, FTW_DEPTH | FTW_PHYS);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
