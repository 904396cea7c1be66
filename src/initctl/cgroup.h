/*
 * cgroup: the cgroup of version 2 that init passes a descriptor of, and its files.
 */
#ifndef INITCTL_CGROUP_H
#define INITCTL_CGROUP_H

#include <stdbool.h>

#include "verbs.h"

enum { CGROUP_TEXT = 16384 /* bytes that are read of a file, with a NUL */ };

/* Whether a descriptor is one of a cgroup of version 2. */
bool cgroup_is_one(int fd);

/*
 * Returns a descriptor of the command's cgroup, by one of the container's, which is a sibling of
 * other containers'. If init made no cgroups, as it does with --cgroup, they are one, the
 * cgroup that init is in, and the same descriptor. -1 with errno.
 */
int cgroup_of_command(int container);

/*
 * Has init pass the container's cgroup, and returns that of the command, as cgroup_of_command()
 * does. Stores the container's. Ends the program if there is none, or with only_own if init made
 * none; action is the verb of messages. The descriptors are the caller's.
 */
int cgroup_open(const struct context *context, const char *action, bool only_own, int *container);

/*
 * Whether a file is a weight, which is relative to the siblings of a cgroup: that of the container
 * is meant, as with init's --limit, since the command's cgroup has init's as its siblings.
 */
bool cgroup_is_weight(const char *name);

#endif
