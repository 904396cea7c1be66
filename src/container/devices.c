#include "devices.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/file.h"
#include "base/section.h"
#include "base/sys.h"
#include "mountfd.h"

/* Linux's Documentation/admin-guide/devices.txt. */
static const struct {
	char name[8];
	unsigned char major, minor;
} nodes[] = {
	{"null", 1, 3},
	{"zero", 1, 5},
	{"full", 1, 7},
	{"random", 1, 8},
	{"urandom", 1, 9},
	{"tty", 5, 0},
	/* Without a terminal of ours, what is written to the console goes nowhere. */
	{"console", 1, 3},
};

enum { CONSOLE = sizeof nodes / sizeof *nodes - 1 };

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
	close(terminal);
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
	if (!mountfd_restrict(node, MOUNTFD_RDONLY | MOUNTFD_NOSUID | MOUNTFD_NOEXEC, false) &&
		!mknodat(mount, name, S_IFREG | 0600, 0)) {
		over = mountfd_find(mount, name);
		result = mountfd_put(node, over);
		close(over);
	}
	close(node);
	return result;
}

static int make_node(int mount, int host, int terminal, unsigned node)
{
	const char *name = nodes[node].name;

	if (node == CONSOLE && terminal >= 0)
		return put(mount, name, terminal);
	if (!mknodat(mount, name, S_IFCHR | 0666, makedev(nodes[node].major, nodes[node].minor)))
		return 0;
	return errno == EPERM ? put(mount, name, mountfd_copy(host, nodes[node % CONSOLE].name))
	                      : -1;
}

static int fill(int mount, int host, int terminal)
{
	for (unsigned i = 0; i <= CONSOLE; i++)
		if (make_node(mount, host, terminal, i))
			return -1;
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
		if (syscall(SYS_symlinkat, links[i].target, mount, links[i].name))
			return -1;
	return 0;
}

SECTION_START int devices_fill(int mount, int host, int terminal)
{
	mode_t mask = umask(0);
	int result = fill(mount, host, terminal);

	umask(mask);
	return result;
}
