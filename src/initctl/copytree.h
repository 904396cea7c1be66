/*
 * copytree: walks what is to be copied, and tells a sink what it finds. The tree may be changed by
 * somebody else meanwhile: each directory is entered from the one above it by descriptor, no
 * symbolic link is followed on the way, and no device, pipe or socket is opened.
 */
#ifndef INITCTL_COPYTREE_H
#define INITCTL_COPYTREE_H

#include <stdbool.h>
#include <sys/stat.h>

/* A side of a copy: the root of the container, or where root is -1 the files of this process. */
struct copy_side {
	int root;
};

/* Opens a path, as sys_open(), or in a container as inside_open(). */
int copy_open(const struct copy_side *side, const char *path, int flags);

/*
 * Takes what is found, with the name that it is to have in the directory entered last. Functions
 * return 0, or -1 with errno, which is printed, and 0 there if what was found is the copy itself.
 * After -1 of enter the directory is left out.
 */
struct copy_sink {
	int (*enter)(const char *name, const struct stat *status);
	int (*leave)(const struct stat *status);
	/* The file is open at its start, and stays the caller's. */
	int (*file)(const char *name, int fd, const struct stat *status);
	int (*link)(const char *name, const char *target, const struct stat *status);
};

/* Deeper directories are refused. The sinks keep a descriptor of each of them. */
enum { COPY_DEPTH = 256 };

/*
 * Walks path on a side, which is called name at its destination; with follow a symbolic link at
 * its end is followed. What cannot be copied is printed by copy_failed.
 */
void copytree_walk(const struct copy_side *side, const char *path, const char *name, bool follow,
	const struct copy_sink *sink);

/*
 * Where what the sink is given is at the destination: top, the name that the walk was given, and
 * below: "", or a path that begins with a slash.
 */
const char *copytree_top(void);
const char *copytree_below(void);

/*
 * Prints "cannot copy PATH: " and the reason, an errno or if that is 0 the text, and has
 * the program fail at its end; at once where the next file would fail, too, as of a full disk.
 */
void copy_failed(const char *path, int error, const char *text);

/* The end of a path, where the whole is too long for a message with a reason behind. */
const char *copy_shown(const char *path);

/*
 * Begins to watch for calls that hang, with the path for the message, which has to stay. To be
 * called for each file, and with NULL for the same again where some of it is copied.
 */
void copy_alive(const char *path, long long bytes);

#endif
