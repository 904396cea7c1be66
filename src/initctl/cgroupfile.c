/*
 * cgroupfile: see cgroupfile.h.
 */
#include "cgroupfile.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/sys.h"

int cgroup_open_file(int directory, const char *name, int flags)
{
	return sys_open_resolved(
		directory, name, flags, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
}

ssize_t cgroup_read_file(int cgroup, const char *name, char text[static CGROUP_TEXT])
{
	int fd = cgroup_open_file(cgroup, name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, CGROUP_TEXT - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length;
}
