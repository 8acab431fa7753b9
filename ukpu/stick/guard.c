/* Reasons to keep one's hands off a disk. */
#include "ukpu/stick/guard.h"

#include <stdio.h>

#include "ukpu/stick/layout.h"
#include "ukpu/drive/probe.h"

static const struct {
	unsigned reason;
	const char *option;
	const char *advice;
} rules[] = {
	{ GUARD_NO_MEDIUM, NULL, "put the stick or card in" },
	{ GUARD_SYSTEM, "allow-system", "this is a disk of the running system: name the stick" },
	{ GUARD_NOT_USB, "allow-non-usb", "name a USB stick; ukpu list shows them" },
	{ GUARD_LARGE, "allow-large", "make sure that it is a stick, and not somebody's data" },
	{ GUARD_READ_ONLY, NULL, "move the stick's lock switch, or take another stick" },
	{ GUARD_SECTORS, NULL, "take another stick: nearly all have 512-byte sectors" },
	{ GUARD_SMALL, NULL, "take a larger stick" },
	{ GUARD_MOUNTED, "allow-mounted", "unmount it first" },
	{ GUARD_SWAP, "allow-swap", "turn the swap off first: swapoff" },
	{ GUARD_HOLDER, "allow-holder", "take apart what stands on it first: dmsetup, cryptsetup, "
	  "mdadm, losetup" },
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

const char *guard_advice(unsigned reason)
{
	for (size_t i = 0; i < RULES; i++) {
		if (rules[i].reason == reason)
			return rules[i].advice;
	}
	return "";
}

void guard_text(unsigned reason, const struct drive *d, const struct usage *u, char *out,
		size_t size)
{
	char bytes[24];

	probe_size_text(d->bytes, bytes);
	switch (reason) {
	case GUARD_NO_MEDIUM:
		snprintf(out, size, "no medium in it");
		break;
	case GUARD_SYSTEM:
		snprintf(out, size, "the running system needs it (%s)", u->system);
		break;
	case GUARD_NOT_USB:
		snprintf(out, size, "not on USB%s%s%s", d->bus[0] ? " (" : "", d->bus,
			 d->bus[0] ? ")" : "");
		break;
	case GUARD_LARGE:
		snprintf(out, size, "%s: over 64 GiB", bytes);
		break;
	case GUARD_READ_ONLY:
		snprintf(out, size, "write-protected");
		break;
	case GUARD_SECTORS:
		snprintf(out, size, "sectors of %u bytes, firmware reads 512 only",
			 d->sector_bytes);
		break;
	case GUARD_SMALL:
		snprintf(out, size, "%s: too small", bytes);
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
