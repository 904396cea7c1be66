#include "janitor.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/section.h"
#include "base/socket_file.h"
#include "base/sys.h"
#include "process/fds.h"

static pid_t janitor_pid; /* 0: it is not our child */
static int janitor_socket = -1;

enum { DONE = '.' };

/*
 * Its stderr is its end of the socket, from which janitor_end() reads the warnings, and at last
 * a message of one byte, DONE. A stderr of its own would keep whoever reads the container's
 * waiting for its end.
 */
SECTION_START _Noreturn static void janitor(
	int end, const char *path, const struct cgroup_setup *cgroup)
{
	struct socket_file file;
	int keep[2];
	bool made_all = false;
	unsigned made = 0;
	char what, done = DONE;

	file.directory = -1;
	if (path && socket_file_locate(&file, path))
		_exit(1);
	/* Ours would be in the way of an unmount; the way to a cgroup may begin there. */
	if (!cgroup->path && sys_chdir("/"))
		_exit(1);
	sys_setsid();
	sys_prctl(PR_SET_DUMPABLE, 0);
	keep[0] = end;
	keep[1] = file.directory;
	fds_release_stdio(end);
	sys_dup(end, 2);
	fds_close_others(keep, 2);
	while (sys_read(end, &what, 1) > 0)
		if (what == CGROUP_MADE_ALL)
			made_all = true;
		else
			made++;
	if (cgroup->path && cgroup_remove_by_path(cgroup, made_all, made))
		warn_cannot("remove cgroup ", cgroup->path);
	if (path && socket_file_remove_stale(&file))
		warn_cannot("remove control socket ", path);
	_exit(sys_write(end, &done, 1) != 1);
}

void janitor_start(const char *path, const struct cgroup_setup *cgroup)
{
	int ends[2];

	if (sys_socketpair(ends) || (janitor_pid = sys_fork(0)) < 0)
		fail_cannot("start process", NULL);
	if (!janitor_pid) {
		sys_close(ends[1]);
		janitor(ends[0], path, cgroup);
	}
	sys_close(ends[0]);
	janitor_socket = ends[1];
}

int janitor_descriptor(void)
{
	return janitor_socket;
}

void janitor_disown(void)
{
	janitor_pid = 0;
}

bool janitor_end(void)
{
	const int end = janitor_socket;
	char text[LOG_SIZE];
	ssize_t length;
	/* The end of another's child is for that one to see. */
	bool done = !janitor_pid;

	if (end < 0)
		return false;
	if (janitor_pid) {
		/*
		 * The inner process may hold a copy, so that closing ours would not be enough.
		 * Our signals are blocked: the loop ends when the janitor does.
		 */
		sys_shutdown(end, SHUT_WR);
		while ((length = sys_read(end, text, sizeof text)) > 0)
			if (length == 1)
				done = true;
			else
				log_put(2, text, (size_t)length);
		sys_waitpid(janitor_pid, NULL, 0);
	}
	sys_close(end);
	janitor_socket = -1;
	return done;
}
