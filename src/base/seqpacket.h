/*
 * seqpacket: one datagram with the descriptors that belong to it.
 */
#ifndef SEQPACKET_H
#define SEQPACKET_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Sends a message with up to WIRE_DESCRIPTORS descriptors, which stay the
 * caller's. flags as of sendmsg(2); never raises SIGPIPE. 0, or -1 with errno.
 */
int seqpacket_send(
	int fd, const void *data, size_t length, const int *fds, unsigned count, int flags);

/*
 * Receives a message of up to size bytes, and into fds, which has room for
 * WIRE_DESCRIPTORS, the *count descriptors that came with it: close-on-exec, the
 * caller's. Returns its length, 0 at the end (or for an empty message, which may have
 * descriptors), or -1 with errno: EMSGSIZE where the message was longer than size,
 * E2BIG where there were more descriptors, EMFILE where this process had no room for
 * them; all of them closed.
 */
ssize_t seqpacket_receive(int fd, void *data, size_t size, int *fds, unsigned *count, int flags);

/* Closes count descriptors. */
void seqpacket_discard(const int *fds, unsigned count);

/*
 * Connects to the socket at a path; one that is too long for sun_path is reached by way of a
 * descriptor of the file, and /proc. 0, or -1 with errno.
 */
int seqpacket_connect(int fd, const char *path);

#endif
