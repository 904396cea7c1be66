/*
 * many: a verb on several containers at once: a child process for each runs the verb on one socket,
 * and this one prints what they write, by line, with the container's name in front.
 */
#ifndef INITCTL_MANY_H
#define INITCTL_MANY_H

#include <stddef.h>

#include "verbs.h"

/*
 * Returns how many containers the verb may run on at once, 0: all, by default. Ends the program
 * with a usage line if that verb, with these arguments, runs on one only: those that need our
 * terminal or our stdin, or whose output is not lines.
 */
size_t many_jobs(const char *verb, char **arguments);

/*
 * Runs the verb on the sockets of the context, which have names, at most `most` at once, or with 0
 * all. First it runs the verb in a child as far as it would connect, and if that fails ends the
 * program: wrong arguments are reported once, and nothing is done.
 *
 * SIGINT, SIGTERM, SIGQUIT and SIGHUP are passed on to the children, and no more of them are
 * started. However this process ends, they end as well.
 *
 * Returns the largest of the children's exit codes, 128 + N for one that signal N ended. Ends the
 * program with EXIT_INITCTL if there is no socket, or output cannot be written.
 */
int many_run(const struct context *context,
	int (*verb)(const struct context *context, char **arguments), char **arguments,
	size_t most);

#endif
