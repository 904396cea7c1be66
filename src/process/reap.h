/*
 * reap: which child died, and how.
 */
#ifndef REAP_H
#define REAP_H

#include <stdbool.h>
#include <sys/types.h>

struct reaped {
	pid_t pid;
	int status; /* as of wait(2) */
};

enum reap_result { REAP_NOBODY_LEFT, REAP_NOBODY_DEAD, REAP_ONE };

/*
 * Takes one dead child off the process table, whoever started it. With stops, a
 * child that a signal stopped is told of too (WIFSTOPPED). Never waits. One
 * SIGCHLD may stand for many deaths, so call it until it has no more.
 */
enum reap_result reap_next(struct reaped *reaped, bool stops);

/* What a shell makes of a wait status: the exit code, or 128 + the signal. */
int reap_code(int status);

/* Makes this process the parent of its orphaned descendants. 0, or -1 with errno. */
int reap_adopt(void);

#endif
