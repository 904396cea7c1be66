/*
 * nskeep: see nskeep.h.
 */
#include "nskeep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "out.h"

/* <linux/magic.h> */
enum { TMPFS = 0x01021994 };

/*
 * A tmpfs of one page and exactly this many inodes is taken for one that nskeep_save() mounted:
 * nobody else makes one of that size.
 */
enum { FILES = 17 };
#define LIMITS "mode=700,size=4k,nr_inodes=17"

/* Writes the path of the file for a kind. Returns false with errno if it is too long. */
static bool format_path(char path[PATH_MAX], const char *directory, enum ns_kind kind)
{
	const size_t length = out_format(path, PATH_MAX, "%s/%s", directory, ns_names[kind].name);

	errno = ENAMETOOLONG;
	return length < PATH_MAX;
}

/* Makes the file for a kind and mounts the namespace on it. 0, or -1 with errno. */
static int bind_namespace(const char *directory, enum ns_kind kind, int fd)
{
	char path[PATH_MAX], source[32];

	if (!format_path(path, directory, kind) || sys_mknodat(AT_FDCWD, path, S_IFREG | 0400, 0))
		return -1;
	out_format(source, sizeof source, "/proc/self/fd/%d", fd);
	return sys_mount(source, path, NULL, MS_BIND, NULL);
}

/* Unmounts the tmpfs, and with it the namespaces, and removes the directory. */
static int remove_saved(const char *directory, bool mounted)
{
	if (mounted && sys_umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW))
		return -1;
	return sys_unlinkat(AT_FDCWD, directory, AT_REMOVEDIR);
}

void nskeep_save(const char *directory, const struct nslist *list, const int *fds)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *failed = ""; /* the kind of namespace that could not be saved, if it was one */
	bool mounted;
	sigset_t set;
	int error;

	/* No signal may end this process half way, with some of the namespaces mounted. */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (sys_mkdirat(AT_FDCWD, directory, 0700))
		fail_cannot("make directory ", directory);
	mounted = !sys_mount("initctl", directory, "tmpfs", flags, LIMITS);
	if (mounted && !sys_mount(NULL, directory, NULL, MS_PRIVATE, NULL)) {
		unsigned i = 0;
		while (i < list->count &&
			!bind_namespace(directory, list->kinds[i], fds[list->kinds[i]]))
			i++;
		if (i == list->count)
			return;
		failed = ns_names[list->kinds[i]].name;
	}
	error = errno;
	remove_saved(directory, mounted);
	/* The kernel's rule that keeps mount namespaces from holding one another. */
	if (error == EINVAL && !strcmp(failed, ns_names[NS_MNT].name))
		fail_note("cannot save mnt in ", directory,
			": only a mount namespace older than it can hold it");
	errno = error;
	fail_errno("save ", failed, *failed ? " in " : "namespaces in ", directory);
}

int nskeep_open(const char *directory, enum ns_kind kind, bool needed)
{
	char path[PATH_MAX];
	int fd = format_path(path, directory, kind) ? sys_open(AT_FDCWD, path, O_RDONLY) : -1;

	if (fd < 0 && (needed || errno != ENOENT))
		fail_cannot("open ", path);
	return fd;
}

void nskeep_drop(const char *directory)
{
	struct statfs fs;

	if (sys_statfs(directory, &fs))
		fail_cannot("drop ", directory);
	if (fs.f_type != TMPFS || fs.f_files != FILES || fs.f_blocks != 1)
		fail_note("cannot drop ", directory, ": no namespaces were saved there");
	if (remove_saved(directory, true))
		fail_cannot("drop ", directory);
}
