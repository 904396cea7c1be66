/*
 * listener: the listening socket of the control channel: made at a path of the outside
 * before any change of root, or inherited.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>

#include "base/socket_file.h"

struct listener {
	int fd;                  /* listening and non-blocking; -1: none */
	struct socket_file file; /* directory is -1 where the file is not ours to remove */
};

/*
 * Binds and listens at a path, mode 0600, or 0666 where others were allowed whom
 * the peer check will tell from the rest. A stale socket file is replaced; a live
 * one, or a file of another kind, is EADDRINUSE. 0, or -1 with errno.
 *
 * It listens at once, though it is served only when the command runs: until then
 * a socket that does not listen could not be told from a stale one, and a second
 * init would take it away. Clients wait for the greeting.
 */
int listener_bind(struct listener *listener, const char *path, bool open_to_others);

/*
 * Takes an inherited descriptor: *listens tells whether it is to be accepted from,
 * or is a connection itself, one end of a socketpair(2). Either is made
 * close-on-exec, and a listening one non-blocking. 0, or -1 with errno: EPROTOTYPE
 * where it is no UNIX SOCK_SEQPACKET socket.
 */
int listener_inherit(int fd, bool *listens);

#endif
