/*
 * proc: processes as /proc shows them, where it is that of our PID namespace.
 */
#ifndef INITCTL_PROC_H
#define INITCTL_PROC_H

#include <sys/types.h>

/* Opens /proc. Its descriptor is the caller's; -1 if /proc is not of our PID namespace. */
int proc_open(void);

/* "PID/NAME", a path in a /proc, in a buffer of which the next call makes use as well. */
const char *proc_path(int pid, const char *name);

/*
 * Calls a function with each name of a directory that is a number, and closes the directory: of a
 * process in /proc, a thread in /proc/PID/task, a descriptor in /proc/PID/fd. Returns 0, or -1 with
 * errno where it cannot be read, as where directory is -1.
 */
int proc_each(int directory, void (*visit)(int directory, const char *name));

/* The state of a process, by its /proc/PID/stat: a letter as in proc(5), or 0 if there is none. */
char proc_state(const char *stat);

/* Its parent, or 0. */
pid_t proc_parent(const char *stat);

#endif
