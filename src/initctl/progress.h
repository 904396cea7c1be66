/*
 * progress: a line on stderr, where that is a terminal, that tells how far a copy is. It is printed
 * a few times a second, and erased before anything else is printed.
 */
#ifndef INITCTL_PROGRESS_H
#define INITCTL_PROGRESS_H

#include <stdbool.h>

/* Whether progress is to be shown: stderr is a terminal. */
bool progress_wanted(void);

/* Begins to show it. total is how many bytes there will be, or 0 where that is not known. */
void progress_begin(long long total);

/* Tells of bytes that were copied since the last call. Nothing is done before progress_begin. */
void progress_add(long long bytes);

/* Erases the line. Async-signal-safe, keeps errno. */
void progress_erase(void);

#endif
