#include "command.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "container/cgroup.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/spawn.h"

static struct {
	struct recipient process;
	pid_t group; /* of the command, or 0: also after its end */
	struct tty tty;
	int typed; /* the last signal that the kernel sent: the terminal's */
} self;

const struct recipient *command_process(void)
{
	return &self.process;
}

void command_find_terminal(const struct options *options)
{
	self.tty.fd = self.process.pidfd = -1;
	if (!options->pause)
		tty_find(&self.tty);
}

void command_find_terminal_again(void)
{
	if (self.tty.mode == TTY_NONE)
		return;
	tty_close(&self.tty);
	tty_find(&self.tty);
}

const struct tty *command_terminal(void)
{
	return &self.tty;
}

void command_release_terminal(void)
{
	if (self.tty.mode == TTY_LEADER && tty_release(&self.tty))
		log_fail("release terminal", "");
}

static int exec_code(const struct persona *persona, int error)
{
	if (error == ENOENT || (error == ENOTDIR && persona->not_a_directory))
		return persona->absent;
	return error == EACCES ? persona->denied : persona->other;
}

void command_start(const struct options *options, char **envp)
{
	struct spawn_failure failure;
	char digits[NUMBER_SIZE];
	bool ours = tty_ours(&self.tty), give = ours && self.tty.eager;
	struct spawn spawn = {
		.argv = options->command,
		.envp = envp,
		.user = options->as_user ? &options->user : NULL,
		.directory = options->directory,
		.program = -1,
		.cgroup = cgroup_part(CGROUP_APP),
		.group = getsid(0) == getpid() ? SPAWN_OWN_SESSION : SPAWN_OWN_GROUP,
		.take = self.tty.mode == TTY_LEADER ? self.tty.fd : -1,
		.foreground = give ? self.tty.fd : -1,
		.asks = ours && !give,
		.no_new_privileges = options->no_new_privileges,
		.die_with_us = getpid() != 1,
	};

	if (self.tty.mode == TTY_OUTSIDE)
		spawn.group = SPAWN_OUR_GROUP;
	self.tty.given = give;
	self.process.pid = spawn_start(&spawn, &failure);
	if (self.process.pid < 0) {
		tty_take_back(&self.tty, 0);
		notify_stage(spawn_stage_name(failure.stage));
		log_die(failure.stage == SPAWN_EXEC ? exec_code(options->persona, failure.error)
						    : LOG_SETUP,
			failure.error, spawn_stage_text(failure.stage),
			failure.stage == SPAWN_DIRECTORY ? options->directory : options->command[0],
			(char *)0);
	}
	self.process.pidfd = (int)syscall(SYS_pidfd_open, self.process.pid, 0);
	self.process.group = options->group && spawn.group != SPAWN_OUR_GROUP;
	self.group = spawn.group != SPAWN_OUR_GROUP ? self.process.pid : 0;
	info("started ", options->command[0], " as ", number_text(digits, self.process.pid));
}

unsigned command_keep(int *list)
{
	if (self.tty.mode == TTY_OUTSIDE)
		tty_close(&self.tty);
	list[0] = self.process.pidfd;
	list[1] = self.tty.fd;
	return COMMAND_KEEPS;
}

bool command_forward(int signal, const struct signalfd_siginfo *from)
{
	char name[SIGNAL_TEXT];
	struct recipient to = self.process;

	if (!to.pid && self.group)
		to = (struct recipient){.pid = self.group, .pidfd = -1, .group = true};
	if (!to.pid)
		return false;
	if (from && from->ssi_code == SI_KERNEL && self.group)
		to.group = true; /* as if it had been typed there */
	if (signal == SIGCONT && self.process.pid && self.tty.eager)
		tty_hand_over(&self.tty, to.pid);
	if (!signal_forward(&to, signal, from)) {
		debug("forwarded ", signal_text(signal, name));
		return true;
	}
	if (errno == ESRCH && !self.process.pid)
		self.group = 0; /* its number may be another's from now on */
	else
		warn_errno("forward ", signal_text(signal, name));
	return false;
}

void command_kill(void)
{
	kill(self.process.pid, SIGKILL);
}

void command_part(void)
{
	if (self.group)
		kill(-self.group, SIGTERM);
}

bool command_had(const struct signalfd_siginfo *from)
{
	if (from->ssi_code == SI_KERNEL)
		self.typed = (int)from->ssi_signo;
	if (from->ssi_signo == SIGCHLD)
		return from->ssi_code > 0;
	if (from->ssi_code == SI_USER)
		return from->ssi_pid == (unsigned)getpid();
	return from->ssi_code == SI_KERNEL && self.tty.mode == TTY_OUTSIDE && self.process.pid;
}

bool command_yields(const struct signalfd_siginfo *from)
{
	if (from->ssi_signo != SIGTTIN && from->ssi_signo != SIGTTOU)
		return false;
	/* The kernel sends it to the group, and so does another init that stops with it. */
	if (from->ssi_code != SI_KERNEL &&
		!(self.tty.given && getpgid((pid_t)from->ssi_pid) == getpgrp()))
		return false;
	tty_take_back(&self.tty, self.process.pid);
	return tty_ours(&self.tty) && !kill(0, SIGCONT);
}

void command_stopped(int signal)
{
	const bool asked = signal == SIGTTIN || signal == SIGTTOU;
	const bool given = self.tty.given, hand = asked || given || self.tty.eager;

	if (!asked || !tty_ours(&self.tty)) {
		tty_take_back(&self.tty, self.process.pid);
		self.tty.given = false;
		/*
		 * What was typed while the terminal was ours the others had with us: a pager
		 * that gets it again stops again after fg. TSTP for STOP too: that would stop
		 * us where nobody is to continue us.
		 */
		if (!signals_undergo(asked || given ? 0 : getpid(), asked ? signal : SIGTSTP)) {
			if (signal == SIGSTOP)
				return;
			if (asked && tty_abandon(&self.tty, self.process.pid))
				kill(-self.process.pid, SIGHUP);
		}
	}
	if (hand)
		tty_hand_over(&self.tty, self.process.pid);
	kill(-self.process.pid, SIGCONT);
}

int command_ended(int status, bool asked)
{
	char digits[NUMBER_SIZE], name[SIGNAL_TEXT];
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	bool was_foreground = self.tty.given;

	if (signal)
		info("command killed by ", signal_text(signal, name));
	else
		info("command exited with ", number_text(digits, reap_code(status)));
	tty_take_back(&self.tty, self.process.pid);
	/* What is typed from now on is for us: it cuts the end short. */
	if (self.tty.mode == TTY_LEADER)
		tty_take(self.tty.fd);
	/*
	 * What was typed reached the command's group alone; those of ours, a script or
	 * a pipeline, would have had it too.
	 */
	if (was_foreground && !asked && (signal == SIGINT || signal == SIGQUIT))
		kill(0, signal);
	self.process.pid = 0;
	return was_foreground || signal == self.typed ? signal : 0;
}

void command_let_go(void)
{
	tty_take_back(&self.tty, self.group);
}
