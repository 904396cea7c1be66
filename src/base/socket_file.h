/*
 * socket_file: the file of a listening UNIX socket, by the descriptor of its directory,
 * so that it is found again when the path to it means something else.
 */
#ifndef SOCKET_FILE_H
#define SOCKET_FILE_H

#include <stdbool.h>
#include <sys/types.h>
#include <sys/un.h>

#include "file.h"

struct socket_file {
	int directory;           /* that it is in, O_PATH and close-on-exec; -1: there is no file */
	const char *name;        /* in that directory; the caller's string */
	struct file_status made; /* that socket_file_bind made */
};

/* The address of a socket by its path, of fewer than 108 bytes. 0, or -1 with errno. */
int socket_address(struct sockaddr_un *address, const char *name);

/*
 * Opens the directory of a path, which the caller owns, and notes the name. 0, or -1
 * with errno; directory is -1 then.
 */
int socket_file_locate(struct socket_file *file, const char *path);

/*
 * Binds fd to a file that was located, under that umask, and listens. A stale file is
 * replaced; one that is in use, or of another kind, is EADDRINUSE. 0, or -1 with errno.
 */
int socket_file_bind(struct socket_file *file, int fd, mode_t mask);

/* Whether all users may write to it; also true where that cannot be found out. */
bool socket_file_is_world_writable(const struct socket_file *file);

/*
 * Removes the file, where it is still the one that socket_file_bind made. 0, or -1 with
 * errno.
 */
int socket_file_remove(const struct socket_file *file);

/*
 * Removes the file where nobody listens on it any more; waits for that for at most 200 ms,
 * since a process that has just died may still be closing it. The directory becomes the
 * current one. 0, or -1 with errno where nobody listens and the file stays.
 */
int socket_file_remove_stale(const struct socket_file *file);

#endif
