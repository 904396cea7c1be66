/*
 * file: what init asks of files by descriptor: their status, which file system they are of,
 * and those of the kernel's that take a text whole or refuse it.
 */
#ifndef FILE_H
#define FILE_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_STATX_DONT_SYNC
#define AT_STATX_DONT_SYNC 0x4000
#endif

struct file_status {
	uint32_t mask, block;
	uint64_t attributes;
	uint32_t links, uid, gid;
	uint16_t mode, spare0;
	uint64_t inode, size, blocks, attributes_mask, times[8];
	uint32_t device_of[2], device[2];
	uint64_t spare[14];
};

/* The file of that name in the directory itself, no symbolic link followed. A
 * file system that others serve (FUSE, NFS) is not asked anew. 0, or -1 with errno. */
static inline int file_status_at(int directory, const char *name, struct file_status *status)
{
	const unsigned basic = 0x7ff;

	return (int)syscall(SYS_statx, directory, name,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, basic, status);
}

/* <linux/magic.h> */
enum { FILE_SYSTEM_PROC = 0x9fa0, FILE_SYSTEM_CGROUP2 = 0x63677270 };

/* A directory, close-on-exec, where its file system is of that kind (statfs(2)); or -1. */
int file_open_system(int directory, const char *path, long kind);

static inline int file_status_of(int fd, struct file_status *status)
{
	return file_status_at(fd, "", status);
}

/* Writes text to a file that is there, at path below directory. 0, or -1 with errno. */
int file_write(int directory, const char *path, const char *text);

#endif
