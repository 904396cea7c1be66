/*
 * toolroot: the root directory of debug: the operator's tools, with the container's root and /proc
 * mounted in it.
 *
 * It is a tmpfs in a mount namespace of its own, so that nothing is mounted and no file is made in
 * the container, nor on the host. Processes of the container that may trace those of debug reach it
 * through /proc/PID/root: what is in it has to be harmless in their hands.
 */
#ifndef INITCTL_TOOLROOT_H
#define INITCTL_TOOLROOT_H

#include <stdbool.h>

struct toolroot {
	const char *name; /* of a single file of tools; NULL: they are a directory */
	int tools; /* a sealed copy of the file; or the directory, of O_PATH, and later a mount */
	int container, proc; /* directories of the container; later mounts of them */
};

/* Opens the tools at path. Ends the program if that fails, as all of these do. */
void toolroot_open(struct toolroot *root, const char *path);

/* Whether the tools are a file of busybox, which is many programs. */
bool toolroot_is_busybox(const struct toolroot *root);

/*
 * Replaces the directories by copies of mounts, mounted nowhere: this needs the rights over our
 * mount namespace, to copy the tools, and over the container's. Who lacks them enters the
 * container's user namespace first. fds are its namespaces, indexed by kind. The process is then in
 * a mount namespace of its own, which is a copy of the one that it was in.
 */
void toolroot_copy(struct toolroot *root, const int *fds);

/*
 * Makes the root, and makes it that of this process. To be called in all other namespaces of the
 * container, so that root of its user namespace may change the mounts.
 */
void toolroot_build(const struct toolroot *root);

/*
 * Opens a new terminal of the root's own /dev/pts. Returns its master, and stores the other side;
 * both are close-on-exec and the caller's.
 */
int toolroot_terminal(int *slave);

#endif
