/*
 * exit: the exit codes of initctl other than those of a command; see initctl(1).
 */
#ifndef INITCTL_EXIT_H
#define INITCTL_EXIT_H

#include "initctl.h"

enum {
	EXIT_INITCTL = 125, /* initctl or the channel failed; the code of fail() and fail_errno() */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_SIGNAL = 128, /* plus the signal's number */
	EXIT_CONTAINER_ENDED = INITCTL_GONE
};

/* The exit code for a command that could not be executed, by the errno of exec(3). */
int exit_code_of_exec(int error);

/*
 * Exits with the exit code of a child, or dies from the signal that killed it, so that a shell sees
 * no difference; status is as of wait(2). No core dump is left by a process that is not dumpable.
 */
_Noreturn void exit_like(int status);

#endif
