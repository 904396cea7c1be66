/*
 * outer: the process that stays outside where init makes a namespace of pids. It
 * represents the container to its parent: it forwards signals to the inner process, exits
 * with its code, and each of the two dies with the other.
 */
#ifndef OUTER_H
#define OUTER_H

#include <sys/types.h>

#include "process/tty.h"

struct outer {
	pid_t inner;    /* PID 1 of the namespace */
	int signals;    /* signalfd */
	int life;       /* our end of a pipe, which our death closes */
	struct tty tty; /* given: its foreground was ours, and is to be again */
};

/* Serves until the inner process ends, and ends as that did. */
_Noreturn void outer_serve(struct outer *outer);

#endif
