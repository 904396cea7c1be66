/*
 * status: what kind of file something is, by statx(2), whose struct is one for all
 * machines. The fstat() of musl is made of it and a translation of 700 bytes.
 */
#ifndef STATUS_H
#define STATUS_H

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

struct status {
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
static inline int status_at(int directory, const char *name, struct status *status)
{
	const unsigned basic = 0x7ff;

	return (int)syscall(SYS_statx, directory, name,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC, basic, status);
}

/* <linux/magic.h> */
enum { STATUS_PROC = 0x9fa0, STATUS_CGROUP2 = 0x63677270 };

/* A directory, close-on-exec, where its file system is of that kind (statfs(2)); or -1. */
int status_open(int directory, const char *path, long kind);

static inline int status_of(int fd, struct status *status)
{
	return status_at(fd, "", status);
}

#endif
