/*
 * beneath: files of a cgroup or of a /proc, by a descriptor of its directory. Only what is of the
 * same file system is opened, and no link is followed: inside, something may be mounted on a file.
 */
#ifndef INITCTL_BENEATH_H
#define INITCTL_BENEATH_H

#include <sys/types.h>

/*
 * Opens a file, close-on-exec and the caller's. -1 with errno. openat2(2) is older (Linux 5.6) than
 * cgroup.kill (5.14), so there is no fallback without it.
 */
int beneath_open(int directory, const char *path, int flags);

/*
 * Reads a file as a string, which is cut off where text is full. Returns its length, or -1 with
 * the empty string.
 */
ssize_t beneath_read(int directory, const char *path, char *text, size_t size);

#endif
