/*
 * terminal: the operator's own terminal. It is in raw mode while a session's terminal is relayed,
 * and its original modes are restored however initctl ends.
 */
#ifndef INITCTL_TERMINAL_H
#define INITCTL_TERMINAL_H

#include <stdbool.h>

/* Whether a descriptor refers to a terminal, which must not be passed into the container. */
bool terminal_is(int fd);

/* The same, as isatty(3): not of one that was hung up, for which errno is EIO. */
bool terminal_is_open(int fd);

/* The first of the descriptors 0, 1 and 2 that is a terminal and not hung up, or -1. */
int terminal_ours(void);

/*
 * Puts a terminal into raw mode. Its descriptor stays the caller's. Before that it starts a guard:
 * a process that restores the original modes if this one ends without terminal_restore(), even
 * by SIGKILL. screen: uses the terminal's other screen meanwhile, without a cursor. 0, or -1 with
 * errno.
 */
int terminal_raw(int fd, bool screen);

/*
 * While this process is stopped, its shell uses the terminal: pause restores the original modes,
 * and resume sets raw mode again. Neither does anything without terminal_raw().
 */
void terminal_pause(void);
void terminal_resume(void);

/* Restores the original modes and ends the guard. Does nothing without terminal_raw(). */
void terminal_restore(void);

/*
 * Sets the window size of a terminal, given by its master, to that of our own. redraw: sets another
 * size first, since the kernel sends SIGWINCH, upon which a program redraws its screen, only if
 * the size changes.
 */
void terminal_copy_size(int ours, int master, int redraw);

#endif
