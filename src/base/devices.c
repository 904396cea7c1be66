#include "devices.h"

#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "mountfd.h"
#include "section.h"
#include "sys.h"
#include "text.h"

static const char *const nodes = "null\0zero\0full\0random\0urandom\0tty\0";

static const struct {
	char name[8], target[16];
} links[] = {
	{"ptmx", "pts/ptmx"},
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

int devices_terminal(void)
{
	char path[64];
	ssize_t length = sys_readlink(AT_FDCWD, "/proc/self/fd/0", path, sizeof path - 1);
	struct file_status ours, there;
	struct winsize size;
	int terminal;

	if (length <= 0 || sys_ioctl(0, TIOCGWINSZ, &size) || file_status_of(0, &ours))
		return -1;
	path[length] = 0;
	terminal = mountfd_copy(AT_FDCWD, path);
	if (terminal < 0)
		return -1;
	/* It may be of another devpts, where the number means another one. */
	if (!file_status_of(terminal, &there) && file_is_same(&there, &ours))
		return terminal;
	sys_close(terminal);
	return -1;
}

/*
 * Mounts it on a file made for that. Takes node over. Read-only is the node, not the
 * device: where the container's root is the host's by number, it must not chmod(2) it.
 */
SECTION_START static int put(int mount, const char *name, int node)
{
	int over, result = -1;

	if (node < 0)
		return -1;
	if (!sys_mknodat(mount, name, S_IFREG | 0600, 0)) {
		over = mountfd_find(mount, name);
		result = mountfd_put(node, MOUNTFD_RDONLY | MOUNTFD_NOSUID | MOUNTFD_NOEXEC, over);
		sys_close(over);
	}
	sys_close(node);
	return result;
}

static int fill(int mount, int host, int terminal)
{
	for (const char *node = nodes; *node; node = text_name(node, 1))
		if (put(mount, node, mountfd_copy(host, node)))
			return -1;
	/* Without a terminal of ours, what is written to the console goes nowhere. */
	if (put(mount, "console", terminal < 0 ? mountfd_copy(host, nodes) : terminal))
		return -1;
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
		if (syscall(SYS_symlinkat, links[i].target, mount, links[i].name))
			return -1;
	return 0;
}

int devices_fill(int mount, int host, int terminal)
{
	mode_t mask = sys_umask(0);
	int result = fill(mount, host, terminal);

	sys_umask(mask);
	return result;
}
