/*
 * copyfile: see copyfile.h.
 */
#include "copyfile.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "copytree.h"
#include "ids.h"
#include "out.h"
#include "watchdog.h"

enum { TRIES = 100 }; /* names, where somebody has files of such names */

static struct {
	bool owners, inside;
} self;

/* The name in use for the time being, for copyfile_discard. */
static struct {
	volatile int directory;
	unsigned number;
	char name[48];
} pending = {.directory = -1};

/* What place() makes: a link to target, or else one more name of a file. */
struct origin {
	const char *target;
	int directory;    /* or the file itself, if name is "" */
	const char *name; /* in directory */
};

void copyfile_setup(bool owners, bool inside)
{
	self.owners = owners;
	self.inside = inside;
}

/* The operator's own file systems may take as long as they need to. */
static void begin_change(void)
{
	if (!self.inside)
		watchdog_end();
}

void copyfile_discard(void)
{
	const int error = errno, directory = pending.directory;

	pending.directory = -1;
	if (directory >= 0)
		unlinkat(directory, pending.name, 0);
	errno = error;
}

/* Chooses the next name, and has it removed if the program ends before it is renamed. */
static void begin_pending(int directory)
{
	pending.directory = -1;
	out_format(pending.name, sizeof pending.name, ".initctl-cp.%d.%u", (int)getpid(),
		pending.number++);
	pending.directory = directory;
}

/* Renames it, also where both are names of one file, of which rename(2) leaves both. */
static int end_pending(const char *name)
{
	const int directory = pending.directory;
	int result = renameat(directory, pending.name, directory, name);

	copyfile_discard();
	return result;
}

static int make(const struct origin *origin, int directory, const char *name)
{
	char path[14 + NUMBER_SIZE], digits[NUMBER_SIZE];

	if (origin->target)
		return symlinkat(origin->target, directory, name);
	if (*origin->name)
		return linkat(origin->directory, origin->name, directory, name, 0);
	if (!linkat(origin->directory, "", directory, name, AT_EMPTY_PATH))
		return 0;
	/* That takes a capability on the host before Linux 6.10; this takes /proc. */
	if (errno != ENOENT)
		return -1;
	text_join(path, "/proc/self/fd/", number_text(digits, origin->directory));
	return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW);
}

/* Makes it under a name of its own first, if the name is taken. */
static int place(const struct origin *origin, int directory, const char *name)
{
	int tries = 0;

	begin_change();
	if (!make(origin, directory, name))
		return 0;
	while (errno == EEXIST && tries++ < TRIES) {
		begin_pending(directory);
		if (!make(origin, directory, pending.name))
			return end_pending(name);
		pending.directory = -1;
	}
	return -1;
}

/* Creates a file for this user to write. */
static int create(int directory, const char *name, int flags)
{
	const long always = O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_LARGEFILE;

	return (int)syscall(SYS_openat, directory, name, flags | always, 0600);
}

int copyfile_begin(int directory)
{
	int tries = 0, fd;

	begin_change();
	fd = create(directory, ".", O_TMPFILE);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
		return fd;
	do {
		begin_pending(directory);
		fd = create(directory, pending.name, O_CREAT | O_EXCL);
		if (fd < 0)
			pending.directory = -1;
	} while (fd < 0 && errno == EEXIST && tries++ < TRIES);
	return fd;
}

int copyfile_write(int fd, const char *data, size_t size, off_t at)
{
	begin_change();
	while (size) {
		ssize_t written = pwrite(fd, data, size, at);
		if (written < 0)
			return -1;
		data += written;
		at += written;
		size -= (size_t)written;
	}
	return 0;
}

/* Sets the time of the last change, of a link too, where fd was opened with O_PATH. */
static int set_time(int fd, const struct timespec *time)
{
#ifdef SYS_utimensat_time64
	const long long times[4] = {0, UTIME_OMIT, time->tv_sec, time->tv_nsec};

	return (int)syscall(SYS_utimensat_time64, fd, "", times, AT_EMPTY_PATH);
#else
	const long times[4] = {0, UTIME_OMIT, time->tv_sec, time->tv_nsec};

	return (int)syscall(SYS_utimensat, fd, "", times, AT_EMPTY_PATH);
#endif
}

