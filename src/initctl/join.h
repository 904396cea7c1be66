/*
 * join: relays bytes between a TCP socket in the container and what is outside, in both directions,
 * until both have ended. The end of one direction is passed on as such, and the other goes on.
 */
#ifndef INITCTL_JOIN_H
#define INITCTL_JOIN_H

#include <stdbool.h>

enum join_end {
	JOIN_DONE,   /* both directions have ended */
	JOIN_INSIDE, /* the socket is broken; what it has sent before has been delivered */
	JOIN_INPUT,  /* what is outside is broken, when it was read */
	JOIN_OUTPUT, /* or written */
	JOIN_CONTAINER_ENDED
};

/*
 * Relays until one of these; the errno of an error is in errno. The socket does not block. in and
 * out are the same connection, which does not block either, or two descriptors; bytes of a
 * connection are moved by splice(2). init is a connection to init, which is not read: it is closed
 * when the container ends, and what its servers have sent last is still delivered. All stay the
 * caller's, but for out, if it is none of a connection: that, and stdout, are closed when the
 * socket's direction has ended.
 */
enum join_end join_run(int init, int socket, int in, int out);

#endif
