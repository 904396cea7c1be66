#include "file.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/sysmacros.h>

#include "sys.h"
#include "text.h"

static dev_t number_of(const uint32_t device[2])
{
	return makedev(device[0], device[1]);
}

int file_stat_at(int directory, const char *name, struct stat *status, int flags)
{
	const unsigned basic = 0x7ff;
	struct file_status from;

	if (syscall(SYS_statx, directory, name, flags, basic, &from))
		return -1;
	*status = (struct stat){
		.st_dev = number_of(from.device),
		.st_ino = (ino_t)from.inode,
		.st_mode = from.mode,
		.st_nlink = (nlink_t)from.links,
		.st_uid = from.uid,
		.st_gid = from.gid,
		.st_rdev = number_of(from.device_of),
		.st_size = (off_t)from.size,
		.st_blocks = (blkcnt_t)from.blocks,
		.st_mtim = {.tv_sec = (time_t)from.modified.seconds,
			.tv_nsec = (long)from.modified.nanoseconds},
	};
	return 0;
}

int file_stat_of(int fd, struct stat *status)
{
	return file_stat_at(fd, "", status, AT_EMPTY_PATH);
}

bool file_is_same(const struct file_status *a, const struct file_status *b)
{
	return a->inode == b->inode && a->device[0] == b->device[0] && a->device[1] == b->device[1];
}

int file_write(int directory, const char *path, const char *text)
{
	int fd = sys_open(directory, path, O_WRONLY);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = sys_write(fd, text, text_until(text, 0));
	/* close(2) does not fail here, and leaves errno as it is. */
	sys_close(fd);
	return length < 0 ? -1 : 0;
}

ssize_t file_take(int fd, char *text, size_t size)
{
	ssize_t length = 0, part = -1;

	while (fd >= 0 && (part = sys_read(fd, text + length, size - 1 - (size_t)length)) > 0)
		length += part;
	if (part < 0)
		length = 0;
	text[length] = 0;
	/* Which leaves errno alone. */
	if (fd >= 0)
		sys_close(fd);
	return part < 0 ? -1 : length;
}

int file_read(int directory, const char *path, char *text, size_t size)
{
	int fd = sys_open(directory, path, O_RDONLY);
	ssize_t length;

	*text = 0;
	if (fd < 0)
		return -1;
	length = sys_read(fd, text, size - 1);
	/* Which leaves errno alone. */
	sys_close(fd);
	if (length < 0)
		return -1;
	text[length] = 0;
	return 0;
}

long file_system_of(int fd)
{
	struct statfs fs;

	return sys_fstatfs(fd, &fs) ? -1 : (long)fs.f_type;
}

int file_open_in(int directory, const char *path, long type)
{
	int fd = sys_open(directory, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return -1;
	if (file_system_of(fd) == type)
		return fd;
	sys_close(fd);
	return sys_fail(EINVAL);
}

void file_close_range(unsigned first, unsigned last, enum file_close when)
{
	struct sys_limit limit;

	if (first > last || !syscall(SYS_close_range, first, last, when))
		return;
	limit.now = 1024;
	sys_limit(RLIMIT_NOFILE, NULL, &limit);
	for (; first <= last && first < limit.now; first++)
		if (when == FILE_CLOSE_ON_EXEC)
			sys_fcntl((int)first, F_SETFD, FD_CLOEXEC);
		else
			sys_close((int)first);
}
