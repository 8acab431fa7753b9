/* A machine is switched on with a stick in it: what its BIOS does with setup.bin. */
#include "samples/amt-sim/sim-boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/secret.h"
#include "samples/amt-sim/sim-record.h"
#include "samples/amt-sim/sim-stick.h"
#include "setupbin/file.h"

static int64_t read_at(void *context, uint64_t offset, void *buffer, size_t size,
		   struct fault *fault)
{
	const struct sim_stick_file *f = context;
	int rc;

	if (offset >= f->size)
		return 0;
	if (size > f->size - offset)
		size = (size_t)(f->size - offset);
	rc = sim_stick_read(f->fd, f->offset + offset, buffer, (uint32_t)size, fault);
	return rc < 0 ? rc : (int64_t)size;
}

static bool newer(struct sbin_version a, struct sbin_version b)
{
	return a.major != b.major ? a.major > b.major : a.minor > b.minor;
}

/* The newest file version that firmware of this age knows (Intel AMT and USB Versions). */
static struct sbin_version known_version(struct sim_device_firmware firmware)
{
	if (firmware.major <= 2)
		return (struct sbin_version){ 1, 0 };
	if (firmware.major == 3)
		return (struct sbin_version){ 2, 0 };
	if (firmware.major <= 5)
		return (struct sbin_version){ 2, 1 };
	if (firmware.major <= 6)
		return (struct sbin_version){ 3, 0 };
	return (struct sbin_version){ 4, 0 };
}

/* Firmware's look at the file header, beyond what the decoder refuses by itself. */
static int check_header(const struct sbin_header *h, const struct sim_stick_file *f,
			struct sbin_version reads, struct fault *fault)
{
	if (sbin_uuid_major(h->uuid) != h->version.major)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "setup.bin says version %u.%u, but begins with the file type of "
				 "version %d", h->version.major, h->version.minor,
				 sbin_uuid_major(h->uuid));
	if (newer(h->version, reads)) {
		return fault_set(fault, KIT_ERR_NOT_FOUND, "setup.bin is of version %u.%u, this "
				 "BIOS knows versions up to %u.%u\n"
				 "make the file with: --file-version %u.%u", h->version.major,
				 h->version.minor, reads.major, reads.minor, reads.major,
				 reads.minor);
	}
	if (sbin_header_file_bytes(h) > f->size)
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "setup.bin has %u bytes, its header speaks of %llu", f->size,
				 (unsigned long long)sbin_header_file_bytes(h));
	if (h->consumed > h->records)
		return fault_set(fault, KIT_ERR_FORMAT,
				 "setup.bin counts %u record%s, and %u of them used", h->records,
				 plural(h->records), h->consumed);
	return 0;
}

/* Overwrite one chunk of the file, as firmware does: whole sectors only. */
static int write_chunk(const struct sim_stick_file *f, uint64_t at, const uint8_t *chunk,
		       struct fault *fault)
{
	ssize_t n;

	do
		n = pwrite(f->fd, chunk, SBIN_CHUNK, (off_t)(f->offset + at));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return fault_sys(fault, errno, "cannot mark the record used on the stick");
	if (n != SBIN_CHUNK)
		return fault_set(fault, KIT_ERR_SYSTEM,
				 "the stick took only a part of a sector");
	return 0;
}

/*
 * Counter first: cut off between the two writes, the next machine takes the next record, and
 * at worst a flag still calls a used record valid.
 */
static int mark_used(const struct sim_stick_file *f, const struct sbin_header *h, uint64_t record,
		     bool wipe, struct fault *fault)
{
	uint8_t chunk[SBIN_CHUNK];
	int rc = sim_stick_read(f->fd, f->offset, chunk, SBIN_CHUNK, fault);

	if (rc == 0) {
		put_le32(chunk + SBIN_CONSUMED_OFFSET, h->consumed + 1);
		rc = write_chunk(f, 0, chunk, fault);
	}
	for (unsigned i = 0; rc == 0 && i < (wipe ? h->record_chunks : 1u); i++) {
		uint64_t at = record + (uint64_t)i * SBIN_CHUNK;
		size_t keep = i == 0 ? SBIN_RECORD_HEADER : 0;

		rc = sim_stick_read(f->fd, f->offset + at, chunk, SBIN_CHUNK, fault);
		if (rc < 0)
			break;
		if (i == 0)
			put_le32(chunk + SBIN_RECORD_FLAGS_OFFSET,
				 get_le32(chunk + SBIN_RECORD_FLAGS_OFFSET) &
					 ~(uint32_t)SBIN_VALID);
		if (wipe)
			memset(chunk + keep, 0, SBIN_CHUNK - keep);
		rc = write_chunk(f, at, chunk, fault);
	}
	if (rc == 0 && fsync(f->fd) < 0)
		rc = fault_sys(fault, errno, "cannot mark the record used on the stick");
	secret_wipe(chunk, sizeof(chunk));
	return rc;
}

