/*
 * nskeep: see nskeep.h.
 */
#include "nskeep.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/log.h"

/* <linux/magic.h> */
enum { TMPFS = 0x01021994 };

/* What ours is known by: a tmpfs of one page and this many files has no other use. */
enum { FILES = 17 };
#define LIMITS "mode=700,size=4k,nr_inodes=17"

/* The path of a kind's file, false where it is too long. */
static bool name_file(char path[PATH_MAX], const char *directory, enum ns_kind kind)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", directory, ns_names[kind].name);

	errno = ENAMETOOLONG;
	return length < PATH_MAX;
}

static int bind(const char *directory, enum ns_kind kind, int fd)
{
	char path[PATH_MAX], source[32];
	int file;

	if (!name_file(path, directory, kind))
		return -1;
	file = open(path, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0400);
	if (file < 0)
		return -1;
	close(file);
	snprintf(source, sizeof source, "/proc/self/fd/%d", fd);
	return mount(source, path, NULL, MS_BIND, NULL);
}

/* Undoes what is there of it. */
static int undo(const char *directory, bool mounted)
{
	if (mounted && umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW))
		return -1;
	return rmdir(directory);
}

void nskeep_save(const char *directory, const struct nslist *list, const int *fds)
{
	const unsigned long flags = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	const char *what = "";
	bool mounted;
	sigset_t set;
	int error;

	/* It is done wholly or not at all. */
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (mkdir(directory, 0700))
		fail_errno("make directory ", directory);
	mounted = !mount("initctl", directory, "tmpfs", flags, LIMITS);
	if (mounted && !mount(NULL, directory, NULL, MS_PRIVATE, NULL)) {
		unsigned i = 0;
		while (i < list->count && !bind(directory, list->kinds[i], fds[list->kinds[i]]))
			i++;
		if (i == list->count)
			return;
		what = ns_names[list->kinds[i]].name;
	}
	error = errno;
	undo(directory, mounted);
	if (error == EINVAL && !strcmp(what, ns_names[NS_MNT].name))
		fail("cannot keep mnt in ", directory,
			": only a mount namespace older than it can hold it");
	errno = error;
	fail_errno("keep ", what, *what ? " in " : "namespaces in ", directory);
}

void nskeep_open(const char *directory, struct nslist *list, int *fds)
{
	for (unsigned i = 0; i < NS_KINDS; i++) {
		char path[PATH_MAX] = "";

		if (!nslist_has(list, i) && i != NS_USER)
			continue;
		if (name_file(path, directory, i))
			fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0 && nslist_has(list, i)) {
			if (!list->all || errno != ENOENT)
				fail_errno("open ", path);
			nslist_drop(list, i);
		}
	}
	if (!list->count)
		fail("cannot open ", directory, ": no namespaces are there");
}

void nskeep_drop(const char *directory)
{
	struct statfs fs;

	if (statfs(directory, &fs))
		fail_errno("drop ", directory);
	if (fs.f_type != TMPFS || fs.f_files != FILES || fs.f_blocks != 1)
		fail("cannot drop ", directory, ": no namespaces were saved there");
	if (undo(directory, true))
		fail_errno("drop ", directory);
}
