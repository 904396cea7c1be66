#include "reap.h"

#include <errno.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/sys.h"

enum reap_result reap_next(struct reaped *reaped, bool stops)
{
	/* __WALL: a child that init inherited may have been cloned without SIGCHLD. */
	pid_t pid = sys_wait(-1, &reaped->status, WNOHANG | __WALL | (stops ? WUNTRACED : 0));

	if (pid < 0)
		return errno == ECHILD ? REAP_NOBODY_LEFT : REAP_NOBODY_DEAD;
	reaped->pid = pid;
	return pid ? REAP_ONE : REAP_NOBODY_DEAD;
}

int reap_code(int status)
{
	/* 0 of a process that exited by itself. */
	return WTERMSIG(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int reap_adopt(void)
{
	return sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
}
