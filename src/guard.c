#include "guard.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fds.h"
#include "listener.h"
#include "log.h"
#include "sys.h"

static pid_t pid;
static int leash; /* 0: none */

/* Where all is gone again that we are told of, it is done. */
_Noreturn static void guard(int end, const char *path, const struct cgroup_setup *cgroup)
{
	struct listener listener = {.directory = -1};
	int keep[2];
	bool made_all = false;
	unsigned made = 0;
	char what;

	if (path && listener_locate(&listener, path))
		_exit(1);
	/* Ours would be in the way of an unmount; the way to a cgroup may begin there. */
	if (!cgroup->path && chdir("/"))
		_exit(1);
	setsid();
	sys_prctl(PR_SET_DUMPABLE, 0);
	keep[0] = end;
	keep[1] = listener.directory;
	fds_release(end);
	sys_dup(end, 2);
	fds_keep(keep, 2);
	while (read(end, &what, 1) > 0)
		if (what == CGROUP_MADE_ALL)
			made_all = true;
		else
			made++;
	if (cgroup->path)
		cgroup_recover(cgroup, made_all, made);
	listener_remove_stale(&listener);
	_exit(0);
}

void guard_start(const char *path, const struct cgroup_setup *cgroup)
{
	int ends[2];

	if (sys_pipe(ends) || (pid = sys_fork(0)) < 0)
		log_fail("start guard", "");
	if (!pid) {
		close(ends[1]);
		guard(ends[0], path, cgroup);
	}
	close(ends[0]);
	leash = ends[1];
}

int guard_descriptor(void)
{
	return leash;
}

void guard_keep(void)
{
	pid = 0;
}

bool guard_end(void)
{
	if (!leash)
		return false;
	close(leash);
	while (pid && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}
