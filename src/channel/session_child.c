#include "session_child.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/section.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "process/fds.h"

enum {
	/* A message has at most as many strings as bytes. */
	STRINGS = WIRE_SIZE + 1,
	/* Variables of the container's environment that are passed on, at most. */
	ENVIRONMENT = 16384,
};

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

/* Whether both set the same variable. The second has its sign. */
static bool same_variable(const char *a, const char *b)
{
	for (; *a == *b && *a != '='; a++)
		b++;
	return *a == *b;
}

/* The container's environment, with the request's put over it. In the child only. */
static char **environment(const struct request *request, char **base)
{
	static char *list[ENVIRONMENT + WIRE_SIZE / sizeof "env==" + 1] SECTION_LAST;
	char *at = request->wire.fields, *value;
	unsigned used = 0;

	for (; *base && used < ENVIRONMENT; base++)
		list[used++] = *base;
	while ((value = (char *)wire_take(&request->wire, &at, "env"))) {
		unsigned i = 0;
		while (i < used && !same_variable(list[i], value))
			i++;
		list[i] = value;
		used += i == used;
	}
	list[used] = NULL;
	return list;
}

static char *const *arguments(const struct request *request)
{
	static char *list[STRINGS] SECTION_LAST;
	unsigned used = 0;

	for (char *p = request->wire.args; p < request->wire.end; p = wire_next(p))
		list[used++] = p;
	list[used] = NULL;
	return list;
}

/* The container's, but for what the request asks for. */
static struct privileges privileges_of(
	const struct request *request, const struct privileges *container)
{
	struct privileges privileges = *container;

	if (request->privileged) {
		privileges.user = NULL;
		privileges.capabilities = CAPABILITIES_ALL;
		privileges.no_new_privileges = privileges.filtered = false;
	}
	if (request->as_user)
		privileges.user = &request->user;
	privileges.no_new_privileges |= request->no_new_privileges;
	return privileges;
}

enum spawn_stage session_child_run(const struct request *request,
	const struct privileges *container, const int *fds, int progress, pid_t parent, char **envp)
{
	int keep[WIRE_DESCRIPTORS + 1], stdio = request->terminal ? 0 : 3, slave = -1;
	const int passed = stdio + request->program_passed;
	const struct privileges privileges = privileges_of(request, container);
	struct spawn spawn = {
		.argv = arguments(request),
		.envp = environment(request, envp),
		.privileges = &privileges,
		.limits = &request->limits,
		.directory = request->directory ? request->directory : "/",
		.program = request->program_passed ? fds[stdio] : -1,
		.cgroup = -1,
		.group = SPAWN_OWN_SESSION,
		.controlling_terminal = request->terminal ? 0 : -1,
		.foreground = -1,
		.afresh = true,
		.die_with_us = parent != 1,
	};

	/* Nothing of PID 1's stays, so that no other's end is hidden by this child. */
	memcpy(keep, fds, WIRE_DESCRIPTORS * sizeof *fds);
	keep[passed] = progress;
	fds_close_others(keep, (unsigned)passed + 1);
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
