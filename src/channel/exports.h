/*
 * handout: what PID 1 hands out to operators: descriptors of the container's root,
 * /proc, cgroup, main command and namespaces. All but the command's are opened
 * before it starts, while nothing inside can interfere, so that no request makes
 * PID 1 look a path up.
 */
#ifndef EXPORT_H
#define EXPORT_H

enum { EXPORTS = 11 };

/* Opens what there is; what is missing is missing. proc is one more /proc, or -1. */
void exports_open(void);

/* root, proc or cgroup. A descriptor that stays ours, or -1 with ENOENT or EINVAL. */
int exports_what(const char *name);

/* net mnt pid uts ipc user cgroup time. As above. */
int exports_namespace(const char *name);

/* Adds all to a list of descriptors to keep, and returns how many that were. */
unsigned exports_keep(int *list);

#endif
