/*
 * minder: runs a command in namespaces of the container, in the place of init: the connection is
 * spoken as one to init, so that relay_run() serves the other end.
 */
#ifndef INITCTL_MINDER_H
#define INITCTL_MINDER_H

#include "initctl.h"

struct minder {
	int connection; /* a socket whose other end relays */
	int stdio[3];   /* the command's */
	int master;     /* of the command's terminal, which its stdio is then, or -1 */
	int program;    /* a sealed copy of initctl */
	const char *directory;
	char **command, **environment; /* with SCOPE_VARIABLE */
};

/*
 * Runs the command, in the namespaces that this process has entered, by scope_run(): all of it ends
 * with the command. Sends "started" and in the end "exited", and passes on the signals that are
 * requested. Where the other end is closed, the command has 2 seconds between HUP and KILL.
 * This process does not end with its parent then. All signals are to be blocked. buffer is for the
 * messages.
 */
_Noreturn void minder_run(const struct minder *minder, struct initctl_message *buffer);

#endif
