/*
 * exports: the descriptors that the channel hands out: of the container's root, /proc,
 * cgroup and namespaces. They are opened before the command starts, while nothing inside
 * can interfere, so that no request makes PID 1 look a path up.
 */
#ifndef EXPORTS_H
#define EXPORTS_H

#include "base/nskind.h"

enum { EXPORTS = 3 + NS_KINDS };

/* Opens what there is; what cannot be opened is left out. */
void exports_open(void);

/* root, proc or cgroup. A descriptor that stays ours, or -1 with ENOENT or EINVAL. */
int exports_directory(const char *name);

/* net mnt pid uts ipc user cgroup time. As above. */
int exports_namespace(const char *name);

/* Adds all to a list of descriptors to keep, and returns how many that were. */
unsigned exports_keep(int *list);

#endif
