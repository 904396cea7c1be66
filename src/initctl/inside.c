/*
 * inside: see inside.h.
 */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"

int inside_root(const struct context *context)
{
	return verb_open(context, "what", "root");
}

int inside_open(int root, const char *path, int flags, mode_t mode)
{
	/* openat2(2) refuses an empty path; and with O_PATH all flags that it does not know. */
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK | O_NOCTTY | O_LARGEFILE;
	return sys_create_resolved(
		root, *path ? path : ".", flags, mode, SYS_IN_ROOT | SYS_NO_MAGICLINKS);
}

ssize_t inside_read(int root, const char *path, char *text, size_t size)
{
	struct stat status;
	int fd = inside_open(root, path, O_RDONLY, 0);

	*text = 0;
	if (fd < 0)
		return -1;
	errno = EINVAL;
	if (!file_stat_of(fd, &status) && S_ISREG(status.st_mode) && status.st_size)
		return file_take(fd, text, size);
	sys_close(fd);
	return -1;
}
