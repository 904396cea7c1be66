/*
 * copyids: see copyids.h.
 */
#include "copyids.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"

enum {
	MAP_SIZE = 4096,
	NO_SETUID_FIXUP = 4, /* SECBIT_... of <linux/securebits.h> */
};

/* Lines "INSIDE OUTSIDE COUNT", or "". */
static char maps[2][MAP_SIZE];

/* Reads a map, of which a mount over it is no part. "" where it is that of this process, too. */
static void read_map(int proc, const char *pid, const char *name, char map[static MAP_SIZE])
{
	char path[64], own[MAP_SIZE];
	ssize_t length = -1;
	int fd;

	snprintf(path, sizeof path, "%s/%s", pid, name);
	fd = sys_open_resolved(proc, path, O_RDONLY, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
	if (fd >= 0) {
		length = sys_read(fd, map, MAP_SIZE - 1);
		sys_close(fd);
	}
	map[length > 0 ? length : 0] = 0;
	snprintf(path, sizeof path, "/proc/self/%s", name);
	if (file_read(AT_FDCWD, path, own, sizeof own) || !strcmp(map, own))
		*map = 0;
}

void copyids_read(const struct context *context)
{
	static struct initctl_message reply;
	char data[64], pid[NUMBER_SIZE];
	struct initctl_request request;
	int connection = verb_connect(context);

	initctl_begin(&request, data, sizeof data, "status");
	if (!initctl_call(connection, &request, NULL, 0, &reply)) {
		initctl_discard(&reply);
		snprintf(pid, sizeof pid, "%llu", initctl_number(&reply, "pid", 1U << 30, 1));
		if (!verb_request_open(connection, "what", "proc", &reply)) {
			read_map(*reply.fds, pid, "uid_map", maps[COPYIDS_USER]);
			read_map(*reply.fds, pid, "gid_map", maps[COPYIDS_GROUP]);
			initctl_discard(&reply);
		}
	}
	close(connection);
}

unsigned copyids_of(enum copyids_kind kind, unsigned id, bool inwards)
{
	unsigned inside, outside, count;
	char *end;

	for (const char *line = maps[kind]; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		inside = (unsigned)strtoul(line, &end, 10);
		outside = (unsigned)strtoul(end, &end, 10);
		count = (unsigned)strtoul(end, NULL, 10);
		if (id - (inwards ? inside : outside) < count)
			return inwards ? id - inside + outside : id - outside + inside;
	}
	return inwards && *maps[kind] ? COPYIDS_NONE : id;
}

void copyids_become_root(void)
{
	const unsigned uid = copyids_of(COPYIDS_USER, 0, true);
	const unsigned gid = copyids_of(COPYIDS_GROUP, 0, true);

	/* Without this the kernel takes away what root may do to files. */
	if ((!uid && !gid) || prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP, 0, 0, 0))
		return;
	setfsgid(gid);
	setfsuid(uid);
}
