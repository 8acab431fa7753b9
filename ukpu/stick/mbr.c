/* The MBR by libfdisk: through our descriptor, without its dialogs and its wiping. */
#include "ukpu/stick/mbr.h"

#include <errno.h>
#include <libfdisk/libfdisk.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#define REREAD_TRIES	20	/* 100 ms apart: udev opens the new partitions briefly */

/* libfdisk would ask a person or print: every question is answered with no. */
static int no_questions(struct fdisk_context *cxt, struct fdisk_ask *ask, void *data)
{
	int type = fdisk_ask_get_type(ask);

	return type == FDISK_ASKTYPE_INFO || type == FDISK_ASKTYPE_WARN ||
		type == FDISK_ASKTYPE_WARNX ? 0 : -EINVAL;
}

static int refused(struct fault *fault, int rc, const char *step)
{
	return fault_set(fault, KIT_ERR_LIBRARY, "libfdisk could not %s (%d)", step, rc);
}

static int build(struct fdisk_context *cxt, const struct layout *l, uint32_t disk_id,
		 struct fault *fault)
{
	struct fdisk_partition *pa = NULL;
	struct fdisk_parttype *type = NULL;
	char id[16];
	int rc = fdisk_create_disklabel(cxt, "dos");

	if (rc)
		return refused(fault, rc, "make an MBR");
	snprintf(id, sizeof(id), "0x%08x", disk_id);
	rc = fdisk_set_disklabel_id_from_string(cxt, id);
	if (rc)
		return refused(fault, rc, "set the disk id");
	pa = fdisk_new_partition();
	type = fdisk_new_parttype();
	if (!pa || !type) {
		rc = fault_nomem(fault);
		goto out;
	}
	fdisk_parttype_set_code(type, l->type);
	fdisk_partition_set_type(pa, type);
	fdisk_partition_set_partno(pa, 0);
	fdisk_partition_set_start(pa, l->start);
	fdisk_partition_set_size(pa, l->g.sectors);
	rc = fdisk_add_partition(cxt, pa, NULL);
	if (rc)
		rc = refused(fault, rc, "add the partition");
out:
	fdisk_unref_parttype(type);
	fdisk_unref_partition(pa);
	return rc;
}

int mbr_write(struct target *t, const struct layout *l, uint32_t disk_id, struct fault *fault)
{
	struct fdisk_context *cxt = fdisk_new_context();
	int rc;

	if (!cxt)
		return fault_nomem(fault);
	fdisk_disable_dialogs(cxt, 1);
	fdisk_set_ask(cxt, no_questions, NULL);
	fdisk_enable_wipe(cxt, 0);
	fdisk_enable_bootbits_protection(cxt, 1);
	fdisk_save_user_geometry(cxt, 0, LAYOUT_HEADS, LAYOUT_TRACK);
	/*
	 * By our descriptor: fdisk_assign_device() opens without O_EXCL if the disk is busy. As for
	 * listing, or it would search for signatures of other systems again, to warn of them.
	 */
	fdisk_enable_listonly(cxt, 1);
	rc = fdisk_assign_device_by_fd(cxt, target_fd(t), target_path(t), 0);
	fdisk_enable_listonly(cxt, 0);
	if (rc) {
		rc = refused(fault, rc, "take the device");
		goto out;
	}
	rc = build(cxt, l, disk_id, fault);
	if (rc)
		goto out;
	/* Until here all is in memory. */
	rc = fdisk_write_disklabel(cxt);
	rc = target_wrote(t, 0, FAT_SECTOR, rc < 0 ? -rc : rc, fault);
out:
	fdisk_unref_context(cxt);
	return rc;
}

int mbr_reread(struct target *t, struct fault *fault)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	if (target_is_image(t))
		return 0;
	for (int i = 0; ioctl(target_fd(t), BLKRRPART); i++) {
		/* EINVAL: a device without partitions (a loop device). */
		if (errno == EINVAL)
			return 0;
		if (errno != EBUSY || i == REREAD_TRIES)
			return fault_sys(fault, errno, "%s: the kernel did not read the new table",
					 target_path(t));
		nanosleep(&pause, NULL);
	}
	return 0;
}
