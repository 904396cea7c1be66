/*
 * session: a command that an operator runs inside, from the request to the end of
 * its leader; and which connection, if any, it belongs to.
 *
 * A session is one process group, led by the command in a session of its own. It
 * lives as long as its connection, unless it is held.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/spawn.h"
#include "request.h"

enum { SESSIONS = 1000 };

struct session {
	pid_t pid;                  /* of the leader, and its group; 0: this record is free */
	unsigned id;                /* from 1, never used twice */
	int connection;             /* index of the connection, or -1 */
	int progress;               /* ours, while the start is under way, else 0 */
	int master;                 /* of its terminal: ours while it starts or is held, else 0 */
	bool held;                  /* goes on without a connection */
	bool dead;                  /* the leader is reaped; the group is still to be killed */
	bool terminal;              /* has one of its own */
	bool failed;                /* never ran, and its connection has been told so */
	char name[15];              /* what it runs, as far as it fits */
	long long started, kill_at; /* monotonic milliseconds; 0: not set */
};

/*
 * Forks the child of a request that was read, for a connection by index. The
 * descriptors of the request stay the caller's. How it went is told by progress,
 * which becomes readable. NULL with errno: EAGAIN where the table is full, or what
 * socketpair(2) or fork(2) says.
 */
struct session *session_start(
	const struct request *request, const int *fds, int connection, char **envp);

/*
 * Takes one piece of news off progress: nothing yet, the terminal's master (kept in
 * the session; ask again), or how it went. Then call session_settle.
 */
enum session_progress { SESSION_STARTING, SESSION_TERMINAL, SESSION_RUNS, SESSION_FAILED };
enum session_progress session_progress(struct session *session, struct spawn_failure *failure);

/* Closes progress. */
void session_settle(struct session *session);

/* By index, for a loop over all: NULL where that record is free or dead. */
struct session *session_at(unsigned index);
unsigned session_index(const struct session *session);

/* A live one, or NULL. */
struct session *session_by_id(unsigned id);
struct session *session_by_pid(pid_t pid);

/* How many there are. */
unsigned session_count(void);

/* Signals the group. 0, or -1 with errno. */
int session_signal(const struct session *session, int signal);

/*
 * Its connection is gone, or the container ends: HUP and CONT to the group, and
 * KILL after grace milliseconds.
 */
void session_hang_up(struct session *session, long long grace);

/* The leader was reaped. Frees the record, or keeps it until what is left is killed. */
void session_died(struct session *session);

/* Kills what has outlived its grace; returns when to come back, or -1: not at all. */
long long session_expire(long long now);

/* Gives the terminal's master up to the caller, or 0 where there is none. */
int session_take_master(struct session *session);

#endif
