#include "exports.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/nskind.h"
#include "base/sys.h"
#include "base/text.h"
#include "container/cgroup.h"

enum { ROOT, PROC, CGROUP, FIRST_NAMESPACE };

static const char names[FIRST_NAMESPACE][7] = {
	[ROOT] = "root",
	[PROC] = "proc",
	[CGROUP] = "cgroup",
};

/* Those names, then the namespaces in the order of ns_names; -1 where there is none. */
static int opened[EXPORTS];

static int open_below(const char *mount, const char *path)
{
	char whole[CGROUP_LINE + 32];

	text_join(whole, mount, path);
	return file_open_in(AT_FDCWD, whole, FILE_SYSTEM_CGROUP2);
}

/*
 * Our cgroup in the v2 tree: the line "0::PATH" of /proc/self/cgroup, below the
 * mount point of the unified hierarchy or, beside a v1 tree, of the hybrid one.
 */
static int open_cgroup(void)
{
	char text[CGROUP_LINE];
	const char *line = cgroup_line(opened[PROC], "self/cgroup", text, sizeof text);
	int fd;

	if (!line)
		return -1;
	fd = open_below("/sys/fs/cgroup", line);
	return fd < 0 ? open_below("/sys/fs/cgroup/unified", line) : fd;
}

void exports_open(void)
{
	char path[16];

	memset(opened, -1, sizeof opened);
	opened[ROOT] = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
	opened[CGROUP] = cgroup_part(CGROUP_DIR);
	opened[PROC] = file_open_in(AT_FDCWD, "/proc", FILE_SYSTEM_PROC);
	if (opened[PROC] < 0)
		return;
	if (opened[CGROUP] < 0)
		opened[CGROUP] = open_cgroup();
	for (unsigned i = 0; i < NS_KINDS; i++) {
		text_join(path, "self/ns/", ns_names[i].name);
		opened[FIRST_NAMESPACE + i] = sys_open(opened[PROC], path, O_RDONLY);
	}
}

int exports_directory(const char *name)
{
	unsigned row = TEXT_ROW(name, 0, names);

	errno = row == FIRST_NAMESPACE ? EINVAL : ENOENT;
	return row == FIRST_NAMESPACE ? -1 : opened[row];
}

int exports_namespace(const char *name)
{
	unsigned row = TEXT_ROW(name, 0, ns_names);

	errno = row == NS_KINDS ? EINVAL : ENOENT;
	return row < NS_KINDS ? opened[FIRST_NAMESPACE + row] : -1;
}

unsigned exports_keep(int *list)
{
	memcpy(list, opened, sizeof opened);
	return EXPORTS;
}
