/* Mounts, swap, holders: read from procfs and sysfs; mounts are let go on demand. */
#include "ukpu/drive/usage.h"
#include "ukpu/drive/usage-private.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Decode the octal escapes of procfs (\040 for a blank), in place. No byte is a NUL. */
static void unescape(char *s)
{
	char *out = s;

	for (; *s; s++) {
		int byte = 0;

		if (*s == '\\' && is_octal(s[1]) && is_octal(s[2]) && is_octal(s[3]))
			byte = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
		if (!byte || byte > 0xff) {
			*out++ = *s;
			continue;
		}
		*out++ = (char)byte;
		s += 3;
	}
	*out = '\0';
}

static bool path_on_drive(const char *sys, const struct drive *d, const char *path)
{
	struct stat st;

	if (path[0] != '/' || stat(path, &st))
		return false;
	if (S_ISBLK(st.st_mode))
		return drive_carries(sys, d, major(st.st_rdev), minor(st.st_rdev));
	return drive_carries(sys, d, major(st.st_dev), minor(st.st_dev));
}

bool usage_parse_mount(char *line, struct usage_mount *out)
{
	char *fields[5] = { 0 }, *save, *source;
	char *dash = strstr(line, " - ");

	if (!dash)
		return false;
	*dash = '\0';
	/* After the dash: file system, source, options. */
	source = strchr(dash + 3, ' ');
	if (source)
		source = strtok_r(source, " \n", &save);
	fields[0] = strtok_r(line, " ", &save);
	for (size_t i = 1; i < 5 && fields[i - 1]; i++)
		fields[i] = strtok_r(NULL, " ", &save);
	if (!fields[4] || sscanf(fields[2], "%u:%u", &out->major, &out->minor) != 2)
		return false;
	if (source)
		unescape(source);
	unescape(fields[4]);
	out->point = fields[4];
	out->source = source ? source : "";
	return true;
}

const char *usage_parse_swap(char *line)
{
	line[strcspn(line, " \t\n")] = '\0';
	unescape(line);
	return line;
}

/* Is the file system on the disk? Where devices are anonymous (btrfs), the source counts. */
static bool mount_on_drive(const char *sys, const struct drive *d, const struct usage_mount *m)
{
	return drive_carries(sys, d, m->major, m->minor) ||
		(!m->major && !strncmp(m->source, "/dev/", 5) && path_on_drive(sys, d, m->source));
}

static int read_mounts(struct usage *out, const char *sys, const char *proc,
		       const struct drive *d, struct fault *fault)
{
	char path[PATH_MAX], *line = NULL;
	struct usage_mount m;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/self/mountinfo", proc);
	f = fopen(path, "re");
	if (!f)
		return fault_sys(fault, errno, "cannot read what is mounted (%s)", path);
	while (getline(&line, &room, f) > 0) {
		if (!usage_parse_mount(line, &m) || !mount_on_drive(sys, d, &m))
			continue;
		if (out->n_mounts < USAGE_MAX)
			snprintf(out->mounts[out->n_mounts++], sizeof(out->mounts[0]), "%s",
				 m.point);
		if (!strcmp(m.point, "/") || !strcmp(m.point, "/boot") ||
		    !strcmp(m.point, "/home"))
			snprintf(out->system, sizeof(out->system), "%s", m.point);
	}
	free(line);
	fclose(f);
	return 0;
}

static int read_swaps(struct usage *out, const char *sys, const char *proc, const struct drive *d,
		      struct fault *fault)
{
	char path[PATH_MAX], *line = NULL;
	size_t room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/swaps", proc);
	f = fopen(path, "re");
	if (!f && errno == ENOENT)	/* a kernel without swap */
		return 0;
	if (!f)
		return fault_sys(fault, errno, "cannot read what is used as swap (%s)", path);
	while (getline(&line, &room, f) > 0) {
		const char *swap = usage_parse_swap(line);

		if (out->n_swaps < USAGE_MAX && path_on_drive(sys, d, swap))
			snprintf(out->swaps[out->n_swaps++], sizeof(out->swaps[0]), "%s", swap);
	}
	free(line);
	fclose(f);
	return 0;
}

