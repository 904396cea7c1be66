#include "outer.h"

#include "base/sys.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "janitor.h"
#include "process/fds.h"
#include "process/reap.h"
#include "process/signals.h"

_Noreturn static void end(struct outer *outer, int status, int terminal_signal)
{
	char name[SIGNAL_TEXT];
	int code = reap_code(status);

	/* Every process inside is dead, and with it the group that has the foreground. */
	tty_take_back(&outer->tty, 0);
	if (WTERMSIG(status))
		log_note(LOG_WARN, "the container's PID 1 was killed by ",
			signal_text(WTERMSIG(status), name));
	if (janitor_descriptor() >= 0 && !janitor_end())
		log_note(LOG_WARN, "cannot clean up: the janitor process has died", NULL);
	/* What the inner process, as a PID 1, cannot: see command_ended(). */
	if (terminal_signal && !WTERMSIG(status) && code == 128 + terminal_signal)
		signals_undergo(getpid(), terminal_signal);
	_exit(code);
}

_Noreturn void outer_serve(struct outer *outer)
{
	const struct recipient inner = {.pid = outer->inner, .pidfd = -1};
	const int own = fds_open_own();
	int keep[] = {outer->signals, outer->life, janitor_descriptor(), outer->tty.fd, own};
	int terminal_signal = 0;
	struct pollfd ready = {.fd = outer->signals, .events = POLLIN};
	struct signalfd_siginfo got;
	struct reaped one;

	fds_release(outer->signals, own, keep, sizeof keep / sizeof *keep);
	for (;;) {
		/* Children that we were born with count too. */
		while (reap_next(&one, false) == REAP_ONE)
			if (one.pid == outer->inner)
				end(outer, one.status, terminal_signal);
		sys_poll(&ready, 1, -1);
		if (sys_read(outer->signals, &got, sizeof got) != sizeof got)
			continue;
		/*
		 * The terminal has sent what was typed to the command as well. If that stops
		 * the command, we stop too, for the shell to see. But HUP is sent to the leader
		 * of a session alone, and an alarm(2) from before our exec to this process.
		 */
		if (got.ssi_code == SI_KERNEL && got.ssi_signo != SIGHUP &&
			got.ssi_signo != SIGALRM) {
			terminal_signal = (int)got.ssi_signo;
			if (terminal_signal == SIGTSTP || terminal_signal == SIGTTIN ||
				terminal_signal == SIGTTOU)
				signals_undergo(getpid(), terminal_signal);
		} else if (got.ssi_signo != SIGCHLD || got.ssi_code <= 0)
			signal_forward(&inner, (int)got.ssi_signo, &got);
	}
}
