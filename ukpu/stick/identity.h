/* Which stick is it: so that two with one serial number are not taken for one. */
#ifndef UKPU_STICK_IDENTITY_H
#define UKPU_STICK_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ukpu/drive/drive.h"
#include "ukpu/format/disk.h"
#include "ukpu/stick/plan.h"

#define IDENTITY_MARK	32	/* bytes of a mark, NUL included */

/*
 * What tells a stick from others. Cheap ones share a serial number, and slots of a reader share
 * their reader's: the mark on the medium is the best of it, but every new layout changes it.
 */
struct identity {
	char name[200];			/* for people: a serial number, or an image's full path */
	char device[420];		/* maker, model, serial number and size; "image" and path */
	char serial[216];		/* "serial" and the number, as earlier journals have it */
	char mark[IDENTITY_MARK];	/* "disk 1234abcd volume 1234abcd"; "" for none */
	char port[96];			/* the USB port and unit that it is in; "" for an image */
	uint64_t bytes;			/* of a drive; 0 for an image */
	bool image;
	bool weak;		/* its device says nothing of the medium: no serial, or slots */
	bool twin;		/* another one of the same device is plugged in just now */
	bool bears_keys;	/* the keys in question come from this stick itself */
};

/* An image file goes by its full path, also before it exists. */
void identity_of_image(struct identity *out, const char *path);

/* The stick in drive D; ALL are the N drives that are plugged in, D among them or not. */
void identity_of_drive(struct identity *out, const struct drive *d, const struct drive *all,
		       size_t n);

/* Read the mark of what is on DISK into id->mark; none where it cannot be read. */
void identity_read_mark(struct identity *id, const struct disk *disk);

/* What a new volume in the same partition leaves of id->mark: the disk id, where there is one. */
void identity_disk_mark(const struct identity *id, char out[IDENTITY_MARK]);

/* The mark that the plan P is about to put there. */
void identity_plan_mark(const struct plan *p, char out[IDENTITY_MARK]);

/*
 * The serial number of D for people: "-" for none; with its USB port where another of the N drives
 * has the same one. OUT receives SIZE bytes at most.
 */
void identity_serial_text(const struct drive *d, const struct drive *all, size_t n, char *out,
			  size_t size);

/* Has the drive one of the N_GIVEN serial numbers? */
bool identity_serial_given(const struct drive *d, const char *const *given, size_t n_given);

/*
 * Do the serial numbers say that the drive is meant? ALL are the N drives that are plugged in.
 * Returns 0 or KIT_ERR_UNFIT: it has none of them, or another drive has the same one.
 */
int identity_check_serial(const struct drive *d, const struct drive *all, size_t n,
			  const char *const *given, size_t n_given, struct fault *fault);

/* How many of the N drives have the serial number SERIAL, slots of one device counted once. */
size_t identity_count_serial(const struct drive *all, size_t n, const char *serial);

#endif
