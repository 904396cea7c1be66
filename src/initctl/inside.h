/*
 * inside: files of the container, by the path that they have there. They are opened through the
 * root directory that init passes; no process of the container takes part. The container may be
 * hostile: a link cannot lead out of its root, and no file is opened that would make the caller
 * wait; but what was opened may hang, and contain anything.
 */
#ifndef INITCTL_INSIDE_H
#define INITCTL_INSIDE_H

#include <sys/types.h>

#include "verbs.h"

/* The root directory, opened with O_PATH; the descriptor is the caller's. Ends the program. */
int inside_root(const struct context *context);

/*
 * Opens a file by its path in the root, which may be relative to it. Symbolic links are followed
 * within the root, unless flags has O_NOFOLLOW; links as /proc/PID/root are refused (openat2(2),
 * RESOLVE_NO_MAGICLINKS). O_NONBLOCK, O_NOCTTY and O_CLOEXEC are added: a FIFO does not make
 * the open wait. mode is for O_CREAT. Returns a descriptor, or -1 with errno. To be called
 * between watchdog_begin() and watchdog_end().
 */
int inside_open(int root, const char *path, int flags, mode_t mode);

/*
 * Reads a regular file as a string of at most size - 1 bytes, unless it has no size, as those of
 * proc: to read /proc/kmsg takes away what is read. Returns its length, or -1 with errno and the
 * empty string.
 */
ssize_t inside_read(int root, const char *path, char *text, size_t size);

#endif
