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

#endif
