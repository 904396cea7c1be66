#include "exports.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/text.h"
#include "container/cgroup.h"

enum { ROOT, PROC, CGROUP, FIRST_NAMESPACE };

static const char *const names[EXPORTS] = {
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

/* -1 where there is none. */
static int opened[EXPORTS] = {[0 ... EXPORTS - 1] = -1};

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
		fd = file_open_system(AT_FDCWD, path, FILE_SYSTEM_CGROUP2);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

void exports_open(void)
{
	char path[16];

	opened[ROOT] = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
	opened[CGROUP] = cgroup_part(CGROUP_DIR);
	opened[PROC] = file_open_system(AT_FDCWD, "/proc", FILE_SYSTEM_PROC);
	if (opened[PROC] < 0)
		return;
	if (opened[CGROUP] < 0)
		opened[CGROUP] = open_cgroup();
	for (unsigned i = FIRST_NAMESPACE; i < EXPORTS; i++) {
		text_join(path, "self/ns/", names[i]);
		opened[i] = sys_open(opened[PROC], path, O_RDONLY);
	}
}

/* Of the exports from first up to last. */
static int find(const char *name, unsigned first, unsigned last)
{
	for (unsigned i = first; i < last; i++)
		if (text_is(name, 0, names[i])) {
			errno = ENOENT;
			return opened[i];
		}
	errno = EINVAL;
	return -1;
}

int exports_file(const char *name)
{
	return find(name, 0, FIRST_NAMESPACE);
}

int exports_namespace(const char *name)
{
	return find(name, FIRST_NAMESPACE, EXPORTS);
}

unsigned exports_keep(int *list)
{
	unsigned count = 0;

	for (unsigned i = 0; i < EXPORTS; i++)
		if (opened[i] >= 0)
			list[count++] = opened[i];
	return count;
}
