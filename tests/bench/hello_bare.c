/* The reference for hearing hellos: accept, read to the end, close, no more. hello_bare PORT */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* True when the other end has said all. */
static int drain(int fd)
{
	char bytes[2048];
	ssize_t n;

	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		;
	return n == 0 || errno != EAGAIN;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct epoll_event e = { .events = EPOLLIN }, events[256];
	int one = 1, poll = epoll_create1(0), s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (argc < 2 || poll < 0 || s < 0)
		die("hello_bare PORT");
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)atoi(argv[1]));
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	e.data.fd = s;
	if (bind(s, (struct sockaddr *)&a, sizeof(a)) || listen(s, 4096) ||
	    epoll_ctl(poll, EPOLL_CTL_ADD, s, &e))
		die("listen");
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int got = epoll_wait(poll, events, 256, -1);

		for (int i = 0; i < got; i++) {
			int fd = events[i].data.fd;

			if (fd != s) {
				if (drain(fd))
					close(fd);
				continue;
			}
			while ((fd = accept4(s, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
				if (drain(fd)) {
					close(fd);
					continue;
				}
				e.data.fd = fd;
				if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e))
					die("epoll_ctl");
			}
		}
	}
}