/* May a record or a person change D, and its MEBx password from CURRENT to NEW ("" for none)? */
static int check_passwords(const struct sim_device *d, const char *current, const char *new,
			   struct fault *fault)
{
	const char *rule = "";

	if (!current[0])
		current = PASSWORD_FACTORY;
	if (d->state == SIM_DEVICE_POST)
		return fault_set(fault, KIT_ERR_STATE, "already provisioned: the machine was set "
				 "up before\n"
				 "take it back to factory state first");
	if (strcmp(current, d->mebx) != 0)
		return fault_set(fault, KIT_ERR_REFUSED, "2209 - USB provisioning error: the "
				 "record's current MEBx password is not the machine's\n"
				 "clear CMOS to get the factory password back, or give the record "
				 "the password that the machine has");
	/* The factory's password may not stay; any other may. */
	if (new[0] ? password_check_new(new, &rule) < 0 : strcmp(current, PASSWORD_FACTORY) == 0)
		return fault_set(fault, KIT_ERR_REFUSED,
				 "the record's new MEBx password will not do: "
				 "%s",
				 rule[0] ? rule : "there is none, and the factory's has to go");
	return 0;
}

/* Keep the changed device; when that fails it is again what BEFORE says. */
static int keep(struct sim_device *d, struct sim_device *before, int rc, struct fault *fault)
{
	if (rc == 0)
		rc = sim_device_save(d, fault);
	if (rc < 0)
		*d = *before;
	secret_wipe(before, sizeof(*before));
	return rc;
}

int sim_boot_take_entry(struct sim_device *d, const struct keyentry *e, struct fault *fault)
{
	struct sim_device before = *d;
	int rc = check_passwords(d, e->current_password, e->new_password, fault);

	if (rc == 0 && d->firmware.major > SIM_DEVICE_LAST_PSK)
		rc = fault_set(fault, KIT_ERR_REFUSED, "AMT %u.%u.%u takes no PID and PPS; "
			       "2.0 to 10 do\n"
			       "such machines are set up by certificate: amt-setupbin create --pki",
			       d->firmware.major, d->firmware.minor, d->firmware.build);
	if (rc == 0 && pidpps_check_pid(e->pair.pid) < 0)
		rc = fault_set(fault, KIT_ERR_REFUSED,
			       "status 0x2A: the record's PID is not valid");
	if (rc == 0 && pidpps_check_pps(e->pair.pps) < 0)
		rc = fault_set(fault, KIT_ERR_REFUSED,
			       "status 0x2B: the record's PPS is not valid");
	d->pair = e->pair;
	if (e->new_password[0])
		strcpy(d->mebx, e->new_password);
	secret_wipe(d->login, sizeof(d->login));
	d->pki.on = false;
	d->state = SIM_DEVICE_IN;
	return keep(d, &before, rc, fault);
}

static bool knows_certificates(struct sim_device_firmware f)
{
	return f.major > 2 || (f.major == 2 && (f.minor == 2 || f.minor >= 6));
}

int sim_boot_take_pki(struct sim_device *d, const struct sim_device_pki *pki, struct fault *fault)
{
	struct sim_device before = *d;
	struct sim_device_pki *p = &d->pki;
	int rc = 0;

	if (d->state == SIM_DEVICE_POST)
		rc = fault_set(fault, KIT_ERR_STATE, "already provisioned: the machine was set up "
			       "before");
	if (rc == 0 && !knows_certificates(d->firmware))
		rc = fault_set(fault, KIT_ERR_REFUSED, "AMT %u.%u.%u takes no certificates; 2.2, "
			       "2.6, 3.0 and later do", d->firmware.major, d->firmware.minor,
			       d->firmware.build);
	for (size_t i = 0; rc == 0 && i < pki->n_own; i++) {
		bool has = false;

		for (size_t k = 0; k < p->n_own; k++)
			has = has || memcmp(&p->own[k], &pki->own[i], sizeof(p->own[k])) == 0;
		if (!has && p->n_own == SIM_ROOTS_OWN)
			rc = fault_set(fault, KIT_ERR_RANGE, "the machine holds %d certificate "
				       "digests of sticks, and no more", SIM_ROOTS_OWN);
		else if (!has)
			p->own[p->n_own++] = pki->own[i];
	}
	p->on = true;
	p->builtin_off = pki->builtin_off;
	p->silent = pki->silent;
	strcpy(p->suffix, pki->suffix[0] ? pki->suffix : before.pki.suffix);
	strcpy(p->fqdn, pki->fqdn[0] ? pki->fqdn : before.pki.fqdn);
	strcpy(p->otp, pki->otp[0] ? pki->otp : before.pki.otp);
	p->server = pki->server;
	p->port = pki->port;
	d->state = SIM_DEVICE_IN;
	return keep(d, &before, rc, fault);
}

