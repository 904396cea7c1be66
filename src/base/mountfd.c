#include "mountfd.h"

#include <errno.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "section.h"
#include "sys.h"
#include "text.h"

/* <linux/mount.h>, <linux/fcntl.h>; the C libraries have had them for a short time only. */
enum {
	KERNEL_CLOEXEC = 1, /* of fsopen(2) and fsmount(2) */
	KERNEL_SET_STRING = 1,
	KERNEL_CREATE = 6,
	KERNEL_CLONE = 1,
	KERNEL_RECURSIVE = 0x8000,
	KERNEL_EMPTY_PATH = 0x1000,
	KERNEL_FROM_EMPTY = 4,
	KERNEL_TO_EMPTY = 0x40,
	KERNEL_PRIVATE = 1 << 18,
	KERNEL_IDMAP = 0x100000,
};

/* Links that lead to nothing, in one path: as many as the kernel follows (path_resolution(7)). */
enum { LINKS = 40 };

static int set(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs, KERNEL_SET_STRING, key, value, 0);
}

/* Each of the options is shorter than 64 bytes. */
static int configure(int fs, const char *options)
{
	char key[64];

	while (*options) {
		options = text_field(key, options, ' ');
		char *value = key + text_until(key, '=');
		if (*value)
			*value++ = 0;
		if (set(fs, key, value))
			return -1;
		options += *options == ' ';
	}
	return (int)syscall(SYS_fsconfig, fs, KERNEL_CREATE, NULL, NULL, 0);
}

SECTION_START static int make(const char *type, const char *options, unsigned attributes)
{
	int fs = (int)syscall(SYS_fsopen, type, KERNEL_CLOEXEC), mount = -1;

	if (fs < 0)
		return -1;
	/* What df and /proc/mounts show in the first place. */
	if (!set(fs, "source", type) && !configure(fs, options))
		mount = (int)syscall(SYS_fsmount, fs, KERNEL_CLOEXEC, attributes);
	/* Which leaves errno alone. */
	sys_close(fs);
	return mount;
}

int mountfd_make(const char *type, const char *options, unsigned attributes)
{
	int mount = make(type, options, attributes);
	size_t first = text_until(options, ' ');

	if (mount < 0 && errno == EINVAL && options[first])
		mount = make(type, options + first + 1, attributes);
	return mount;
}

int mountfd_copy(int directory, const char *path)
{
	return (int)syscall(
		SYS_open_tree, directory, path, KERNEL_CLONE | KERNEL_RECURSIVE | O_CLOEXEC);
}

int mountfd_copy_alone(int directory, const char *path)
{
	return (int)syscall(SYS_open_tree, directory, path, KERNEL_CLONE | O_CLOEXEC);
}

static int change(int mount, unsigned attributes, int user_namespace, unsigned flags)
{
	/* set, clear, propagation, userns_fd */
	const uint64_t attr[4] = {attributes, 0, KERNEL_PRIVATE, (uint64_t)user_namespace};

	return (int)syscall(
		SYS_mount_setattr, mount, "", KERNEL_EMPTY_PATH | flags, attr, sizeof attr);
}

int mountfd_restrict(int mount, unsigned attributes)
{
	return change(mount, attributes, 0, 0);
}

int mountfd_map(int mount, int user_namespace)
{
	return change(mount, KERNEL_IDMAP, user_namespace, KERNEL_RECURSIVE);
}

int mountfd_put(int mount, unsigned attributes, int over)
{
	if (change(mount, attributes, 0, KERNEL_RECURSIVE))
		return -1;
	return (int)syscall(
		SYS_move_mount, mount, "", over, "", KERNEL_FROM_EMPTY | KERNEL_TO_EMPTY);
}

int mountfd_pivot(void)
{
	if (syscall(SYS_pivot_root, ".", "."))
		return errno == EINVAL ? sys_chroot(".") : -1;
	return sys_umount2(".", MNT_DETACH);
}

int mountfd_find(int root, const char *path)
{
	return sys_open_resolved(root, path, O_PATH, SYS_IN_ROOT);
}

/* Makes the last of a path; ".." behind what was missing is there by now. */
static int make_point(int parent, const char *name, bool directory)
{
	int result = directory ? sys_mkdirat(parent, name, 0755)
	                       : sys_mknodat(parent, name, S_IFREG | 0644, 0);

	return result && errno != EEXIST ? -1 : 0;
}

/*
 * Puts what a symbolic link holds in the place of its name, which ends at rest, where kept
 * stood. parent is the directory that it is in. 0, or -1 with errno.
 */
SECTION_START static int follow(int parent, char *path, char *name, char *rest, char kept)
{
	char target[2 * PATH_MAX];
	ssize_t length = sys_readlink(parent, name, target, PATH_MAX);

	*rest = kept;
	if (length < 0)
		return -1;
	text_copy(target + length, rest);
	if (*target == '/')
		name = path;
	if ((size_t)(name - path) + text_until(target, 0) >= PATH_MAX)
		return sys_fail(ENAMETOOLONG);
	text_copy(name, target);
	return 0;
}

int mountfd_point(int root, char path[static PATH_MAX], bool directory)
{
	int at = root, parent, links = 0;
	char *name = path, *end, kept;

	do {
		name++;
		end = name + text_until(name, '/');
		parent = at;
		kept = *end;
		*end = 0;
		at = mountfd_find(root, path);
		if (at < 0 && errno == ENOENT && !make_point(parent, name, kept || directory))
			at = mountfd_find(root, path);
		if (at < 0 && errno == ENOENT && links++ == LINKS)
			errno = ELOOP;
		/* What is there, and is not, is a link to what is missing. */
		if (at < 0 && errno == ENOENT && !follow(parent, path, name, end, kept)) {
			at = root;
			end = path;
			kept = '/';
		} else
			*end = kept;
		if (parent != root)
			sys_close(parent);
		name = end;
	} while (at >= 0 && kept);
	return at;
}
