/*
 * reader: whether a program waits for input on a session's terminal, as far as that can be seen
 * from outside.
 */
#ifndef INITCTL_READER_H
#define INITCTL_READER_H

#include <stdbool.h>

enum reader {
	READER_NONE,    /* the program does something else */
	READER_WAITS,   /* it waits in read(2) on the terminal, or polls one descriptor */
	READER_POLLS,   /* it polls several descriptors; the terminal may be one */
	READER_UNKNOWN, /* it cannot be seen what it does */
};

/* Whether a process waits in read(2). slave: the terminal itself, opened non-blocking. */
bool reader_is_blocked(int slave);

/*
 * What the processes in the foreground of a terminal do. master: the terminal's; blocked: what
 * reader_is_blocked() has said. READER_NONE if any of them runs. They are looked for in our own
 * /proc, which shows them unless they are outside our PID namespace.
 */
enum reader reader_find(int master, bool blocked);

#endif
