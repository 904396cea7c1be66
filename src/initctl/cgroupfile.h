/*
 * cgroupfile: the files of a cgroup, by a descriptor of its directory.
 */
#ifndef INITCTL_CGROUPFILE_H
#define INITCTL_CGROUPFILE_H

#include <sys/types.h>

enum { CGROUP_TEXT = 16384 /* bytes that are read of a file, with a NUL */ };

/*
 * Opens a file of the cgroup itself, never one that was mounted on it inside. openat2(2) is
 * older (Linux 5.6) than cgroup.kill (5.14), so there is no fallback without it.
 */
int cgroup_open_file(int directory, const char *name, int flags);

/*
 * Reads a file as a string, which is truncated to CGROUP_TEXT. Returns its length,
 * or -1 with the empty string.
 */
ssize_t cgroup_read_file(int cgroup, const char *name, char text[static CGROUP_TEXT]);

#endif
