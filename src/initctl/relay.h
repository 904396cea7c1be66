/*
 * relay: bytes between the operator's descriptors and a session's, signals and
 * window sizes with them, until the session ends or the operator detaches.
 */
#ifndef INITCTL_RELAY_H
#define INITCTL_RELAY_H

#include <stdbool.h>

struct relay {
	int connection;
	int master;         /* of the session's terminal, or -1 */
	int in;             /* where our stdin goes, or -1: it was passed */
	int out[2];         /* where our stdout and stderr come from, or -1 */
	const char *detach; /* key sequence; "" for none. From a terminal to a terminal only */
	const char *object; /* what runs, for messages */
	bool attached;      /* an older session: have it draw anew */
};

/*
 * Blocks what relay_run hears of by itself. Before the session starts: somebody may
 * see it run, and signal us, before we do.
 */
void relay_block_signals(void);

/* Waits until init has answered. A start that hangs can be interrupted. */
void relay_await_start(int connection);

/*
 * Runs until the end, and returns initctl's exit code: the session's, or 0 where it
 * was detached. Closes what *relay holds but the connection.
 */
int relay_run(struct relay *relay);

#endif
