/*
 * file: what is asked of files and directories by descriptor: what a file is, which file
 * system a directory is of, and writing to a file that takes a text whole or refuses it.
 */
#ifndef FILE_H
#define FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

struct file_time {
	int64_t seconds;
	uint32_t nanoseconds, spare;
};

/* struct statx of <linux/stat.h>, which not every libc has. */
struct file_status {
	uint32_t mask, block;
	uint64_t attributes;
	uint32_t links, uid, gid;
	uint16_t mode, spare0;
	uint64_t inode, size, blocks, attributes_mask;
	struct file_time accessed, born, changed, modified;
	uint32_t device_of[2], device[2]; /* major and minor */
	uint64_t mount;                   /* which one it was reached by; 0 before Linux 5.8 */
	uint64_t spare[13];
};

/*
 * The status of the file of that name in a directory; a symbolic link is not followed. The
 * server of a network or FUSE file system is not asked anew. 0, or -1 with errno.
 */
static inline int file_status_at(int directory, const char *name, struct file_status *status)
{
	const unsigned basic_and_mount = 0x17ff;

	return (int)syscall(SYS_statx, directory, name,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, basic_and_mount, status);
}

/* The same of an open file. */
static inline int file_status_of(int fd, struct file_status *status)
{
	return file_status_at(fd, "", status);
}

/*
 * As fstatat(2) and fstat(2), by statx(2) alone; Linux 4.11. What is set: device, inode, mode,
 * links, owners, size, blocks and the time of modification. 0, or -1 with errno.
 */
int file_stat_at(int directory, const char *name, struct stat *status, int flags);
int file_stat_of(int fd, struct stat *status);

/* Whether both are of one file, whatever its names are. */
bool file_is_same(const struct file_status *a, const struct file_status *b);

/* <linux/magic.h> */
enum { FILE_SYSTEM_PROC = 0x9fa0, FILE_SYSTEM_CGROUP2 = 0x63677270 };

/* The type of the file system that a file is in (statfs(2)), or -1 with errno. */
long file_system_of(int fd);

/*
 * Opens the directory at path, close-on-exec and the caller's, where it is in a file system
 * of that type (statfs(2)). -1 with errno, EINVAL where the type is another.
 */
int file_open_in(int directory, const char *path, long type);

/*
 * Reads a file up to its end, as far as there is room, with a NUL, and closes it. Returns the
 * length; or -1 with errno and "" where it cannot be read, or the descriptor is -1.
 */
ssize_t file_take(int fd, char *text, size_t size);

/* The same of the file at a path below directory, of one read. 0, or -1 with errno and "". */
int file_read(int directory, const char *path, char *text, size_t size);

/* Writes text to an existing file, at path below directory. 0, or -1 with errno. */
int file_write(int directory, const char *path, const char *text);

/*
 * Closes the descriptors from first to last, at once or at the next exec. Before Linux 5.9
 * (5.11 for the latter) and under a seccomp filter that does not know close_range(2), one
 * by one up to the limit of open files.
 */
enum file_close { FILE_CLOSE_NOW = 0, FILE_CLOSE_ON_EXEC = 4 /* CLOSE_RANGE_CLOEXEC */ };
void file_close_range(unsigned first, unsigned last, enum file_close when);

#endif
