/*
 * mounting: the kernel's mount API of descriptors (fsopen(2), open_tree(2),
 * move_mount(2), mount_setattr(2)). Each returns -1 with errno where it fails; every
 * descriptor is close-on-exec and the caller's.
 */
#ifndef MOUNTING_H
#define MOUNTING_H

#include <stdbool.h>

/* MOUNT_ATTR_... of <linux/mount.h>. */
enum {
	MOUNTING_RDONLY = 1,
	MOUNTING_NOSUID = 2,
	MOUNTING_NODEV = 4,
	MOUNTING_NOEXEC = 8,
};

/*
 * A new file system, mounted nowhere. options are key=value with a blank between; where
 * the kernel refuses them, it is asked once more without the first.
 */
int mounting_make(const char *type, const char *options, unsigned attributes);

/* A copy of a mount, or of a part of one, with all that is mounted below; mounted nowhere. */
int mounting_copy(int directory, const char *path);

/* Sets attributes, and clears none: what a user namespace locked stays. */
int mounting_restrict(int mount, unsigned attributes, bool with_those_below);

/* Mounts it over what the other descriptor is of. */
int mounting_put(int mount, int over);

/* Opens with O_PATH what a path means where root is /, also for symbolic links and "..". */
int mounting_find(int root, const char *path);

/* As mounting_find, of a path from /; what is missing of it is made. Writes to path. */
int mounting_point(int root, char *path, bool directory);

#endif
