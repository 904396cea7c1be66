/*
 * container: what several verbs ask init for before they read the container's /proc themselves.
 */
#ifndef INITCTL_CONTAINER_H
#define INITCTL_CONTAINER_H

#include "memory.h"

struct context;
struct initctl_message;

/* As verb_try_open() of /proc; the descriptor has been checked to be of one. */
int container_proc(const struct context *context);

/*
 * What init replies to "status", which it may refuse: the fields are missing then. It stays until
 * something else is asked for by this file. Ends the program if there is no such reply.
 */
const struct initctl_message *container_status(int connection);

/*
 * The pids of init and of the container's command, as /proc shows them if it is that of the
 * container; 0 where init does not tell.
 */
void container_pids(const struct context *context, int *init, int *command);

/*
 * Reads a file to its end as a string, which is in the memory. Only what is of the same file
 * system as the directory is opened, and no link is followed: inside, something may be mounted on
 * a file of /proc. With AT_FDCWD it is a file of ours. NULL: there is none, or it cannot be read.
 */
char *container_text(int directory, const char *path, struct memory *memory);

#endif
