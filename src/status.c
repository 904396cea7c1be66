#include "status.h"

#include <sys/vfs.h>

int status_open(int directory, const char *path, long kind)
{
	struct statfs fs;
	int fd = sys_open(directory, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || (!fstatfs(fd, &fs) && (long)fs.f_type == kind))
		return fd;
	close(fd);
	return -1;
}
