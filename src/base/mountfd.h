/*
 * mountfd: the kernel's mount API of descriptors (fsopen(2), open_tree(2),
 * move_mount(2), mount_setattr(2)). Each returns -1 with errno where it fails; every
 * descriptor is close-on-exec and the caller's.
 */
#ifndef MOUNTFD_H
#define MOUNTFD_H

#include <limits.h>
#include <stdbool.h>

/* MOUNT_ATTR_... of <linux/mount.h>. */
enum {
	MOUNTFD_RDONLY = 1,
	MOUNTFD_NOSUID = 2,
	MOUNTFD_NODEV = 4,
	MOUNTFD_NOEXEC = 8,
};

/*
 * A new file system, mounted nowhere. options are key=value with a blank between; where
 * the kernel refuses them, it is asked once more without the first.
 */
int mountfd_make(const char *type, const char *options, unsigned attributes);

/* A copy of a mount, or of a part of one, with all that is mounted below; mounted nowhere. */
int mountfd_copy(int directory, const char *path);

/*
 * The same without what is mounted below. EINVAL where that is locked: it was mounted with more
 * rights than this process has (mount_namespaces(7)).
 */
int mountfd_copy_alone(int directory, const char *path);

/*
 * Sets attributes, and clears none: what a user namespace locked stays. What is mounted on it from
 * now on is mounted nowhere else (mount_namespaces(7), MS_PRIVATE).
 */
int mountfd_restrict(int mount, unsigned attributes);

/*
 * In a mount that is mounted nowhere, and those below it, ids of files count inside of the user
 * namespace of that descriptor (mount_setattr(2), MOUNT_ATTR_IDMAP). EINVAL where one of the file
 * systems has no such mounts.
 */
int mountfd_map(int mount, int user_namespace);

/* The same with those below, and then mounts it over what the other descriptor is of. */
int mountfd_put(int mount, unsigned attributes, int over);

/*
 * What is mounted over the root directory, and is the current one, becomes the root. The old one
 * lies over the new one for a moment and is taken away from there: no directory for it is needed
 * (pivot_root(2)). Where it is the rootfs of the kernel's start, which cannot be pivoted, it
 * stays below the new one.
 */
int mountfd_pivot(void);

/* Opens with O_PATH what a path means where root is /, also for symbolic links and "..". */
int mountfd_find(int root, const char *path);

/*
 * As mountfd_find, of a path from /; what is missing of it is made, also where it is a symbolic
 * link, at any place of the path, that leads to nothing: what it leads to is made then, and
 * stands in path afterwards.
 */
int mountfd_point(int root, char path[static PATH_MAX], bool directory);

#endif
