/*
 * holders: which processes hold sockets, by the links in /proc/PID/fd.
 */
#ifndef INITCTL_HOLDERS_H
#define INITCTL_HOLDERS_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "process.h"
#include "sockets.h"

/* A descriptor of a socket. */
struct holder {
	uint32_t next; /* of the same socket, or SOCKET_NONE */
	int pid, fd;
	char name[PROCESS_NAME]; /* of the process; it may contain anything */
};

/* Zero is an empty list. */
struct holders {
	struct holder *rows;
	size_t count;
	struct memory memory; /* of the rows */
	unsigned closed;      /* processes whose descriptors may not be read */
};

/*
 * Finds the holders of all sockets in the list, whose rows then lead to them. proc is a descriptor
 * of the container's /proc. Takes time in proportion to the number of
 * sockets and descriptors. Processes that end meanwhile are left out.
 */
void holders_find(struct holders *list, int proc, struct sockets *sockets);

#endif
