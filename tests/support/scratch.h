/* A private temporary folder for a test. */
#ifndef TESTS_SUPPORT_SCRATCH_H
#define TESTS_SUPPORT_SCRATCH_H

/* Make the folder and go into it; remove it with all its files. A pair for a checked fixture. */
void scratch_enter(void);
void scratch_leave(void);

#endif
