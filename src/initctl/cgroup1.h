/*
 * cgroup1: the cgroups of version 1 that a process is in.
 */
#ifndef INITCTL_CGROUP1_H
#define INITCTL_CGROUP1_H

#include <stddef.h>

enum cgroup1_controller {
	CGROUP1_CPU,
	CGROUP1_CPUACCT,
	CGROUP1_MEMORY,
	CGROUP1_BLKIO,
	CGROUP1_PIDS,
	CGROUP1_CONTROLLERS
};

/*
 * Opens the directories of a process's cgroups by the places where this process sees the trees
 * mounted; -1 for a controller that it does not see, or where the process is in the root of the
 * tree, whose numbers are the machine's. lines is its /proc/PID/cgroup. The descriptors are
 * close-on-exec and the caller's. Both texts are changed.
 */
void cgroup1_open(char *lines, char *mounts, int directories[static CGROUP1_CONTROLLERS]);

/* The directory that has a file of this name, which begins with its controller; or -1. */
int cgroup1_of_file(const int directories[static CGROUP1_CONTROLLERS], const char *file);

#endif
