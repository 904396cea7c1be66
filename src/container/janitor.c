#include "janitor.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/socket_file.h"
#include "base/sys.h"
#include "process/fds.h"

static pid_t pid;
static int leash; /* 0: none */

/* Where all is gone again that we are told of, it is done. */
_Noreturn static void janitor(int end, const char *path, const struct cgroup_setup *cgroup)
{
	struct socket_file file = {.directory = -1};
	int keep[2];
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
	socket_file_remove_stale(&file);
	_exit(0);
}

void janitor_start(const char *path, const struct cgroup_setup *cgroup)
{
	int ends[2];

	if (sys_pipe(ends) || (pid = sys_fork(0)) < 0)
		log_fail("start guard", "");
	if (!pid) {
		close(ends[1]);
		janitor(ends[0], path, cgroup);
	}
	close(ends[0]);
	leash = ends[1];
}

int janitor_descriptor(void)
{
	return leash;
}

void janitor_keep(void)
{
	pid = 0;
}

bool janitor_end(void)
{
	if (!leash)
		return false;
	close(leash);
	while (pid && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return true;
}