/* No id: chown(2) would leave the owner as it is. */
#define NONE (~0U)

/* Sets the owners of what is open, also with O_PATH. */
static int set_owners(int fd, const struct stat *status)
{
	uid_t uid = status->st_uid;
	gid_t gid = status->st_gid;

	if (self.inside) {
		uid = ids_outside(IDS_USER, uid, NONE);
		gid = ids_outside(IDS_GROUP, gid, NONE);
	} else {
		uid = ids_inside(IDS_USER, uid, uid);
		gid = ids_inside(IDS_GROUP, gid, gid);
	}
	if (uid == NONE || gid == NONE)
		errno = EINVAL;
	else if (!fchownat(fd, "", uid, gid, AT_EMPTY_PATH))
		return 0;
	/* As cp -a does: nobody expects an ordinary user to be able to. */
	return (errno == EPERM || errno == EINVAL) && geteuid() ? 1 : -1;
}

int copyfile_attributes(int fd, const struct stat *status)
{
	mode_t mode = status->st_mode & 07777;
	int result = 0, error = 0;

	begin_change();
	if (self.owners) {
		result = set_owners(fd, status);
		error = errno;
	}
	if (!self.owners || result)
		mode &= ~(mode_t)(S_ISUID | S_ISGID);
	/* The owner is first, as to set it drops bits of the mode. */
	if (sys_fchmod(fd, mode) || set_time(fd, &status->st_mtim)) {
		result = -1;
		error = errno;
	}
	errno = error;
	return result < 0 ? -1 : 0;
}

int copyfile_end(int fd, int directory, const char *name, const struct stat *status)
{
	const struct origin origin = {.directory = fd, .name = ""};
	int result = copyfile_attributes(fd, status), error = errno;

	if (pending.directory >= 0 ? end_pending(name) : place(&origin, directory, name)) {
		result = -1;
		error = errno;
	}
	/* A network file system may tell only now that the disk is full. */
	if (close(fd) && !result) {
		result = -1;
		error = errno;
	}
	errno = error;
	return result;
}

void copyfile_abandon(int fd)
{
	copyfile_discard();
	sys_close(fd);
}

int copyfile_link(int directory, const char *name, const char *target, const struct stat *status)
{
	const struct origin origin = {.target = target, .name = ""};
	struct stat made;
	int fd, result = 0;

	if (place(&origin, directory, name))
		return -1;
	/* By descriptor, as the name may be another file's by now. */
	fd = sys_open(directory, name, O_PATH | O_NOFOLLOW);
	if (fd < 0 || file_stat_of(fd, &made) || !S_ISLNK(made.st_mode)) {
		sys_close(fd);
		return 0;
	}
	if (self.owners && set_owners(fd, status) < 0)
		result = -1;
	/* Not of all file systems' links. */
	set_time(fd, &status->st_mtim);
	sys_close(fd);
	return result;
}

int copyfile_hard(int from_directory, const char *from, int directory, const char *name)
{
	const struct origin origin = {.directory = from_directory, .name = from};

	return place(&origin, directory, name);
}

int copyfile_directory(int directory, const char *name, bool *made)
{
	begin_change();
	*made = !mkdirat(directory, name, 0700);
	if (!*made && errno != EEXIST)
		return -1;
	return sys_open(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
}

int copyfile_parent(int top, const char *path, bool make, const char **base)
{
	const int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
	char name[NAME_MAX + 1];
	int fd = sys_open(top, ".", flags), next;
	size_t length;

	for (; fd >= 0 && path[length = strcspn(path, "/")]; path += length + 1) {
		if (length > NAME_MAX) {
			sys_close(fd);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(name, path, length);
		name[length] = 0;
		next = sys_open(fd, name, flags);
		if (next < 0 && errno == ENOENT && make && !mkdirat(fd, name, 0755))
			next = sys_open(fd, name, flags);
		/* Which leaves errno alone. */
		sys_close(fd);
		fd = next;
	}
	*base = path;
	return fd;
}
