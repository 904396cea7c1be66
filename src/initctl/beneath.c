/*
 * beneath: see beneath.h.
 */
#include "beneath.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"

int beneath_open(int directory, const char *path, int flags)
{
	return sys_open_resolved(
		directory, path, flags, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
}

ssize_t beneath_read(int directory, const char *path, char *text, size_t size)
{
	int fd = beneath_open(directory, path, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length;
}
