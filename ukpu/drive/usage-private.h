/* Private to usage.c and its tests: the kernel's lists of mounts and swap, line by line. */
#ifndef UKPU_DRIVE_USAGE_PRIVATE_H
#define UKPU_DRIVE_USAGE_PRIVATE_H

#include <stdbool.h>

/* A line of /proc/self/mountinfo. The texts are parts of the line, decoded. */
struct usage_mount {
	unsigned major, minor;	/* of the file system; 0:N is anonymous */
	const char *point;	/* where it is mounted */
	const char *source;	/* the device, or what the file system calls so; or "" */
};

/* Decode LINE, which is overwritten. False if it is not such a line. */
bool usage_parse_mount(char *line, struct usage_mount *out);

/* The path in LINE of /proc/swaps, decoded; LINE is overwritten. */
const char *usage_parse_swap(char *line);

#endif
