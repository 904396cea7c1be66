/*
 * dial: see dial.h.
 */
#include "dial.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "watchdog.h"

/* Connects a socket, and waits for that. Returns 0, or errno. */
static int connect_to(int fd, const struct inet_address *address, const char *text)
{
	const int timeout = watchdog_timeout() ? (int)watchdog_timeout() : -1;
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	int error = 0;
	socklen_t length = sizeof error;

	if (!sys_connect(fd, address, inet_size(address)))
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (!poll(&ready, 1, timeout))
		watchdog_fail("connect to ", text);
	getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
	return error;
}

int dial(const struct context *context, const struct inet_host *host, const char *verb, int started,
	char text[INET_TEXT])
{
	int first = 0, error;

	inet_text(&host->addresses[0], text);
	for (unsigned i = 0; i < host->count; i++) {
		/* No longer than needed: init has connections for a number of clients only. */
		const int connection = verb_connect(context);
		const int fd = inet_open(connection, &host->addresses[i], verb);
		close(connection);
		if (started >= 0)
			close(started);
		started = -1;
		error = connect_to(fd, &host->addresses[i], text);
		if (!error)
			return fd;
		close(fd);
		if (!first)
			first = error;
	}
	errno = first;
	fail_cannot("connect to ", text);
}
