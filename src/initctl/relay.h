/*
 * relay: copies bytes between the operator's descriptors and those of a session, and passes on
 * signals and window sizes, until the session ends or the operator detaches from it.
 *
 * The operator's terminal itself is never passed to a session, since whoever holds it could insert
 * input with TIOCSTI or change its modes.
 */
#ifndef INITCTL_RELAY_H
#define INITCTL_RELAY_H

#include <stdbool.h>

struct relay {
	int connection;
	int master; /* of the session's terminal, or -1 */
	int in; /* write end of the session's stdin; -1: ours was passed, or there is a master */
	int out[2];              /* read ends of its stdout and stderr; -1 as above */
	const char *detach_keys; /* as of input_keys(), "" for none; used between terminals only */
	const char *object;      /* name of the session's command, for messages */
	bool attached;           /* the session is not new: make its program redraw the screen */
};

/*
 * Blocks the signals that relay_run() handles, and opens a signalfd for them. To be called before
 * the session is requested: somebody who sees the session run may signal this process before it
 * has received the reply.
 */
void relay_block_signals(void);

/*
 * Waits until the reply to the request that starts the session can be received. Signals take
 * effect if that takes longer than a second, so that a start that hangs can be interrupted. Ends
 * the program if there is no reply in the time of --timeout; object is the command, for messages.
 */
void relay_await_start(int connection, const char *object);

/*
 * Relays until the session ends or is detached. Returns initctl's exit code: the session's; 0 if
 * it was detached; 128 + a signal that ended the relay; EXIT_CONTAINER_ENDED; or EXIT_INITCTL
 * after a message on stderr. Closes the master, in and out, but not the connection. The terminal
 * is restored.
 */
int relay_run(struct relay *relay);

#endif
