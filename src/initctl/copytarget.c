/*
 * copytarget: see copytarget.h.
 */
#include "copytarget.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "copyfile.h"
#include "copylinks.h"
#include "watchdog.h"

/* The directory that is copied to, and those in it that are being made. */
static struct {
	int fds[COPY_DEPTH + 1];
	bool made[COPY_DEPTH + 1];
	unsigned depth;
	struct stat first; /* the first that was entered */
	bool owners;
	bool only_directory; /* its name was given with a slash */
} to;

void copytarget_setup(bool owners)
{
	to.owners = owners;
}

int copytarget_top(void)
{
	return to.fds[0];
}

_Noreturn static void fail_to_open(const char *word)
{
	fail_cannot("copy to ", copy_shown(word));
}

/*
 * Follows the symbolic link at the end of a path inside, by replacing its last part in path. One of
 * this side may be from a container, and is refused.
 */
static void follow_link(const struct copy_side *side, const char *word, char path[static PATH_MAX],
	size_t start, int directory)
{
	char target[PATH_MAX];
	ssize_t length;

	if (side->root < 0)
		fail_note("cannot copy to ", word, ": it is a symbolic link");
	length = sys_readlink(directory, path + start, target, sizeof target - 1);
	target[length > 0 ? length : 0] = 0;
	if (length <= 0)
		fail_to_open(word);
	if (*target == '/')
		start = 0;
	errno = ENAMETOOLONG;
	if (start + (size_t)length >= PATH_MAX)
		fail_to_open(word);
	text_copy(path + start, target);
}

/*
 * Opens the directory that is copied to. Returns NULL, or if path is not of a directory, the name
 * of the copy in it.
 */
const char *copytarget_open(const struct copy_side *side, const char *word, const char *path)
{
	/* The path, with links at its end replaced. */
	static char at[PATH_MAX];
	char parent[PATH_MAX];
	struct stat status;
	size_t length, start;

	watchdog_begin("copy to ", word);
	errno = ENAMETOOLONG;
	if (strlen(path) >= PATH_MAX)
		fail_to_open(word);
	text_copy(at, path);
	for (int tries = 0; tries < 40; tries++) {
		to.fds[0] = copy_open(side, at, O_PATH | O_DIRECTORY);
		if (to.fds[0] >= 0)
			return NULL;
		if (errno != ENOENT && errno != ENOTDIR)
			break;
		for (length = strlen(at); length && at[length - 1] == '/'; length--) {
			to.only_directory = true;
			at[length - 1] = 0;
		}
		for (start = length; start && at[start - 1] != '/'; start--)
			;
		memcpy(parent, at, start);
		text_copy(parent + start, start ? "" : ".");
		to.fds[0] = copy_open(side, parent, O_PATH | O_DIRECTORY);
		if (to.fds[0] < 0 || !at[start] || !strcmp(at + start, "..") ||
			!strcmp(at + start, "."))
			break;
		if (file_stat_at(to.fds[0], at + start, &status, AT_SYMLINK_NOFOLLOW) ||
			S_ISREG(status.st_mode))
			return at + start;
		if (!S_ISLNK(status.st_mode))
			fail_note("cannot copy to ", word, ": neither a file nor a directory");
		follow_link(side, word, at, start, to.fds[0]);
		sys_close(to.fds[0]);
		errno = ELOOP;
	}
	fail_to_open(word);
}

static int enter(const char *name, const struct stat *status)
{
	const struct stat *first = &to.first;
	int fd;

	if (to.depth && status->st_dev == first->st_dev && status->st_ino == first->st_ino) {
		errno = 0;
		return -1;
	}
	fd = copyfile_directory(to.fds[to.depth], name, &to.made[to.depth + 1]);
	if (fd < 0)
		return -1;
	if (!to.depth)
		file_stat_of(fd, &to.first);
	to.fds[++to.depth] = fd;
	return 0;
}

static int leave(const struct stat *status)
{
	const unsigned depth = to.depth--;
	int result = 0;

	if (to.made[depth] || to.owners)
		result = copyfile_attributes(to.fds[depth], status);
	sys_close(to.fds[depth]);
	return result;
}

/*
 * Makes a hard link to what was copied before, if it is still there: another source may have a
 * file of the same name. Returns false where that is not possible.
 */
static bool link_to_copy(const struct copylink *copy, const char *name)
{
	const char *base;
	int parent = copyfile_parent(to.fds[0], copy->path, false, &base);
	struct stat now;
	bool linked;

	if (parent < 0)
		return false;
	linked = !file_stat_at(parent, base, &now, AT_SYMLINK_NOFOLLOW) &&
	         now.st_ino == copy->copy_inode && now.st_dev == copy->copy_device &&
	         !copyfile_hard(parent, base, to.fds[to.depth], name);
	sys_close(parent);
	return linked;
}

/* Whether what is no directory would get a name that was given with a slash. */
static bool is_refused(void)
{
	errno = ENOTDIR;
	return to.only_directory && !to.depth;
}

static int file(const char *name, int fd, const struct stat *status)
{
	const struct copylink *known = status->st_nlink > 1 ? copylinks_find(status) : NULL;
	struct stat made;
	int copy;

	if (is_refused())
		return -1;
	if (known && link_to_copy(known, name))
		return 0;
	copy = copyfile_begin(to.fds[to.depth]);
	if (copy < 0)
		return -1;
	if (copyfile_data(fd, copy, status)) {
		copyfile_abandon(copy);
		return -1;
	}
	if (copyfile_end(copy, to.fds[to.depth], name, status))
		return -1;
	if (status->st_nlink > 1 &&
		!file_stat_at(to.fds[to.depth], name, &made, AT_SYMLINK_NOFOLLOW))
		copylinks_keep(status, &made, copytree_top(), copytree_below());
	return 0;
}

static int symbolic_link(const char *name, const char *target, const struct stat *status)
{
	return is_refused() ? -1 : copyfile_link(to.fds[to.depth], name, target, status);
}

const struct copy_sink copytarget_sink = {enter, leave, file, symbolic_link};
