/*
 * handler: see handler.h.
 */
#include "handler.h"

#include "base/sys.h"

/*
 * The kernel's struct sigaction, which begins so on every machine that the programs are built for.
 * x86 delivers nothing without SA_RESTORER, which tells where a handler returns to.
 */
struct disposition {
	void (*handler)(int signal);
	unsigned long flags, rest[6];
};

enum { RESTORER = 0x04000000 };

static bool change(int signal, const struct disposition *to)
{
	struct disposition from;

	return !syscall(SYS_rt_sigaction, signal, to, &from, _NSIG / 8) && from.handler == SIG_IGN;
}

bool handler_set(int signal, void (*handler)(int signal))
{
	const struct disposition to = {.handler = handler, .flags = RESTORER};

	return change(signal, &to);
}

bool handler_is_ignored(int signal)
{
	return change(signal, NULL);
}

int handler_open(const unsigned char *signals, sigset_t *before)
{
	sigset_t set;

	sigemptyset(&set);
	for (; *signals; signals++)
		if (!handler_is_ignored(*signals))
			sigaddset(&set, *signals);
	sigprocmask(SIG_BLOCK, &set, before);
	return sys_signalfd(&set);
}
