/*
 * cgroup: a cgroup of version 2 for the container. Below the directory that the
 * operator names, "init" holds us, "app" the command and "ops" the operators'
 * sessions; limits are app's, but weights the directory's. So a container that is frozen, or out of
 * memory or processes, still answers.
 *
 * The kernel sets the order: a cgroup that hands controllers to its children holds
 * no process itself, and is the root of a cgroup namespace if it held who made that.
 */
#ifndef CGROUP_H
#define CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

#include "settings.h"

/* What was asked for. */
struct cgroup_setup {
	const char *path; /* NULL: none, and what follows here does nothing */
	struct settings limits;
};

/*
 * Opens or makes the directory and makes init, app and ops in it, on the host's view
 * of paths. Cgroups that a killed init left are recreated; it is an error if one of them still
 * holds processes. Ends the process where it fails. To the janitor's
 * descriptor (-1: none), which stays the caller's, it writes a byte before each that it makes.
 * setup is kept by reference; its limits are changed for a moment while they are read.
 */
void cgroup_make(const struct cgroup_setup *setup, int janitor);
enum { CGROUP_MADE_ALL = 'd', CGROUP_MADE_ONE = 'n' };

/* Gives that user the files that managing it from a user namespace takes. 0, or -1 with errno. */
int cgroup_delegate(uid_t uid, gid_t gid);

/*
 * In the process that stays in init: goes there, at which it may make a cgroup
 * namespace whose root is the directory, and sets the limits. Looks no path up but
 * below the directory. Ends the process where it fails.
 */
void cgroup_enter(bool namespace);

/* Descriptors that stay ours, or -1. */
enum cgroup_part { CGROUP_DIR, CGROUP_OPS, CGROUP_APP, CGROUP_PARTS };
int cgroup_part(enum cgroup_part part);

/*
 * The line of /proc/self/cgroup for version 2, as its path, in text of size bytes;
 * NULL where there is none. The file is that of path, below directory.
 */
char *cgroup_line(int directory, const char *path, char *text, size_t size);

/* The size of such a text, for a path of usual length. */
enum { CGROUP_LINE = 2048 };

/* Adds its descriptors, -1 for those that are not open, to a list; returns how many. */
unsigned cgroup_keep(int *list);
enum { CGROUP_KEEPS = CGROUP_PARTS + 4 };

/*
 * Kills the processes left in app, ops and init, and removes what was made, the directory
 * too where we made it; waits no longer than a second for each. A process that is inside
 * itself first goes back to the cgroup it came from. 0, or -1 with the errno of the first
 * that is left behind.
 */
int cgroup_remove(bool inside);

/* The directory of --cgroup, for a message; NULL where there is none. */
const char *cgroup_path(void);

/* As cgroup_remove, in the janitor, by the path and what it was told. */
int cgroup_remove_by_path(const struct cgroup_setup *setup, bool made_all, unsigned made);

#endif
