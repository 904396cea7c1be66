/*
 * copylinks: where files with more than one name were copied to, so that another name of one
 * becomes a hard link to the copy.
 */
#ifndef INITCTL_COPYLINKS_H
#define INITCTL_COPYLINKS_H

#include <sys/stat.h>

struct copylink {
	struct copylink *next;
	dev_t device, copy_device;
	ino_t inode, copy_inode; /* of the copy, if there was one to be told of */
	char path[];             /* of the copy, in its destination */
};

/* Where that file was copied to, or NULL. */
const struct copylink *copylinks_find(const struct stat *status);

/* Keeps a path, which is two parts. Out of memory, the link is lost and no more. */
void copylinks_keep(
	const struct stat *status, const struct stat *copy, const char *path, const char *rest);

#endif
