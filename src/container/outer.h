/*
 * outer: the process that stays outside where init makes a namespace of pids. It
 * stands for the container with whoever started it: signals go in, the exit code
 * comes out, and each dies with the other.
 */
#ifndef OUTER_H
#define OUTER_H

#include <sys/types.h>

#include "process/tty.h"

struct outer {
	pid_t inner;    /* PID 1 of the namespace */
	int signals;    /* signalfd */
	int leash;      /* closed by our death */
	struct tty tty; /* given: its foreground was ours */
};

/* Serves until the inner process ends, and ends as that did. */
_Noreturn void outer_serve(struct outer *outer);

#endif
