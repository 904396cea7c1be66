/*
 * terminal: the operator's own terminal, which never enters the container: set raw
 * while a session's terminal is relayed, and set back on every way out.
 */
#ifndef INITCTL_TERMINAL_H
#define INITCTL_TERMINAL_H

#include <stdbool.h>

/* Whether a descriptor is a terminal, and so not to be passed. */
bool terminal_is(int fd);

/* The first of our own stdio that is a terminal which works, or -1. */
int terminal_ours(void);

/*
 * Sets the terminal raw, and starts a guard: a process of its own that sets it back
 * should this one end in any way without terminal_restore, SIGKILL included. 0, or
 * -1 with errno.
 */
int terminal_raw(int fd);

/* Sets it back for a stop, and raw once more: the shell has it meanwhile. */
void terminal_pause(void);
void terminal_again(void);

/* Sets it back as it was, and sends the guard home. Nothing where it was not set. */
void terminal_restore(void);

/* Makes a terminal by its master as large as ours; with redraw, after another size. */
void terminal_copy_size(int ours, int master, int redraw);

#endif
