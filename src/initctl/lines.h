/*
 * lines: copies what several processes write to pipes to our stdout and stderr, by line, each with
 * the name of its process in front, as "NAME | LINE". Lines are never mixed.
 */
#ifndef INITCTL_LINES_H
#define INITCTL_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

/* One pipe, and what has come of it that is no whole line yet. */
struct lines {
	int from, to;              /* the pipe, non-blocking, ours; -1: closed. 1 or 2 */
	const char *name;          /* the caller's */
	unsigned colour;           /* any number, which chooses one where it is shown */
	size_t length;             /* of line */
	struct memory line, shown; /* the name as it is printed */
};

/*
 * To be called before the others. Names are padded to width columns. json: a line of stdout that
 * begins with {"container": has its name, and gets none. Our own reader is waited for where it is
 * slow; but what it does not take at once is lost when hurry() is true, which reads the descriptor
 * signals and is called again when that can be read.
 */
void lines_setup(unsigned width, bool json, int signals, bool (*hurry)(void));

/*
 * Reads once, and prints whole lines; one of more than 1 MiB is printed in parts. At the end of the
 * pipe it is closed. False if nothing was read. Ends the program if output cannot be written.
 */
bool lines_read(struct lines *lines);

/* Prints what is in the pipe now, with a newline behind the last line, and closes it. */
void lines_end(struct lines *lines);

#endif
