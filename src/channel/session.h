/*
 * session: a command that an operator runs inside, from the request to the end of its
 * leader, and of its process group once that was hung up.
 *
 * A session is one process group, led by the command in a session of its own. It lives as
 * long as its connection, unless it is held.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "process/spawn.h"
#include "request.h"

enum { SESSIONS = 1000 };

/*
 * Each change of state has a function below, or in session.c where time or death makes it:
 *
 *   FREE -start-> STARTING -run-> ATTACHED <-hold, attach-> HELD
 *   STARTING, ENDING or KILLED -fail-> FAILED
 *   STARTING, ATTACHED or HELD -hang_up-> ENDING -its grace is over-> KILLED
 *   ENDING -died, others of its group are left-> LEADERLESS -they end or are killed-> FREE
 *   any other -died-> FREE
 */
enum session_state {
	SESSION_FREE,
	SESSION_STARTING, /* forked; whether the program runs is not known yet */
	SESSION_ATTACHED,
	SESSION_HELD,       /* goes on without a connection */
	SESSION_ENDING,     /* was told to end, and has a grace */
	SESSION_KILLED,     /* outlived that */
	SESSION_FAILED,     /* never ran; its child is not reaped yet */
	SESSION_LEADERLESS, /* the leader is reaped; the rest of the group has its grace */
};

struct connection;

struct session {
	enum session_state state;
	pid_t pid;    /* of the leader, and its group */
	unsigned id;  /* from 1, never used twice */
	int progress; /* on which the child reports how its start went, then -1 */
	int master;   /* of its terminal, while it starts or is held; else -1 */
	bool terminal;
	char name[15];                 /* what it runs, as far as it fits */
	struct connection *connection; /* that carries it, or NULL; see connection_bind */
	long long started;             /* monotonic milliseconds, as kill_at */
	long long kill_at;             /* when the grace is over, or NEVER */
};

/*
 * Whether it is not known yet how its start went, in whatever state it is: one may be hung up or
 * killed before.
 */
static inline bool session_awaits_news(const struct session *session)
{
	return session->progress >= 0;
}

/*
 * Forks the child of a request that was read, with what the container may do. The descriptors of
 * the request stay the caller's. How it went is told on progress, which becomes readable. NULL with
 * errno: EAGAIN where the table is full, or what socketpair(2) or fork(2) says.
 */
struct session *session_start(const struct request *request, const struct privileges *container,
	const int *fds, char **envp);

/* What progress tells: nothing yet, or how it went. The master that comes before is kept. */
enum session_news { NEWS_NONE, NEWS_RUNS, NEWS_FAILED };
enum session_news session_read_news(struct session *session, struct spawn_failure *failure);

/* The program runs. Closes progress. */
void session_run(struct session *session);

/* The program will not run. Closes progress. */
void session_fail(struct session *session);

/* It goes on without a connection. Takes over the master, which may be -1. */
void session_hold(struct session *session, int master);

/* It was held, and a connection carries it again. */
void session_attach(struct session *session);

/*
 * Sends HUP and CONT to the group, and KILL after the grace: milliseconds or FOREVER.
 * Of a session that was hung up before the sooner end counts.
 */
void session_hang_up(struct session *session, long long grace);

/* The same for all of them. */
void session_hang_up_all(long long grace);

/* The leader was reaped. Frees the record, or keeps it until the rest of a group is gone. */
void session_died(struct session *session);

/* Kills what has outlived its grace. Returns when to come back, or NEVER. */
long long session_expire(long long now);

/* By index, for a loop over all: NULL where that record is free or leaderless. */
struct session *session_at(unsigned index);
unsigned session_index(const struct session *session);

/* One that has its leader, or NULL. */
struct session *session_by_id(unsigned id);
struct session *session_by_pid(pid_t pid);

/* How many have their leader. */
unsigned session_count(void);

/* The state as clients know it: attached, held or ending. */
const char *session_state_name(const struct session *session);

/* Signals the group. 0, or -1 with errno. */
int session_signal(const struct session *session, int signal);

/*
 * Closes the terminal's master, where there is one. If nobody else has it, that hangs the
 * terminal up, for who has it open: HUP to its foreground.
 */
void session_drop_master(struct session *session);

#endif
