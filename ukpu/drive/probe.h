/* What is on a stick, as libblkid sees it: table, file systems, signatures. */
#ifndef UKPU_DRIVE_PROBE_H
#define UKPU_DRIVE_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define PROBE_SIGNATURES	64	/* kept; a stick with more is strange enough */
#define PROBE_PARTS		16	/* partitions described */
#define PROBE_SEVERAL	"several file systems"	/* type of what looks like more than one */

/* One signature: bytes by which some system would take the stick for something. */
struct probe_signature {
	uint64_t offset;	/* byte on the disk */
	uint32_t size;		/* bytes */
	char type[24];		/* "vfat", "iso9660", "gpt" */
};

struct probe_signatures {
	struct probe_signature s[PROBE_SIGNATURES];
	size_t n;
};

/*
 * Add the signatures within SIZE bytes from byte OFFSET of the disk at FD, those that hide
 * behind others too. Nothing is written. Returns 0, KIT_ERR_LIBRARY or KIT_ERR_SYSTEM.
 */
int probe_signatures(struct probe_signatures *out, int fd, uint64_t offset, uint64_t size,
		     struct fault *fault);

/* One place with contents: a partition, or the whole disk (number 0). */
struct probe_part {
	unsigned number;
	uint64_t offset, bytes;
	char type[24];		/* file system; "" when unknown */
	char label[64];		/* as found: may hold anything but control characters */
	bool blank;		/* no type, and only zeros where probe_contents() looked */
};

struct probe_contents {
	char table[24];		/* "dos", "gpt"; "" for none */
	struct probe_part part[PROBE_PARTS];
	size_t n;
	size_t more;		/* partitions beyond those */
	bool beside;		/* there is data in no partition, or behind the volume */
};

/*
 * Fill in type and label of the range that P names on the disk at FD. Returns 0, KIT_ERR_LIBRARY
 * or KIT_ERR_SYSTEM.
 */
int probe_part(struct probe_part *p, int fd, struct fault *fault);

/* Look at the disk at FD with SIZE bytes. Returns 0, KIT_ERR_LIBRARY or KIT_ERR_SYSTEM. */
int probe_contents(struct probe_contents *out, int fd, uint64_t size, struct fault *fault);

/*
 * The same in a line for people: 'MBR; 1: vfat "KINGSTON" 14.9 GiB', "unknown data", "nothing
 * found".
 */
void probe_describe(const struct probe_contents *c, char *out, size_t size);

/* The same of the disk or image PATH with BYTES bytes; "-" without a medium, or why not. */
void probe_path(const char *path, uint64_t bytes, char *out, size_t size);

/* BYTES as people say it: "512 bytes", "63.0 MiB". OUT receives 24 bytes at most. */
void probe_size_text(uint64_t bytes, char *out);

#endif