static void read_holders(struct usage *out, const char *folder)
{
	char path[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	if (snprintf(path, sizeof(path), "%s/holders", folder) >= (int)sizeof(path))
		return;
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.' && out->n_holders < USAGE_MAX)
			snprintf(out->holders[out->n_holders++], sizeof(out->holders[0]), "%.31s",
				 e->d_name);
	}
	if (dir)
		closedir(dir);
}

/* Holders of the disk itself and of its partitions, which are folders in its own. */
static void read_all_holders(struct usage *out, const char *sys, const struct drive *d)
{
	char path[PATH_MAX], part[PATH_MAX + 300];
	struct dirent *e;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/block/%s", sys, d->name);
	read_holders(out, path);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (strncmp(e->d_name, d->name, strlen(d->name)))
			continue;
		snprintf(part, sizeof(part), "%s/%s", path, e->d_name);
		read_holders(out, part);
	}
	if (dir)
		closedir(dir);
}

/* Loop devices on the image FILE, or (NULL) on the disk D: the kernel lists them as no holders. */
static void read_loops(struct usage *out, const char *sys, const struct drive *d,
		       const struct stat *file)
{
	char path[PATH_MAX], backing[PATH_MAX];
	struct dirent *e;
	struct stat st;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/block", sys);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		FILE *f;
		bool ours;

		if (strncmp(e->d_name, "loop", 4))
			continue;
		snprintf(path, sizeof(path), "%s/block/%s/loop/backing_file", sys, e->d_name);
		f = fopen(path, "re");
		ours = f && fgets(backing, sizeof(backing), f);
		if (f)
			fclose(f);
		if (!ours)
			continue;
		backing[strcspn(backing, "\n")] = '\0';
		ours = file ? !stat(backing, &st) && st.st_dev == file->st_dev &&
			st.st_ino == file->st_ino : path_on_drive(sys, d, backing);
		if (ours && out->n_holders < USAGE_MAX)
			snprintf(out->holders[out->n_holders++], sizeof(out->holders[0]), "%.31s",
				 e->d_name);
	}
	if (dir)
		closedir(dir);
}

void usage_read_image(struct usage *out, const char *sys, const char *path)
{
	struct stat st;

	memset(out, 0, sizeof(*out));
	if (!stat(path, &st))
		read_loops(out, sys, NULL, &st);
}

int usage_read(struct usage *out, const char *sys, const char *proc, const struct drive *d,
	       struct fault *fault)
{
	static const char *const places[] = { "/", "/boot", "/home" };
	int rc;

	memset(out, 0, sizeof(*out));
	rc = read_mounts(out, sys, proc, d, fault);
	if (!rc)
		rc = read_swaps(out, sys, proc, d, fault);
	if (rc)
		return rc;
	read_all_holders(out, sys, d);
	read_loops(out, sys, d, NULL);
	/* Not only mount points: /home may be a folder of the root file system, or a link. */
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !out->system[0]; i++) {
		if (path_on_drive(sys, d, places[i]))
			snprintf(out->system, sizeof(out->system), "%s", places[i]);
	}
	if (!out->system[0] && path_on_drive(sys, d, "/proc/self/exe"))
		snprintf(out->system, sizeof(out->system), "this program");
	return 0;
}

int usage_unmount(const struct usage *u, struct fault *fault)
{
	for (size_t i = u->n_mounts; i-- > 0; ) {
		if (umount2(u->mounts[i], UMOUNT_NOFOLLOW)) {
			return fault_sys(fault, errno, "cannot unmount %s\n"
					 "list the programs that use it: fuser -vm %s",
					 u->mounts[i],
					 u->mounts[i]);
		}
	}
	return 0;
}
