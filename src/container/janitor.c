#include "janitor.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/socket_file.h"
#include "base/sys.h"
#include "process/fds.h"

static pid_t pid;
static int line = -1;
static const char *socket_path, *cgroup_path_asked;

/* What it reports: the errno of each that it could not remove, or 0. */
struct report {
	int socket, cgroup;
};

/* It has no stderr of its own, whose reader would wait for its end: it reports to the outer one. */
_Noreturn static void janitor(int end, const char *path, const struct cgroup_setup *cgroup)
{
	struct socket_file file = {.directory = -1};
	int keep[2];
	struct report report = {0, 0};
	bool made_all = false;
	unsigned made = 0;
	char what;

	if (path && socket_file_locate(&file, path))
		_exit(1);
	/* Ours would be in the way of an unmount; the way to a cgroup may begin there. */
	if (!cgroup->path && chdir("/"))
		_exit(1);
	setsid();
	sys_prctl(PR_SET_DUMPABLE, 0);
	keep[0] = end;
	keep[1] = file.directory;
	fds_release_stdio(end);
	sys_dup(end, 2);
	fds_close_others(keep, 2);
	while (read(end, &what, 1) > 0)
		if (what == CGROUP_MADE_ALL)
			made_all = true;
		else
			made++;
	if (cgroup->path && cgroup_recover(cgroup, made_all, made))
		report.cgroup = errno;
	if (path && socket_file_remove_stale(&file))
		report.socket = errno;
	/* Nobody is there to read it where the outer process was killed. */
	_exit(write(end, &report, sizeof report) != sizeof report);
}

void janitor_start(const char *path, const struct cgroup_setup *cgroup)
{
	int ends[2];

	if (sys_socketpair(ends) || (pid = sys_fork(0)) < 0)
		log_fail("start janitor", "");
	if (!pid) {
		close(ends[1]);
		janitor(ends[0], path, cgroup);
	}
	close(ends[0]);
	line = ends[1];
	socket_path = path;
	cgroup_path_asked = cgroup->path;
}

int janitor_descriptor(void)
{
	return line;
}

void janitor_disown(void)
{
	pid = 0;
}

/* What it could not remove, once it was told to go. Returns whether it came to the end. */
static bool hear_report(void)
{
	struct report report;

	/* Our signals are blocked: this ends when it does. */
	if (read(line, &report, sizeof report) != sizeof report)
		return false;
	errno = report.socket;
	if (errno)
		log_warn("remove control socket ", socket_path);
	errno = report.cgroup;
	if (errno)
		log_warn("remove cgroup ", cgroup_path_asked);
	return true;
}

bool janitor_end(void)
{
	bool done = true;

	if (line < 0)
		return false;
	/* The inner process may hold a copy, so that closing ours is not enough. */
	if (pid && shutdown(line, SHUT_WR))
		done = false;
	else if (pid)
		done = hear_report();
	close(line);
	line = -1;
	while (pid && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return done;
}
