#include "handout.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "cgroup.h"
#include "status.h"
#include "sys.h"
#include "text.h"

enum { ROOT, PROC, CGROUP, FIRST_NAMESPACE };

static const char names[HANDOUTS][7] = {
	[ROOT] = "root",
	[PROC] = "proc",
	[CGROUP] = "cgroup",
	[FIRST_NAMESPACE] = "net",
	"mnt",
	"pid",
	"uts",
	"ipc",
	"user",
	"cgroup",
	"time",
};

/* Descriptors, 0 where there is none: it never is one of these. */
static int opened[HANDOUTS];

/* As opened has it. */
static int kept(int fd)
{
	return fd < 0 ? 0 : fd;
}

/*
 * Our cgroup in the v2 tree: the line "0::PATH" of /proc/self/cgroup, below the
 * mount point of the unified hierarchy or, beside a v1 tree, of the hybrid one.
 */
static int open_cgroup(void)
{
	static const char *const mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char text[2048], path[2048 + 32];
	const char *line = cgroup_line(opened[PROC], "self/cgroup", text, sizeof text);
	int fd;

	for (unsigned i = 0; line && i < sizeof mounts / sizeof *mounts; i++) {
		text_join(path, mounts[i], line);
		fd = status_open(AT_FDCWD, path, STATUS_CGROUP2);
		if (fd >= 0)
			return fd;
	}
	return 0;
}

void handout_open(void)
{
	char path[16];

	opened[ROOT] = kept(sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY));
	opened[CGROUP] = kept(cgroup_part(CGROUP_DIR));
	opened[PROC] = kept(status_open(AT_FDCWD, "/proc", STATUS_PROC));
	if (!opened[PROC])
		return;
	if (!opened[CGROUP])
		opened[CGROUP] = open_cgroup();
	for (unsigned i = FIRST_NAMESPACE; i < HANDOUTS; i++) {
		text_join(path, "self/ns/", names[i]);
		opened[i] = kept(sys_open(opened[PROC], path, O_RDONLY));
	}
}

static int find(const char *name, unsigned first, unsigned last)
{
	unsigned row = first + text_row(name, 0, names[first], sizeof *names, last - first);

	errno = row == last ? EINVAL : ENOENT;
	return row < last && opened[row] ? opened[row] : -1;
}

int handout_what(const char *name)
{
	return find(name, 0, FIRST_NAMESPACE);
}

int handout_namespace(const char *name)
{
	return find(name, FIRST_NAMESPACE, HANDOUTS);
}

unsigned handout_keep(int *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < HANDOUTS; i++)
		if (opened[i])
			list[count++] = opened[i];
	return count;
}
