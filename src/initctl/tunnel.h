/*
 * tunnel: accepts connections outside, and joins each to a socket of the container's network that
 * init passes and this process connects. One process, one epoll; nothing blocks.
 */
#ifndef INITCTL_TUNNEL_H
#define INITCTL_TUNNEL_H

#include "inet.h"

struct tunnel_listener {
	int fd; /* listening, non-blocking; the caller's */
	const struct inet_host *target;
	bool ready, watched; /* the tunnel's own */
};

/*
 * Runs until the container ends, which closes the connection to init, or until a signal ends the
 * process. The connection becomes non-blocking. Returns the exit code EXIT_CONTAINER_ENDED, after
 * a line on stderr.
 */
int tunnel_run(int connection, struct tunnel_listener *listeners, unsigned count);

#endif
