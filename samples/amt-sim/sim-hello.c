/* The hello that a device sends to its server: its bytes, and ways of sending it, rude ones too. */
#include "samples/amt-sim/sim-hello.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/bytes.h"
#include "common/clock.h"
#include "keygen/pidpps.h"
#include "samples/amt-sim/sim-device.h"

#define CONNECT_MS	10000

/*
 *   OFFSET  SIZE  FIELD
 *      0      2   admin credentials set
 *      2      2   interface version
 *      4      4   retry count
 *      8     16   UUID in SMBIOS order
 *     24      8   PID; in version 3 instead: count, and for each hash type, length, digest
 */
size_t sim_hello_make(const struct sim_hello *h, uint8_t *out)
{
	struct writer w;
	uint8_t uuid[16];

	writer_init(&w, out, SIM_HELLO_MAX);
	write_le16(&w, h->admin_set);
	write_le16(&w, h->version);
	write_le32(&w, h->retry);
	sim_device_smbios_uuid(h->uuid, uuid);
	write_bytes(&w, uuid, sizeof(uuid));
	if (h->version != 3) {
		write_bytes(&w, h->pid, PID_LENGTH);
		return w.at;
	}
	write_u8(&w, (uint8_t)h->n_roots);
	for (unsigned i = 0; i < h->n_roots; i++) {
		write_u8(&w, h->roots[i].type);
		write_u8(&w, h->roots[i].length);
		write_bytes(&w, h->roots[i].digest, h->roots[i].length);
	}
	return w.at;
}

int sim_hello_connect(const struct sim_address *from, const struct sim_address *to,
		      struct fault *fault)
{
	char shown[SIM_ADDRESS_SHOWN];
	int fd = socket(to->socket.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, rc;

	if (fd < 0)
		return fault_sys(fault, errno, "cannot open a socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (from->socket.ss_family != to->socket.ss_family ||
	    bind(fd, (const struct sockaddr *)&from->socket, from->size) < 0) {
		sim_address_show(from, shown);
		rc = fault_sys(fault, errno, "cannot speak from %s", shown);
		goto fail;
	}
	if (connect(fd, (const struct sockaddr *)&to->socket, to->size) < 0 &&
	    errno != EINPROGRESS) {
		sim_address_show(to, shown);
		fault_set(fault, KIT_ERR_NETWORK, "cannot connect to %s: %s", shown,
			  strerror(errno));
		rc = KIT_ERR_NETWORK;
		goto fail;
	}
	return fd;
fail:
	close(fd);
	return rc;
}

/*
 * Wait MS milliseconds, or less if the server closes. True when it did. Whatever the server
 * says is read and dropped.
 */
static bool closed_within(int fd, unsigned ms)
{
	double end = clock_monotonic() + ms / 1000.0;
	char dropped[512];

	for (;;) {
		double left = end - clock_monotonic();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (left < 0)
			left = 0;
		if (poll(&p, 1, (int)(left * 1000 + 0.999)) == 0)
			return false;
		n = recv(fd, dropped, sizeof(dropped), MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			return true;
	}
}

static int wait_connected(int fd, struct fault *fault)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0, n;
	socklen_t size = sizeof(err);

	do
		n = poll(&p, 1, CONNECT_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return fault_set(fault, KIT_ERR_TIMEOUT, "the server does not answer");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
		err = errno;
	if (err == 0)
		return 0;
	fault_set(fault, KIT_ERR_NETWORK, "cannot connect to the server: %s\n"
		  "look whether amt-provisiond runs and listens there", strerror(err));
	return KIT_ERR_NETWORK;
}

int sim_hello_send(const struct sim_address *from, const struct sim_address *to,
		   const uint8_t *message, size_t size, const struct sim_hello_manner *manner,
		   struct sim_hello_outcome *out, struct fault *fault)
{
	size_t piece = manner->piece == 0 ? size : manner->piece;
	double began;
	int fd, rc;

	memset(out, 0, sizeof(*out));
	fd = sim_hello_connect(from, to, fault);
	if (fd < 0)
		return fd;
	rc = wait_connected(fd, fault);
	if (rc < 0)
		goto out;
	began = clock_monotonic();
	while (!manner->silent && out->sent < size && !out->server_closed) {
		size_t n = size - out->sent < piece ? size - out->sent : piece;

		if (out->sent > 0)
			out->server_closed = closed_within(fd, manner->pause);
		if (out->server_closed)
			break;
		if (send(fd, message + out->sent, n, MSG_NOSIGNAL) != (ssize_t)n)
			out->server_closed = true;
		else
			out->sent += n;
	}
	if (!out->server_closed && manner->linger > 0)
		out->server_closed = closed_within(fd, manner->linger);
	out->seconds = clock_monotonic() - began;
out:
	close(fd);
	return rc;
}
