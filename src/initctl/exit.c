/*
 * exit: see exit.h.
 */
#include "exit.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "handler.h"

int exit_code_of_exec(int error)
{
	return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

void exit_like(int status)
{
	sigset_t set;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	handler_set(WTERMSIG(status), SIG_DFL);
	sys_kill(getpid(), WTERMSIG(status));
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(EXIT_SIGNAL + WTERMSIG(status));
}
