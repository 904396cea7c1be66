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

void exit_handle(int signal, void (*handler)(int signal))
{
	const struct sigaction action = {.sa_handler = handler};

	sigaction(signal, &action, NULL);
}

void exit_like(int status)
{
	sigset_t set;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	exit_handle(WTERMSIG(status), SIG_DFL);
	sys_kill(getpid(), WTERMSIG(status));
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(EXIT_SIGNAL + WTERMSIG(status));
}
