/*
 * usagesource: see usagesource.h.
 */
#include "usagesource.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "beneath.h"
#include "cgroup.h"
#include "container.h"
#include "proc.h"

/*
 * The cgroup of version 2 whose numbers are the container's, or -1. The root of the tree, which
 * alone has no cgroup.type, counts what the whole machine uses.
 */
static int open_cgroup2(const struct context *context)
{
	int fd = verb_try_open(context, "what", "cgroup"), type;

	if (fd < 0 || !cgroup_is_one(fd))
		return -1;
	type = beneath_open(fd, "cgroup.type", O_PATH);
	if (type < 0)
		return -1;
	close(type);
	fd = cgroup_of_command(fd);
	if (fd < 0)
		fail_cannot("open cgroup app", NULL);
	return fd;
}

/* Looks for the cgroups of version 1 by the command, and when that has ended by init. */
static void open_cgroup1(struct usage_from *from)
{
	char *lines, *mounts;
	struct memory memory[2] = {{0}, {0}};

	for (unsigned i = 0; i < CGROUP1_CONTROLLERS; i++)
		from->cgroup1[i] = -1;
	lines = container_text(from->proc, proc_path(from->main, "cgroup"), &memory[0]);
	if (!lines)
		lines = container_text(from->proc, proc_path(from->init, "cgroup"), &memory[0]);
	mounts = container_text(AT_FDCWD, "/proc/self/mountinfo", &memory[1]);
	if (lines && mounts)
		cgroup1_open(lines, mounts, from->cgroup1);
	memory_release(&memory[0]);
	memory_release(&memory[1]);
}

void usagesource_open(const struct context *context, struct usage_from *from)
{
	container_pids(context, &from->init, &from->main);
	from->cgroup2 = open_cgroup2(context);
	from->proc = container_proc(context);
	open_cgroup1(from);
}
