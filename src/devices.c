#include "devices.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "mounting.h"
#include "status.h"
#include "sys.h"

/* Linux's Documentation/admin-guide/devices.txt. */
static const struct {
	char name[8], like[8];
	unsigned char major, minor;
} nodes[] = {
	{"null", "null", 1, 3},
	{"zero", "zero", 1, 5},
	{"full", "full", 1, 7},
	{"random", "random", 1, 8},
	{"urandom", "urandom", 1, 9},
	{"tty", "tty", 5, 0},
	/* Where we have no terminal, what is said there is said to nobody. */
	{"console", "null", 1, 3},
};

static const struct {
	char name[8], to[16];
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
	ssize_t length = readlink("/proc/self/fd/0", path, sizeof path - 1);
	struct status ours, there;
	struct winsize size;
	int terminal;

	if (length <= 0 || sys_ioctl(0, TIOCGWINSZ, &size) || status_of(0, &ours))
		return -1;
	path[length] = 0;
	terminal = mounting_copy(AT_FDCWD, path);
	if (terminal < 0)
		return -1;
	/* It may be of another devpts, where the number means another one. */
	if (!status_of(terminal, &there) && there.inode == ours.inode &&
		there.device[0] == ours.device[0] && there.device[1] == ours.device[1])
		return terminal;
	close(terminal);
	return -1;
}

/*
 * Mounts it on a file made for that. Takes node over. Read-only is the node, not the
 * device: where the container's root is the host's by number, it must not chmod(2) it.
 */
static int put(int mount, const char *name, int node)
{
	int over, result = -1;

	if (node < 0)
		return -1;
	if (!mounting_restrict(node, MOUNTING_RDONLY | MOUNTING_NOSUID | MOUNTING_NOEXEC, false) &&
		!mknodat(mount, name, S_IFREG | 0600, 0)) {
		over = mounting_find(mount, name);
		result = mounting_put(node, over);
		close(over);
	}
	close(node);
	return result;
}

static int fill(int mount, int host, int terminal)
{
	for (unsigned i = 0; i < sizeof nodes / sizeof *nodes; i++) {
		if (terminal >= 0 && nodes[i].name[0] == 'c') {
			if (put(mount, nodes[i].name, terminal))
				return -1;
		} else if (mknodat(mount, nodes[i].name, S_IFCHR | 0666,
				   makedev(nodes[i].major, nodes[i].minor)) &&
			   (errno != EPERM ||
				   put(mount, nodes[i].name, mounting_copy(host, nodes[i].like))))
			return -1;
	}
	for (unsigned i = 0; i < sizeof links / sizeof *links; i++)
		if (symlinkat(links[i].to, mount, links[i].name))
			return -1;
	return 0;
}

int devices_fill(int mount, int host, int terminal)
{
	mode_t mask = umask(0);
	int result = fill(mount, host, terminal);

	umask(mask);
	return result;
}
