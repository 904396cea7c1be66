/*
 * toolroot: see toolroot.h.
 */
#include "toolroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/devices.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mountfd.h"
#include "base/sys.h"
#include "base/text.h"
#include "nsenter.h"
#include "out.h"
#include "program.h"

/* Where the directory of tools is mounted. */
#define SHELF ".tools"

void toolroot_open(struct toolroot *root, const char *path)
{
	root->name = NULL;
	root->tools = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY);
	if (root->tools >= 0)
		return;
	if (errno != ENOTDIR)
		fail_cannot("open tools ", path);
	root->name = text_last(path, '/');
	root->tools = program_open(path);
}

bool toolroot_is_busybox(const struct toolroot *root)
{
	return root->name && text_after(root->name, "busybox");
}

/*
 * A mount can be copied only from our own mount namespace. The current directory is the one thing
 * that goes along into a copy of the namespace.
 */
static void copy_tools(struct toolroot *root, const int *fds)
{
	const struct nslist user = {.kinds = {NS_USER}, .count = 1};

	if (!root->name && sys_fchdir(root->tools))
		fail_cannot("change to the directory of tools", NULL);
	if (unshare(CLONE_NEWNS)) {
		if (errno == EPERM && fds[NS_USER] >= 0)
			nsenter(&user, fds, -1);
		if (unshare(CLONE_NEWNS))
			nsenter_failed(NS_MNT);
	}
	if (root->name)
		return;
	close(root->tools);
	root->tools = mountfd_copy_alone(AT_FDCWD, ".");
	if (root->tools < 0)
		fail_cannot_since("copy mount of tools", "",
			errno == EINVAL ? "; something is mounted below the directory" : "");
}

/*
 * With all that is mounted below: in the container's /proc that is also what hides those files from
 * it by which root of the host is told what to do.
 */
static void copy_directory(int *fd, const char *name)
{
	int mount = mountfd_copy(*fd, ".");

	if (mount < 0)
		fail_cannot("copy mount of the container's ", name);
	close(*fd);
	*fd = mount;
}

void toolroot_copy(struct toolroot *root, const int *fds)
{
	int ours;

	copy_tools(root, fds);
	ours = sys_open(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY);
	if (ours < 0 || setns(fds[NS_MNT], CLONE_NEWNS))
		nsenter_failed(NS_MNT);
	copy_directory(&root->container, "root");
	copy_directory(&root->proc, "/proc");
	if (setns(ours, CLONE_NEWNS))
		fail_cannot("return to mount namespace", NULL);
	close(ours);
}

_Noreturn static void failed(const char *action, const char *name)
{
	fail_errno(action, name, " for the tools");
}

/* Mounts it on an existing file or directory below the current one. Takes mount over. */
static void put(int mount, unsigned attributes, const char *name)
{
	int over = mountfd_find(AT_FDCWD, name);

	if (mount < 0 || over < 0 || mountfd_put(mount, attributes, over))
		failed("mount ", name);
	close(over);
	close(mount);
}

static void make_directory(const char *name, mode_t mode)
{
	if (mkdir(name, mode))
		failed("make directory ", name);
}

static void make_link(const char *target, const char *name)
{
	if (symlink(target, name))
		failed("make link ", name);
}

/* Nobody can write to the host's file by way of the copy. */
static void place_file(const struct toolroot *root)
{
	char path[NAME_MAX + 8];
	ssize_t length;
	off_t at = 0;
	int to;

	make_directory("bin", 0755);
	make_directory("etc", 0755);
	make_link("/container/etc/resolv.conf", "etc/resolv.conf");
	make_link("/container/etc/hosts", "etc/hosts");
	out_format(path, sizeof path, "bin/%s", root->name);
	to = sys_create_resolved(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL, 0755, 0);
	while (to >= 0 && (length = sendfile(to, root->tools, &at, 1 << 30)) > 0)
		;
	if (to < 0 || length)
		fail_cannot("copy tools to ", path);
	close(to);
	close(root->tools);
}

/*
 * The directory is mounted as SHELF, to which the root has links, one for each entry. What is there
 * already stays: the container's /proc and its like.
 */
static void place_directory(int mount)
{
	char target[NAME_MAX + sizeof SHELF + 1], buffer[4096] __attribute__((aligned(8)));
	int shelf;
	long length;

	make_directory(SHELF, 0755);
	put(mount, MOUNTFD_RDONLY | MOUNTFD_NOSUID | MOUNTFD_NODEV, SHELF);
	shelf = sys_open(AT_FDCWD, SHELF, O_RDONLY | O_DIRECTORY);
	while ((length = sys_entries(shelf, buffer, sizeof buffer)) > 0)
		for (const char *p = buffer; p < buffer + length;) {
			const struct sys_entry *entry = (const struct sys_entry *)p;
			out_format(target, sizeof target, SHELF "/%s", entry->name);
			if (symlink(target, entry->name) && errno != EEXIST)
				failed("make ", entry->name);
			p += entry->length;
		}
	if (length)
		fail_cannot("read the directory of tools", NULL);
	close(shelf);
}

/* Devices that the host lacks, the tools lack too. */
static void place_devices(int host)
{
	int dev;

	make_directory("dev", 0755);
	dev = sys_open(AT_FDCWD, "dev", O_PATH | O_DIRECTORY);
	devices_fill(dev, host, -1);
	close(dev);
	close(host);
	make_directory("dev/pts", 0755);
	put(mountfd_make("devpts", "gid=5 ptmxmode=666 mode=620", MOUNTFD_NOSUID | MOUNTFD_NOEXEC),
		MOUNTFD_NOSUID | MOUNTFD_NOEXEC, "dev/pts");
}

void toolroot_build(const struct toolroot *root)
{
	const mode_t mask = umask(0);
	int over, host, tree;

	/* Mounts of the host and the container would else receive ours. */
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail_cannot("make mount namespace", NULL);
	over = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
	host = sys_open(AT_FDCWD, "/dev", O_PATH | O_DIRECTORY);
	tree = mountfd_make("tmpfs", "mode=755", MOUNTFD_NOSUID | MOUNTFD_NODEV);
	if (tree < 0 || mountfd_put(tree, MOUNTFD_NOSUID | MOUNTFD_NODEV, over) || sys_fchdir(tree))
		fail_cannot("mount the tools' root", NULL);
	close(over);
	make_directory("container", 0755);
	put(root->container, MOUNTFD_NOSUID | MOUNTFD_NODEV, "container");
	make_directory("proc", 0555);
	put(root->proc, MOUNTFD_NOSUID | MOUNTFD_NODEV | MOUNTFD_NOEXEC, "proc");
	make_directory("tmp", 01777);
	place_devices(host);
	if (root->name)
		place_file(root);
	else
		place_directory(root->tools);
	if (mountfd_pivot() || chdir("/"))
		fail_cannot("change to the tools' root", NULL);
	close(tree);
	umask(mask);
}

int toolroot_terminal(int *slave)
{
	int master = sys_open(AT_FDCWD, "/dev/pts/ptmx", O_RDWR | O_NOCTTY), unlock = 0;

	if (master < 0 || sys_ioctl(master, TIOCSPTLCK, &unlock))
		fail_cannot("open terminal", NULL);
	*slave = sys_ioctl(master, TIOCGPTPEER, (void *)(O_RDWR | O_NOCTTY | O_CLOEXEC));
	if (*slave < 0)
		fail_cannot("open terminal", NULL);
	return master;
}
