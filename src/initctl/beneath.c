/*
 * beneath: see beneath.h.
 */
#include "beneath.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/sys.h"

int beneath_open(int directory, const char *path, int flags)
{
	return sys_open_resolved(
		directory, path, flags, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
}

ssize_t beneath_read(int directory, const char *path, char *text, size_t size)
{
	return file_take(beneath_open(directory, path, O_RDONLY), text, size);
}
