/*
 * activation: sockets passed as sd_listen_fds(3) has it: descriptors from 3 up,
 * told of in LISTEN_FDS, LISTEN_FDNAMES and, for whom they are, LISTEN_PID.
 */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <sys/types.h>

/*
 * Takes the last descriptor for the control channel where it is named
 * "init-control" and all are for us; the variables then tell of the others only.
 * Returns it, or -1. It is the caller's, and not close-on-exec yet: see fds_claim().
 */
int activation_take(char **envp);

/* In a child: what was for the process that activation_take was called in is for this one. After
 * vfork(2) the parent's environment changes as well. */
void activation_pass_on(char **envp);

#endif
