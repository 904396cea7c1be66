/*
 * sockets: the sockets of a network namespace, as the files of /proc/PID/net list them.
 */
#ifndef INITCTL_SOCKETS_H
#define INITCTL_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* In the order in which ss(8) prints them. */
enum socket_kind { SOCKET_UNIX, SOCKET_UDP, SOCKET_UDP6, SOCKET_TCP, SOCKET_TCP6, SOCKET_KINDS };

/* Of struct socket_row: no index. */
#define SOCKET_NONE UINT32_MAX

/* "255.255.255.255", or an IPv6 address in brackets, or "*"; and ":PORT". */
enum { SOCKET_END_SIZE = 64 };

struct socket_end {
	unsigned char address[16]; /* as in a struct in_addr or in6_addr */
	uint16_t port;
};

struct socket_row {
	enum socket_kind kind;
	unsigned char state, type;          /* see sockets_state() and sockets_netid() */
	unsigned long long receive, send;   /* bytes in the queues; of a listener, connections */
	unsigned long long inode;           /* 0: no process holds it, as in TIME-WAIT */
	struct socket_end ends[2];          /* local and peer, but of SOCKET_UNIX */
	const char *path;                   /* of SOCKET_UNIX, or "" */
	uint32_t first_holder, last_holder; /* see holders.h; SOCKET_NONE */
};

/* Zero is an empty list. */
struct sockets {
	struct socket_row *rows;
	size_t count;
	struct memory memory; /* of the rows */
};

/* The file below /proc/PID that lists sockets of a kind, "net/tcp". */
const char *sockets_file(enum socket_kind kind);

/*
 * Adds the sockets that a text lists, as one of those files holds it: the first line is a
 * header. Lines that are none of the file's are ignored. The text is cut into strings, and must
 * remain as long as the list.
 */
void sockets_parse(struct sockets *list, enum socket_kind kind, char *text);

/* What ss(8) calls the kind, and the state. */
const char *sockets_netid(const struct socket_row *row);
const char *sockets_state(const struct socket_row *row);

/* Whether it waits for connections, or, without a connection, for datagrams. */
bool sockets_listens(const struct socket_row *row);

/*
 * Writes the address of an end as text, without its port: numbers, "*" for any address of IPv6,
 * which includes those of IPv4. An address of IPv6 has brackets where it is asked for.
 */
void sockets_address(const struct socket_row *row, int end, bool brackets, char *text, size_t size);

#endif
