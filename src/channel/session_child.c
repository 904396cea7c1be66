#include "session_child.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment.h"
#include "base/file.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "process/fds.h"

static int open_ptmx(const char *path)
{
	int number, fd = sys_open(AT_FDCWD, path, O_RDWR | O_NOCTTY | O_NONBLOCK);

	/* Whatever else the image has there is not a terminal. */
	if (fd >= 0 && sys_ioctl(fd, TIOCGPTN, &number)) {
		sys_close(fd);
		return -1;
	}
	return fd;
}

static int open_master(void)
{
	int fd = open_ptmx("/dev/ptmx");

	return fd < 0 ? open_ptmx("/dev/pts/ptmx") : fd;
}

/*
 * The child opens the terminal, since only inside is it the container's, and since
 * the path is the container's to make hang. The master goes to PID 1, which sends
 * it on with the news that the program runs. The slave, or -1 with errno.
 */
static int open_terminal(
	const struct request *request, const struct credentials *user, int progress)
{
	struct winsize size = {.ws_row = (unsigned short)request->height,
		.ws_col = (unsigned short)request->width};
	int master = open_master(), slave, locked = 0;

	if (master < 0)
		return -1;
	sys_fcntl(master, F_SETFL, O_RDWR);
	/* The peer by descriptor (Linux 4.13): no second path, no race with devpts. */
	if (sys_ioctl(master, TIOCSPTLCK, &locked) ||
		(slave = sys_ioctl(master, TIOCGPTPEER, (void *)(O_RDWR | O_NOCTTY))) < 0)
		return -1;
	sys_ioctl(master, TIOCSWINSZ, &size);
	if (user && sys_fchown(slave, user->uid, (gid_t)-1))
		return -1;
	if (seqpacket_send(progress, "master", 6, &master, 1, 0))
		return -1;
	sys_close(master);
	return slave;
}

/*
 * Reads arguments and variables that are too large for a message out of a memfd. It is sealed, so
 * that it does not change any more. 0, or -1 with errno.
 */
static int map_arguments(struct wire *wire, int fd)
{
	const int wanted = F_SEAL_SHRINK | F_SEAL_WRITE, seals = sys_fcntl(fd, F_GET_SEALS, 0);
	const off_t size = lseek(fd, 0, SEEK_END);
	void *data;

	errno = EINVAL;
	if (seals < 0 || (seals & wanted) != wanted)
		return -1;
	data = sys_map(fd, (size_t)size);
	return data == MAP_FAILED ? -1 : wire_read(wire, data, (size_t)size);
}

/* The container's environment, with the request's put over it; NULL with errno. */
static char **environment(const struct wire *wire, char **base)
{
	const size_t most = (size_t)(wire->fields_end - wire->fields) / sizeof "env=";
	char *at = wire->fields, *value, **list = environment_copy(base, most);

	while (list && (value = (char *)wire_take(wire, &at, "env")))
		environment_put(list, value);
	return list;
}

/* NULL with errno. */
static char **arguments(const struct wire *wire)
{
	char *none = NULL, **list = environment_copy(&none, (size_t)(wire->end - wire->args));
	size_t used = 0;

	for (char *p = wire->args; list && p < wire->end; p = wire_next(p))
		list[used++] = p;
	return list;
}

enum spawn_stage session_child_run(const struct request *request,
	const struct privileges *container, const int *fds, int progress, pid_t parent, char **envp)
{
	int keep[WIRE_DESCRIPTORS + 1], slave = -1;
	unsigned used = request->terminal ? 0 : REQUEST_STDIO;
	struct wire wire = request->wire;
	/* The container's, but for what the request asks for. */
	struct privileges privileges = *container;
	struct spawn spawn = {
		.privileges = &privileges,
		.limits = &request->limits,
		.directory = request->directory ? request->directory : "/",
		.program = request_has(request, FIELD_PROGRAM) ? fds[used++] : -1,
		.cgroup = -1,
		.group = SPAWN_OWN_SESSION,
		.use = request->terminal ? SPAWN_CONTROL : SPAWN_LEAVE,
		.terminal = 0,
		.afresh = true,
		.die_with_us = parent != 1,
	};

	if (request->privileged) {
		privileges.user = NULL;
		privileges.capabilities = CAPABILITIES_ALL;
		privileges.no_new_privileges = privileges.filtered = false;
	}
	if (request_has(request, FIELD_USER))
		privileges.user = &request->user;
	privileges.no_new_privileges |= request->no_new_privileges;
	if (request_has(request, FIELD_ARGUMENTS) && map_arguments(&wire, fds[used]))
		return SPAWN_ARGUMENTS;
	spawn.argv = arguments(&wire);
	spawn.envp = environment(&wire, envp);
	if (!spawn.argv || !*spawn.argv || !spawn.envp)
		return SPAWN_ARGUMENTS;
	/* Nothing of PID 1's stays, so that no other's end is hidden by this child. */
	memcpy(keep, fds, WIRE_DESCRIPTORS * sizeof *fds);
	keep[used] = progress;
	fds_close_others(keep, used + 1);
	if (request->terminal) {
		slave = open_terminal(request, privileges.user, progress);
		if (slave < 0)
			return SPAWN_TERMINAL;
	}
	for (int fd = 0; fd <= 2; fd++)
		if (sys_dup2(request->terminal ? slave : fds[fd], fd) < 0)
			return SPAWN_STDIO;
	if (slave > 2)
		sys_close(slave);
	fds_restore_limit();
	if (request->mask >= 0)
		sys_umask((mode_t)request->mask);
	return spawn_become(&spawn, parent);
}
