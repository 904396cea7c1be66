/*
 * tunnel: accepts connections outside, and joins each to one to a host of the container. Each has
 * a process of its own, so that none waits for another.
 */
#ifndef INITCTL_TUNNEL_H
#define INITCTL_TUNNEL_H

#include "inet.h"

enum { TUNNEL_LISTENERS = 128 /* at most */ };

struct tunnel_listener {
	int fd; /* listening, non-blocking; the caller's */
	const struct inet_host *target;
};

/*
 * Runs until the container ends, which closes the connection to init, or until a signal ends the
 * process, and with it those of all connections. Returns the exit code EXIT_CONTAINER_ENDED, after
 * a line on stderr.
 */
int tunnel_run(const struct context *context, int connection,
	const struct tunnel_listener *listeners, unsigned count);

#endif
