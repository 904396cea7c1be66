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

_Noreturn static void guard(int end, const char *path)
{
	struct listener listener;
	int keep[2];
	char nothing;

	if (listener_locate(&listener, path))
		_exit(1);
	setsid();
	sys_prctl(PR_SET_DUMPABLE, 0);
	keep[0] = end;
	keep[1] = listener.directory;
	fds_release(end);
	sys_dup(end, 2);
	fds_keep(keep, 2);
	if (chdir("/"))
		_exit(1);
	while (read(end, &nothing, 1) < 0 && errno == EINTR)
		;
	listener_remove_stale(&listener);
	_exit(0);
}

int guard_start(const char *path)
{
	int ends[2];

	if (sys_pipe(ends) || (pid = sys_fork(0)) < 0)
		fail_errno("start guard");
	if (!pid) {
		close(ends[1]);
		guard(ends[0], path);
	}
	close(ends[0]);
	return ends[1];
}

void guard_end(int guard)
{
	if (guard < 0)
		return;
	close(guard);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
