/*
 * listener: the socket of the control channel: made at a path of the outside
 * before any change of root, or inherited; and taken away at the end.
 */
#ifndef LISTENER_H
#define LISTENER_H

#include <stdbool.h>
#include <sys/un.h>

struct listener {
	int fd;           /* listening, non-blocking, or -1 */
	int directory;    /* where its file is, to remove it; -1: not ours to remove */
	const char *name; /* of the file in there */
	unsigned long long inode;
};

/*
 * Opens the directory that a path is in, and notes the name: what listener_bind begins
 * with. fd is -1. 0, or -1 with errno.
 */
int listener_locate(struct listener *listener, const char *path);

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

/* Whether its file may be written by everybody (or is gone, and nobody knows). */
bool listener_world_writable(const struct listener *listener);

/* Removes the file, where it is still our own. */
void listener_remove(const struct listener *listener);

/*
 * Removes it where it is a socket that nobody listens on, after 200 ms at most: who has just
 * died may still be closing it. The directory becomes the current one.
 */
void listener_remove_stale(const struct listener *listener);
/* The address of a socket by its path, in fewer than 108 bytes. 0, or -1 with errno. */
int listener_address(struct sockaddr_un *address, const char *name);

#endif
