/*
 * control: the channel through which operators reach into the container. Holds the
 * connections, checks who is at the other end, and does what a request asks for:
 * receive one datagram, check it, fork or kill() or send a descriptor. Nothing here
 * waits for a peer, allocates, or looks a path up that the container controls.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <sys/types.h>

#include "signals.h"

enum { CONTROL_UIDS = 16 };

/* How init was asked to hold the channel. */
struct control_setup {
	const char *path; /* NULL: none */
	int fd;           /* inherited, or -1 */
	unsigned verbs;   /* a bit for each that is offered, see request.h; 0: all */
	unsigned count;
	uid_t allowed[CONTROL_UIDS];
};

/* What the channel is told of init, which keeps it up to date. */
struct control_view {
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
struct control_wish {
	bool stop;
	long long grace; /* milliseconds, FOREVER: as init was told */
};

/* Whether a channel was asked for. */
bool control_wanted(const struct control_setup *setup);

/*
 * Makes the socket, and opens what is handed out. 0, or -1 with errno. Whatever
 * ends the process from here on calls control_close.
 */
int control_open(const struct control_setup *setup);

/* The command runs: greets and serves from now on, beside the signalfd. 0 or -1. */
int control_start(const struct control_view *view, int signals);

/* Adds what the channel holds to a list of descriptors to keep; returns how many. */
unsigned control_keep(int *list);
enum { CONTROL_KEEPS = 20 };

/*
 * Waits for at most so many milliseconds (-1: for ever) and serves the connections.
 * Returns whether the signalfd is readable.
 */
bool control_wait(int timeout);

/* When control_expire is to be called: monotonic milliseconds, or -1. */
long long control_expire(long long now);

/* A child was reaped. Returns whether it led a session. */
bool control_child_died(pid_t pid, int status);

/* The command ended, as the view says: tells those who wait. */
void control_main_ended(void);

/* The container ends: the sessions get their HUP. */
void control_hang_up(void);

/* The wish since the last call. */
struct control_wish control_wish(void);

/* Removes the socket's file. */
void control_close(void);

#endif
