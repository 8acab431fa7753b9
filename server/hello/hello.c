/* The hello of a machine, decoded and checked. Pure: bytes in, fields out. */
#include "server/hello/hello.h"

#include <string.h>

#include "common/bytes.h"

#define HEADER	24	/* bytes before the PID or the hashes */

static size_t size_with_hashes(const uint8_t *p, size_t n)
{
	size_t at = HEADER + 1;

	if (n < at)
		return at;
	for (unsigned i = 0; i < p[HEADER]; i++) {
		if (n < at + 2)
			return at + 2;
		at += 2 + (size_t)p[at + 1];
		/* Nothing that long is valid: the decoder says why, no need for more bytes. */
		if (at > HELLO_MAX)
			return n;
	}
	return at;
}

size_t hello_size(const void *data, size_t n)
{
	const uint8_t *p = data;

	if (n < 4)
		return 4;
	switch (get_le16(p + 2)) {
	case HELLO_PSK:
		return HELLO_PSK_SIZE;
	case HELLO_PKI:
		return size_with_hashes(p, n);
	default:
		return 4;
	}
}

/* Hash number I (from 1) of the message. */
static int decode_hash(struct reader *r, struct hello *h, unsigned i, struct fault *fault)
{
	const size_t at = r->at;
	struct keymap_digest hash = { .type = read_u8(r) };
	size_t length = keymap_digest_length(hash.type);

	hash.length = read_u8(r);
	if (r->error)
		return 0;
	if (r->at + hash.length > HELLO_MAX)
		return fault_set(fault, KIT_ERR_RANGE, "hello, offset %zu, hash %u: it ends beyond "
				 "the %d bytes that a hello has at most", at, i, HELLO_MAX);
	if (!length) {
		read_skip(r, hash.length);
		h->n_skipped++;
		return 0;
	}
	if (hash.length != length)
		return fault_set(fault, KIT_ERR_FORMAT, "hello, offset %zu, hash %u: a digest of "
				 "type %u has %zu bytes, not %u", at, i, hash.type, length,
				 hash.length);
	read_copy(r, hash.bytes, hash.length);
	if (!r->error)
		h->hashes[h->n_hashes++] = hash;
	return 0;
}

static int decode_hashes(struct reader *r, struct hello *h, struct fault *fault)
{
	unsigned count = read_u8(r);
	int rc = 0;

	if (count > HELLO_HASHES)
		return fault_set(
			fault, KIT_ERR_RANGE,
			"hello, offset 24, number of hashes: %u, but at most %d are possible",
			count, HELLO_HASHES);
	for (unsigned i = 1; i <= count && !rc && !r->error; i++)
		rc = decode_hash(r, h, i, fault);
	return rc;
}

static int decode_pid(struct reader *r, struct hello *h, struct fault *fault)
{
	const uint8_t *pid = read_bytes(r, PID_LENGTH);
	int rc;

	if (!pid)
		return 0;
	rc = pidpps_check_pid((const char *)pid);
	if (rc) {
		return fault_set(fault, rc, "hello, offset 24, PID: %s\n"
				 "if this is one of your machines, its PID was mistyped: enter PID "
				 "and PPS again in its MEBx, in capitals, or set it up from a "
				 "stick", pidpps_rule(rc, false));
	}
	memcpy(h->pid, pid, PID_LENGTH);
	return 0;
}

/*
 * A record of TLS or SSL 3: handshake (22), then version 3.x; its length would be taken for the
 * interface version. No hello has credentials set to 0x0316.
 */
static bool is_tls(const uint8_t *p, size_t n)
{
	return n >= 2 && p[0] == 0x16 && p[1] == 0x03;
}

static int decode(const void *data, size_t n, struct hello *out, struct fault *fault)
{
	struct reader r;
	const uint8_t *uuid;
	int rc;

	memset(out, 0, sizeof(*out));
	if (is_tls(data, n))
		return fault_set(fault, KIT_ERR_FORMAT, "a TLS connection, not a hello: this port "
				 "takes hellos as they are, without TLS\n"
				 "look which program at that address connects to the port of this "
				 "server: browsers use http:// here, monitors a TCP check");
	reader_init(&r, data, n);
	out->credentials_set = read_le16(&r);
	out->version = read_le16(&r);
	if (!r.error && out->version == 1) {
		return fault_set(fault, KIT_ERR_FORMAT, "hello of interface version 1 (AMT 1.0), "
				 "which this server does not support\n"
				 "set this machine up with its vendor's AMT 1 tool, or update its "
				 "AMT firmware");
	}
	if (!r.error && out->version != HELLO_PSK && out->version != HELLO_PKI) {
		unsigned version = out->version;

		out->version = 0;
		return fault_set(fault, KIT_ERR_FORMAT, "not a hello: offset 2, interface version: "
				 "%u, not 2 or 3", version);
	}
	out->retry = read_le32(&r);
	uuid = read_bytes(&r, 16);
	if (uuid)
		uuid_from_smbios(uuid, &out->uuid);
	if (!r.error && out->credentials_set > 1)
		return fault_set(fault, KIT_ERR_RANGE, "hello, offset 0, admin credentials set: "
				 "%u, not 0 or 1", out->credentials_set);
	rc = out->version == HELLO_PKI ? decode_hashes(&r, out, fault)
	    : decode_pid(&r, out, fault);
	if (rc)
		return rc;
	if (r.error)
		return fault_set(fault, KIT_ERR_TRUNCATED,
				 "hello of %zu bytes ends too early, at offset %zu", n, r.error_at);
	if (read_left(&r))
		return fault_set(fault, KIT_ERR_RANGE, "hello is followed by more bytes, from "
				 "offset %zu on", r.at);
	return 0;
}

int hello_decode(const void *data, size_t n, struct hello *out, struct fault *fault)
{
	int rc = decode(data, n, out, fault);

	if (rc)
		fault_hint(fault, "no AMT machine sends this: look which program at that address "
			   "connects to the port of this server");
	return rc;
}

size_t hello_encode(const struct hello *h, uint8_t out[static HELLO_MAX])
{
	struct writer w;
	uint8_t uuid[16];

	writer_init(&w, out, HELLO_MAX);
	uuid_to_smbios(&h->uuid, uuid);
	write_le16(&w, h->credentials_set);
	write_le16(&w, h->version);
	write_le32(&w, h->retry);
	write_bytes(&w, uuid, sizeof(uuid));
	if (h->version == HELLO_PSK) {
		write_bytes(&w, h->pid, PID_LENGTH);
		return w.at;
	}
	write_u8(&w, (uint8_t)h->n_hashes);
	for (size_t i = 0; i < h->n_hashes; i++) {
		write_u8(&w, h->hashes[i].type);
		write_u8(&w, h->hashes[i].length);
		write_bytes(&w, h->hashes[i].bytes, h->hashes[i].length);
	}
	return w.at;
}
