/*
 * inet: addresses of TCP and the words that stand for them: 127.0.0.1, [::1], localhost, and the
 * names in the container's /etc/hosts. Nothing asks a name server.
 */
#ifndef INITCTL_INET_H
#define INITCTL_INET_H

#include <netinet/in.h>
#include <stdbool.h>

#include "verbs.h"

enum {
	INET_TEXT = 56,  /* bytes of "[ADDRESS]:PORT" with its NUL, at most */
	INET_WORD = 256, /* bytes of a word of the command line with its NUL, at most */
	INET_PARTS = 4,  /* in such a word, at most */
	INET_MOST = 4    /* addresses of one name; more are ignored */
};

struct inet_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
};

/* The addresses that a host has, in the order in which they are tried; at least one. */
struct inet_host {
	struct inet_address addresses[INET_MOST];
	unsigned count;
};

/*
 * Splits a word at its colons into parts that point into the copy; an address of IPv6 stands in
 * brackets, which are left out. Returns how many there are, or 0 if that is no such word: it is
 * too long, has too many parts, or brackets that are not around a part.
 */
unsigned inet_split(const char *word, char copy[INET_WORD], char *parts[INET_PARTS]);

/* Reads a port of least to 65535. Returns 0, or -1 if it is none. */
int inet_port(const char *text, unsigned least, unsigned *port);

/* Reads a numeric address, without brackets. Returns 0, or -1 if it is none. */
int inet_parse(struct inet_address *address, const char *text, unsigned port);

/* The two addresses of "localhost", 127.0.0.1 first. */
void inet_local(struct inet_host *host, unsigned port);

/*
 * Finds the addresses of a host of the container: a numeric address, "localhost", or a name in the
 * container's /etc/hosts. Ends the program if there is none.
 */
void inet_find(
	const struct context *context, struct inet_host *host, const char *name, unsigned port);

/* The size of the address for bind(2) and connect(2), and its port. */
socklen_t inet_size(const struct inet_address *address);
unsigned inet_port_of(const struct inet_address *address);
void inet_set_port(struct inet_address *address, unsigned port);

/* Writes the address without its port, in brackets if it is one of IPv6; or both, ADDRESS:PORT. */
void inet_name(const struct inet_address *address, char text[INET_TEXT]);
void inet_text(const struct inet_address *address, char text[INET_TEXT]);

/* What init's verb "open" calls a socket for the address: "tcp4" or "tcp6". */
const char *inet_kind(const struct inet_address *address);

/* Has a socket send small writes at once: whoever wrote them has waited, or has not. */
void inet_hurry(int fd);

/*
 * Makes a socket that init has passed ready for use: non-blocking, and without delay for small
 * writes. Returns 0, or -1 with EPROTO if it is no unconnected TCP socket for the address.
 */
int inet_prepare(int fd, const struct inet_address *address);

/*
 * Asks init for a socket, and ends the program if it passes none: an init that is older than that
 * request is told apart. verb is the name of the verb that needs it. The socket is the caller's.
 */
int inet_open(int connection, const struct inet_address *address, const char *verb);

#endif
