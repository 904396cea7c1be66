#include "file.h"

#include <sys/vfs.h>

#include "sys.h"
#include "text.h"

int file_write(int directory, const char *path, const char *text)
{
	int fd = sys_open(directory, path, O_WRONLY);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = write(fd, text, text_until(text, 0));
	/* Which leaves errno alone. */
	close(fd);
	return length < 0 ? -1 : 0;
}

int file_open_system(int directory, const char *path, long kind)
{
	struct statfs fs;
	int fd = sys_open(directory, path, O_RDONLY | O_DIRECTORY);

	if (fd < 0 || (!fstatfs(fd, &fs) && (long)fs.f_type == kind))
		return fd;
	close(fd);
	return -1;
}
