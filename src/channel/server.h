/*
 * control: the channel through which operators reach into the container. Holds the
 * connections, checks who is at the other end, and does what a request asks for:
 * receive one datagram, check it, fork or kill() or send a descriptor. Nothing here
 * waits for a peer, allocates, or looks a path up that the container controls.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/signals.h"

enum { SERVER_UIDS = 16 };

/* How init was asked to hold the channel. */
struct server_setup {
	const char *path; /* NULL: none */
	int fd;           /* inherited, or -1 */
	unsigned verbs;   /* a bit for each that is offered, see request.h; 0: all */
	unsigned count;
	uid_t allowed[SERVER_UIDS];
};

/* What the channel is told of init, which keeps it up to date. */
struct server_view {
	const char *state;
	const struct recipient *command; /* pid 0: none, or ended */
	bool ended, stopping;            /* the command; the container */
	int status;                      /* of the command, as of wait(2), once it ended */
	int proc;                        /* see others.h */
	long long started;               /* monotonic milliseconds */
	long long grace;                 /* of sessions that lost their connection, milliseconds */
	unsigned long long reaped, forwarded;
};

/* What an operator wants init itself to do. */
struct server_wish {
	bool stop;
	long long grace; /* milliseconds, FOREVER: as init was told */
};

/* Whether a channel was asked for. */
bool server_wanted(const struct server_setup *setup);

/*
 * Makes the socket, and opens what is handed out. 0, or -1 with errno. Whatever
 * ends the process from here on calls server_close.
 */
int server_open(const struct server_setup *setup);

/* The command runs: greets and serves from now on, beside the signalfd. 0 or -1. */
int server_start(const struct server_view *view, int signals);

/* Adds what the channel holds to a list of descriptors to keep; returns how many. */
unsigned server_keep(int *list);
enum { SERVER_KEEPS = 20 };

/*
 * Waits for at most so many milliseconds (-1: for ever) and serves the connections.
 * Returns whether the signalfd is readable.
 */
bool server_wait(int timeout);

/* When server_expire is to be called: monotonic milliseconds, or -1. */
long long server_expire(long long now);

/* A child was reaped. Returns whether it led a session. */
bool server_child_died(pid_t pid, int status);

/* The command ended, as the view says: tells those who wait. */
void server_main_ended(void);

/* The container ends: the sessions get their HUP. */
void server_hang_up(void);

/* The wish since the last call. */
struct server_wish server_wish(void);

/* Removes the socket's file. 0, or -1 with errno. */
int server_close(void);

/* The path of --control, for a message; NULL where there is none. */
const char *server_path(void);

#endif
