/*
 * say: the one text that is being put together, piece by piece, to whatever length. Whoever takes
 * it begins it, and is done with it before another one begins.
 */
#ifndef INITCTL_SAY_H
#define INITCTL_SAY_H

#include "memory.h"

struct said {
	struct memory memory;
	size_t length;
};

extern struct said said;

/* Adds what a format of out.h makes. Returns the whole text, which the next call may move. */
__attribute__((format(printf, 1, 2))) char *say(const char *format, ...);

#endif
