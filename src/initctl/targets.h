/*
 * targets: the control sockets that an operator means: given one by one, by a pattern, or found
 * below directories; each with a name that no other one has.
 */
#ifndef INITCTL_TARGETS_H
#define INITCTL_TARGETS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "memory.h"

/* The path, and the part of it that the name is made of. Both texts stay until the program ends. */
struct target {
	const char *path;
	size_t start, length;
	const char *name; /* NULL before targets_name() */
	dev_t device;
	ino_t inode; /* 0: there was no such file */
};

struct targets {
	struct target *rows;
	size_t count;
	struct memory memory; /* of rows */
	const char
		*several; /* the last pattern or directory that they were asked for by, or NULL */
};

/* Adds the socket of a path, in which its name begins at start; it need not be there. */
void targets_add_path(struct targets *targets, const char *path, size_t start);

/*
 * Adds the socket of that path, or if there is no such file and it has one of "*?[", those that
 * match it: as of glob(7), with links followed. Its name is that of the file, without ".sock".
 */
void targets_add(struct targets *targets, const char *word);

/*
 * Adds the sockets in a directory and in those below it, down to three levels; links are not
 * followed, and what begins with a dot is left out. The name of a socket is its path from the
 * directory on, without ".sock". Ends the program if the directory cannot be read, unless it is
 * missing and may be; one below it that cannot be read is reported on stderr.
 */
void targets_find(struct targets *targets, const char *directory, bool may_be_missing);

/* The same of the directories of $INIT_SOCKETS, separated by colons, or else of /run/init. */
void targets_find_all(struct targets *targets);

/*
 * Sorts by name. Of several paths of one socket the one whose name is first stays; names that are
 * the same get as many directories of their paths as it takes for them to differ.
 */
void targets_name(struct targets *targets);

#endif