/* Take a record that is about certificates. */
static int take_certificates(struct sim_device *d, const struct sim_record *record,
			     struct fault *fault)
{
	struct sim_device before = *d;
	int rc = check_passwords(d, record->current, record->new, fault);

	if (rc == 0 && record->new[0])
		strcpy(d->mebx, record->new);
	if (rc == 0)
		secret_wipe(d->login, sizeof(d->login));
	if (rc == 0 && record->forget_own)
		d->pki.n_own = 0;
	if (rc == 0)
		rc = sim_boot_take_pki(d, &record->pki, fault);
	if (rc < 0)
		*d = before;
	secret_wipe(&before, sizeof(before));
	return rc;
}

/* Take a record with PID and PPS. */
static int take_pair(struct sim_device *d, const struct sbin_record *record, struct fault *fault)
{
	struct keyproblem problem = { .field = "", .rule = "" };
	struct keyentry entry = { .used = false };
	int rc = sbin_record_to_entry(record, &entry, &problem);

	if (rc < 0)
		rc = fault_set(fault, KIT_ERR_REFUSED, "%s: %s",
			       problem.field[0] ? problem.field : "PID and PPS",
			       problem.rule[0] ? problem.rule : error_text(rc));
	else
		rc = sim_boot_take_entry(d, &entry, fault);
	secret_wipe(&entry, sizeof(entry));
	return rc;
}

static int take_record(struct sim_device *d, const struct sim_stick_file *file,
		       struct sbin_reader *r, bool wipe, struct sim_boot_report *report,
		       struct fault *fault)
{
	const struct sbin_header *h = sbin_reader_header(r);
	struct sim_record said = { .pair = false };
	struct sbin_record record;
	uint32_t index;
	uint64_t offset;
	int rc = sbin_reader_take(r, &index, &offset, &record, fault);

	if (rc == 0) {
		rc = fault_set(fault, KIT_ERR_NOT_FOUND, "no record of setup.bin is left, of %u\n"
			       "write fresh keys to the stick", h->records);
	}
	if (rc < 0)
		return rc;
	rc = sim_record_read(&record, h->version, &said, fault);
	/* A machine that knows both ways goes by its PID and PPS, where it has been given some. */
	if (rc == 0 && said.certificates &&
	    (!said.pair || d->firmware.major > SIM_DEVICE_LAST_PSK))
		rc = take_certificates(d, &said, fault);
	else if (rc == 0)
		rc = take_pair(d, &record, fault);
	if (rc < 0) {
		rc = fault_context(fault, "record %u", index + 1);
		goto out;
	}
	report->record = index + 1;
	report->records = h->records;
	report->version = h->version;
	report->fat_bits = file->fat_bits;
	report->consumed = sbin_header_consumable(h);
	if (report->consumed)
		rc = mark_used(file, h, offset, wipe, fault);
	if (rc < 0)
		fault_hint(fault, "the machine holds the key of record %u already: do not use "
			   "that record for another one", index + 1);
out:
	secret_wipe(&said, sizeof(said));
	return rc;
}

int sim_boot_from_stick(struct sim_device *d, const char *stick, const struct sim_boot_bios *bios,
			struct sim_boot_report *report, struct fault *fault)
{
	struct sbin_version reads = bios->reads.major ? bios->reads : known_version(d->firmware);
	struct sim_stick_file file = { .fd = -1 };
	struct sbin_input input = { .read_at = read_at, .context = &file, .name = stick };
	struct sbin_reader *r = NULL;
	bool writable = true;
	off_t size;
	int fd, rc;

	memset(report, 0, sizeof(*report));
	fd = open(stick, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EROFS || errno == EACCES)) {
		writable = false;
		fd = open(stick, O_RDONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return fault_sys(fault, errno, "cannot open the stick %s", stick);
	/* A stick sits in one machine at a time. */
	size = flock(fd, LOCK_EX) < 0 ? -1 : lseek(fd, 0, SEEK_END);
	if (size < 0) {
		rc = fault_sys(fault, errno, "cannot use the stick");
		goto out;
	}
	rc = sim_stick_find(&file, fd, (uint64_t)size, bios->fat16_only ? SIM_STICK_FAT16_ONLY : 0,
			    fault);
	if (rc < 0)
		goto out;
	input.size = file.size;
	rc = sbin_reader_open(&r, &input, fault);
	if (rc < 0)
		goto out;
	rc = check_header(sbin_reader_header(r), &file, reads, fault);
	if (rc < 0)
		goto out;
	if (!writable && sbin_header_consumable(sbin_reader_header(r))) {
		rc = fault_set(fault, KIT_ERR_READ_ONLY, "the stick is write-protected, but its "
			       "records are to be marked used\n"
			       "move the stick's lock switch");
		goto out;
	}
	rc = take_record(d, &file, r, bios->wipe, report, fault);
out:
	sbin_reader_free(&r);
	close(fd);
	return rc < 0 ? fault_context(fault, "%s", stick) : 0;
}
