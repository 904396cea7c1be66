/*
 * exit: see exit.h.
 */
#include "exit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"

int exit_code_of_exec(int error)
{
	return error == ENOENT || error == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
}

void exit_like(int status)
{
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	sigset_t set;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	sigaction(WTERMSIG(status), &by_default, NULL);
	sys_kill(getpid(), WTERMSIG(status));
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(EXIT_SIGNAL + WTERMSIG(status));
}
