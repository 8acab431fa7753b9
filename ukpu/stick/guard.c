/* What speaks against writing to a disk. */
#include "ukpu/stick/guard.h"

#include <stdio.h>
#include <string.h>

#include "ukpu/stick/layout.h"
#include "ukpu/drive/probe.h"

static const struct {
	unsigned reason;
	const char *option;
} rules[] = {
	{ GUARD_NO_MEDIUM, NULL },
	{ GUARD_SYSTEM, "allow-system" },
	{ GUARD_NOT_USB, "allow-non-usb" },
	{ GUARD_LARGE, "allow-large" },
	{ GUARD_READ_ONLY, NULL },
	{ GUARD_SECTORS, NULL },
	{ GUARD_SMALL, NULL },
	{ GUARD_MOUNTED, "allow-mounted" },
	{ GUARD_SWAP, NULL },
	{ GUARD_HOLDER, NULL },
};

#define RULES (sizeof(rules) / sizeof(rules[0]))

unsigned guard_check(const struct drive *d, const struct usage *u)
{
	unsigned why = 0;

	if (!d->bytes)
		why |= GUARD_NO_MEDIUM;
	if (u->system[0])
		why |= GUARD_SYSTEM;
	if (!d->usb)
		why |= GUARD_NOT_USB;
	if (d->bytes > GUARD_LARGE_BYTES)
		why |= GUARD_LARGE;
	if (d->bytes && d->read_only)
		why |= GUARD_READ_ONLY;
	if (d->bytes && d->sector_bytes != FAT_SECTOR)
		why |= GUARD_SECTORS;
	if (d->bytes && d->bytes < LAYOUT_MIN_BYTES)
		why |= GUARD_SMALL;
	if (u->n_mounts)
		why |= GUARD_MOUNTED;
	if (u->n_swaps)
		why |= GUARD_SWAP;
	if (u->n_holders)
		why |= GUARD_HOLDER;
	return why;
}

unsigned guard_reason(unsigned i)
{
	return i < RULES ? rules[i].reason : 0;
}

const char *guard_option(unsigned reason)
{
	for (size_t i = 0; i < RULES; i++) {
		if (rules[i].reason == reason)
			return rules[i].option;
	}
	return NULL;
}

/* What to type so that the device NAME, which is made of the disk, lets go of it. */
static void release_text(const char *name, char *out, size_t size)
{
	if (!strncmp(name, "dm-", 3))
		snprintf(out, size, "take it apart first: dmsetup remove /dev/%s (cryptsetup close "
			 "for an encrypted one, vgchange -an for LVM)", name);
	else if (!strncmp(name, "md", 2))
		snprintf(out, size, "stop the RAID first: mdadm --stop /dev/%s", name);
	else if (!strncmp(name, "loop", 4))
		snprintf(out, size, "detach it first: losetup -d /dev/%s", name);
	else
		snprintf(out, size, "take /dev/%s apart first", name);
}

void guard_advice(unsigned reason, const struct usage *u, char *out, size_t size)
{
	switch (reason) {
	case GUARD_NO_MEDIUM:
		snprintf(out, size, "insert the stick or card");
		break;
	case GUARD_SYSTEM:
		snprintf(out, size, "this disk belongs to the running system: name the stick");
		break;
	case GUARD_NOT_USB:
		snprintf(out, size, "name a USB stick: ukpu list shows them");
		break;
	case GUARD_LARGE:
		snprintf(out, size, "make sure that it is a stick, not a disk with data");
		break;
	case GUARD_READ_ONLY:
		snprintf(out, size, "move the stick's lock switch, or use another stick");
		break;
	case GUARD_SECTORS:
		snprintf(out, size, "use another stick: nearly all have 512-byte sectors");
		break;
	case GUARD_SMALL:
		snprintf(out, size, "use a larger stick");
		break;
	case GUARD_MOUNTED:
		snprintf(out, size, "unmount it first: umount %s", u->mounts[u->n_mounts - 1]);
		break;
	case GUARD_SWAP:
		snprintf(out, size, "turn the swap off first: swapoff %s", u->swaps[0]);
		break;
	case GUARD_HOLDER:
		release_text(u->holders[0], out, size);
		break;
	default:
		out[0] = '\0';
	}
}

void guard_text(unsigned reason, const struct drive *d, const struct usage *u, char *out,
		size_t size)
{
	char bytes[24];

	probe_size_text(d->bytes, bytes);
	switch (reason) {
	case GUARD_NO_MEDIUM:
		snprintf(out, size, "there is no medium in it");
		break;
	case GUARD_SYSTEM:
		snprintf(out, size, "the running system uses it (%s)", u->system);
		break;
	case GUARD_NOT_USB:
		snprintf(out, size, "not on USB%s%s%s", d->bus[0] ? " (" : "", d->bus,
			 d->bus[0] ? ")" : "");
		break;
	case GUARD_LARGE:
		snprintf(out, size, "it has %s, which is over 64 GiB", bytes);
		break;
	case GUARD_READ_ONLY:
		snprintf(out, size, "write-protected");
		break;
	case GUARD_SECTORS:
		snprintf(out, size, "it has sectors of %u bytes, and firmware reads 512 only",
			 d->sector_bytes);
		break;
	case GUARD_SMALL:
		snprintf(out, size, "it has only %s", bytes);
		break;
	case GUARD_MOUNTED:
		snprintf(out, size, "mounted at %s", u->mounts[0]);
		break;
	case GUARD_SWAP:
		snprintf(out, size, "swap is on it (%s)", u->swaps[0]);
		break;
	case GUARD_HOLDER:
		snprintf(out, size, "in use by %s", u->holders[0]);
		break;
	default:
		snprintf(out, size, "fit");
		break;
	}
}

/* Add TEXT to the line OUT. */
static void add_to_line(char *out, size_t size, const char *text)
{
	size_t at = strlen(out);

	if (at + 1 < size)
		snprintf(out + at, size - at, "%s%s", at ? "; " : "", text);
}

int guard_judge(const struct drive *d, unsigned *why, char *verdict, size_t size, char *advice,
		size_t advice_size, struct fault *fault)
{
	struct usage usage;
	unsigned reason;
	char text[360];
	int rc = usage_read(&usage, DRIVE_SYS, USAGE_PROC, d, fault);

	if (rc)
		return rc;
	*why = guard_check(d, &usage);
	snprintf(verdict, size, "%s", *why ? "" : "fit");
	if (advice)
		advice[0] = '\0';
	for (unsigned i = 0; (reason = guard_reason(i)); i++) {
		if (!(*why & reason))
			continue;
		guard_text(reason, d, &usage, text, sizeof(text));
		add_to_line(verdict, size, text);
		guard_advice(reason, &usage, text, sizeof(text));
		if (advice)
			add_to_line(advice, advice_size, text);
	}
	return 0;
}
