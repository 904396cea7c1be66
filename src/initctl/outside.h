/*
 * outside: the pids that the container's processes have in our own /proc, as far as it shows them.
 */
#ifndef INITCTL_OUTSIDE_H
#define INITCTL_OUTSIDE_H

#include "process.h"
#include "verbs.h"

/*
 * Sets process->outside of each process of a list. They are found from init's down, which the
 * kernel tells about the control socket (SO_PEERCRED of unix(7)), by their children
 * (/proc/PID/task/TID/children); a process that entered the container from elsewhere is not found.
 */
void outside_find(const struct context *context, struct process_list *list);

#endif
