/* The name that a server's certificate must have, as firmware compares it. */
#ifndef SAMPLES_AMT_SIM_SIM_NAME_H
#define SAMPLES_AMT_SIM_SIM_NAME_H

#include <stdbool.h>

/*
 * Does a machine of AMT MAJOR.MINOR whose DNS suffix is SUFFIX take a server by the name
 * IDENTIFIER (its certificate's CN or a DNS name of it)? Case does not count.
 *
 *	"server.corp.local"	takes "corp.local", and "server.corp.local" itself
 *	"*.corp.local"		takes "corp.local" and all names under it
 *	.com, .net		the last two labels must agree (AMT 2.2, 2.6 and later)
 *	other public domains	the last two or three, by domain (4.1, 5.1 and later)
 *
 * AMT before 2.2 and 2.5 know no certificates, and take no name.
 * This is the simulated machine's own reading of Intel's rule; the server has another.
 */
bool sim_name_matches(const char *identifier, const char *suffix, unsigned major, unsigned minor);

#endif
