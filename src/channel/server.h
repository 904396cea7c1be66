/*
 * server: the control channel, through which operators reach into the container. Accepts
 * connections, checks who is at the other end, and has requests carried out: receive one
 * datagram, check it, fork or kill() or send a descriptor. Nothing here waits for a peer,
 * allocates, or looks up a path that the container controls.
 */
#ifndef SERVER_H
#define SERVER_H

#include <stdbool.h>
#include <sys/types.h>

#include "exports.h"
#include "process/privileges.h"
#include "process/signals.h"

enum { SERVER_UIDS = 16 };

/* How the command line asks for the channel. */
struct server_setup {
	const char *path; /* NULL: none */
	int fd;           /* inherited, or -1 */
	unsigned verbs;   /* that are offered, as verbs_from_list has them; 0: all */
	unsigned count;   /* of uids that are allowed */
	uid_t allowed[SERVER_UIDS];
};

/* What the channel sees of init, which keeps it up to date. */
struct server_view {
	const char *state;
	const struct recipient *command;     /* pid 0: none, or ended */
	const struct privileges *privileges; /* of the command */
	bool ended, stopping;                /* the command; the container */
	int status;                          /* of the command, as of wait(2), once it ended */
	int proc;                            /* see descendants_open */
	long long started;                   /* monotonic milliseconds */
	long long
		grace; /* of the container and of sessions, in force now: milliseconds or FOREVER */
	unsigned long long reaped, forwarded;
};

/* Whether a channel was asked for. */
bool server_is_wanted(const struct server_setup *setup);

/*
 * Makes the socket, or takes the inherited one. 0, or -1 with errno. setup and its strings are
 * kept by reference. Whatever ends the process from here on calls server_remove_socket.
 */
int server_open(const struct server_setup *setup);

/*
 * The command runs: greets and serves from now on, beside the signalfd, which stays the
 * caller's. The view is read for as long as init runs. 0, or -1 with errno.
 */
int server_start(const struct server_view *view, int signals);

/* Adds what the channel holds to a list of descriptors to keep; returns how many. */
unsigned server_keep(int *list);
enum { SERVER_KEEPS = EXPORTS + 5 };

/*
 * Waits for at most so many milliseconds (-1: for ever) and serves the connections.
 * Returns whether the signalfd is readable.
 */
bool server_wait(int timeout);

/*
 * Kills the sessions that have outlived their grace. Returns when to call it again:
 * monotonic milliseconds, or NEVER.
 */
long long server_expire(long long now);

/* A child was reaped. Returns whether it led a session. */
bool server_child_died(pid_t pid, int status);

/* The command ended, as the view says: tells those who wait. */
void server_main_ended(void);

/* Tells those who watch: the state of the view is another one; a signal was forwarded. */
void server_state_changed(void);
void server_signal_forwarded(int signal);

/* The container ends: hangs all sessions up, with the grace of the view. */
void server_hang_up(void);

/*
 * Whether operators asked for the end of the container since the last call, and the shortest
 * grace that they ever gave: milliseconds, or NOT_SAID.
 */
bool server_take_stop(long long *grace);

/* Removes the socket's file. 0, or -1 with errno. */
int server_remove_socket(void);

/* The path of --control, for a message; NULL where there is none. */
const char *server_path(void);

#endif
