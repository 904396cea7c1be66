#include "command.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/sys.h"
#include "container/cgroup.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/spawn.h"

static struct {
	struct recipient process;
	pid_t group; /* that the command leads, or 0; kept after its end */
	struct tty tty;
	int terminal_signal; /* the last one that the kernel sent, which is the terminal's, or 0 */
} self = {.process.pidfd = -1, .tty.fd = -1};

const struct recipient *command_process(void)
{
	return &self.process;
}

void command_find_terminal(const struct options *options)
{
	tty_close(&self.tty);
	self.tty.mode = TTY_NONE;
	if (options->pause)
		return;
	tty_find(&self.tty);
	/* A session of its own has no other's, and without one it is left to our own group. */
	if (options->persona->session && (self.tty.mode != TTY_LEADER || !options->group)) {
		self.tty.mode = TTY_NONE;
		tty_close(&self.tty);
	}
}

const struct tty *command_terminal(void)
{
	return &self.tty;
}

void command_release_terminal(void)
{
	if (self.tty.mode == TTY_LEADER && tty_release(&self.tty))
		fail_cannot("release terminal", NULL);
}

static int exec_code(const struct persona *persona, int error)
{
	if (error == ENOENT || (error == ENOTDIR && persona->not_a_directory))
		return persona->absent;
	return error == EACCES ? persona->denied : persona->other;
}

/* Ends the process, since the command could not be started. */
_Noreturn static void die_unstarted(
	const struct options *options, const struct spawn_failure *failure)
{
	const char *program = options->command[0], *object = program;
	int code = options->persona->setup;

	if (failure->stage == SPAWN_EXEC)
		code = exec_code(options->persona, failure->error);
	if (failure->stage == SPAWN_DIRECTORY)
		object = options->directory;
	if (failure->stage == SPAWN_EXEC && failure->error == ENOENT && *program == '-')
		warn("'", program,
			"' is taken for the command; options go before \"--\" or into "
			"INIT_OPTIONS");
	notify_stage(spawn_stage_name(failure->stage));
	if (failure->stage == SPAWN_EXEC) {
		persona_tell(PERSONA_NOT_EXECUTED, 0, failure->error, program);
		log_exit(code, failure->error, NULL);
	}
	log_die(code, failure->error, spawn_stage_text(failure->stage), object);
}

SECTION_START void command_start(
	const struct options *options, char **envp, const int *kept, unsigned kept_count)
{
	const bool session = options->persona->session;
	struct spawn_failure failure;
	struct spawn spawn = {
		.argv = options->command,
		.envp = envp,
		.privileges = &options->privileges,
		.directory = options->directory,
		.kept = kept,
		.kept_count = kept_count,
		.program = -1,
		.cgroup = cgroup_part(CGROUP_APP),
		.group = session || sys_getsid(0) == getpid() ? SPAWN_OWN_SESSION : SPAWN_OWN_GROUP,
		.terminal = self.tty.fd,
		.die_with_us = getpid() != 1,
	};

	if ((session && !options->group) || self.tty.mode == TTY_OUTSIDE)
		spawn.group = SPAWN_OUR_GROUP;
	if (self.tty.mode == TTY_LEADER)
		spawn.use = SPAWN_CONTROL;
	else if (tty_ours(&self.tty))
		spawn.use = self.tty.eager ? SPAWN_FOREGROUND : SPAWN_ASK;
	self.tty.given = spawn.use == SPAWN_FOREGROUND;
	self.process.pid = spawn_start(&spawn, &failure);
	if (self.process.pid < 0) {
		tty_take_back(&self.tty, 0);
		die_unstarted(options, &failure);
	}
	self.process.pidfd = (int)syscall(SYS_pidfd_open, self.process.pid, 0);
	self.process.leader_only = options->main_only;
	if (spawn.group != SPAWN_OUR_GROUP) {
		self.group = self.process.pid;
		self.process.group = options->group;
	}
	persona_tell(PERSONA_STARTED, self.process.pid, 0, options->command[0]);
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

	if (!to.pid && to.group) {
		to.pid = self.group;
		to.pidfd = -1;
	}
	if (!to.pid)
		return false;
	/* What the kernel sent, the terminal would have sent to the group. */
	if (!self.process.pid || (from && from->ssi_code == SI_KERNEL && self.group)) {
		to.group = true;
		to.leader_only = 0;
	}
	if (signal == SIGCONT && self.process.pid && self.tty.eager)
		tty_hand_over(&self.tty, to.pid);
	if (!signal_forward(&to, signal, from)) {
		persona_tell(PERSONA_FORWARDED, to.pid, signal, signal_text(signal, name));
		return true;
	}
	if (errno == ESRCH && !self.process.pid)
		self.group = 0; /* the number may become that of another group */
	else
		warn_cannot("forward ", signal_text(signal, name));
	return false;
}

void command_kill(void)
{
	sys_kill(self.process.pid, SIGKILL);
}

void command_note_signal(const struct signalfd_siginfo *from)
{
	if (from->ssi_code == SI_KERNEL)
		self.terminal_signal = (int)from->ssi_signo;
}

bool command_has_signal(const struct signalfd_siginfo *from)
{
	if (from->ssi_signo == SIGCHLD)
		return from->ssi_code > 0;
	if (from->ssi_code == SI_USER)
		return from->ssi_pid == (unsigned)getpid();
	return from->ssi_code == SI_KERNEL && self.tty.mode == TTY_OUTSIDE && self.process.pid;
}

bool command_lend_terminal(const struct signalfd_siginfo *from)
{
	if (from->ssi_signo != SIGTTIN && from->ssi_signo != SIGTTOU)
		return false;
	/* The kernel sends it to the group, and so does another init that stops with it. */
	if (from->ssi_code != SI_KERNEL &&
		!(self.tty.given && sys_getpgid((pid_t)from->ssi_pid) == getpgrp()))
		return false;
	tty_take_back(&self.tty, self.process.pid);
	return tty_ours(&self.tty) && !sys_kill(0, SIGCONT);
}

void command_stopped(int signal)
{
	const bool asked = signal == SIGTTIN || signal == SIGTTOU;
	const bool given = self.tty.given, hand = asked || given || self.tty.eager;

	if (!asked || !tty_ours(&self.tty)) {
		tty_take_back(&self.tty, self.process.pid);
		self.tty.given = false;
		/*
		 * What was typed while init's group was in the foreground its other processes
		 * have had too: a pager that gets it again would stop again after fg. TSTP
		 * stands for STOP too: STOP would stop init where no shell continues it.
		 */
		if (!signals_undergo(asked || given ? 0 : getpid(), asked ? signal : SIGTSTP)) {
			if (signal == SIGSTOP)
				return;
			if (asked && tty_abandon(&self.tty, self.process.pid))
				sys_kill(-self.process.pid, SIGHUP);
		}
	}
	if (hand)
		tty_hand_over(&self.tty, self.process.pid);
	sys_kill(-self.process.pid, SIGCONT);
}

int command_ended(int status, bool asked)
{
	char name[SIGNAL_TEXT];
	int signal = WTERMSIG(status); /* 0 where it exited by itself */
	bool was_foreground = self.tty.given;

	persona_tell(signal ? PERSONA_KILLED : PERSONA_EXITED, self.process.pid, reap_code(status),
		signal_text(signal, name));
	tty_take_back(&self.tty, self.process.pid);
	/* What is typed from now on is for init, and cuts the grace period short. */
	if (self.tty.mode == TTY_LEADER)
		tty_take(self.tty.fd);
	/*
	 * What was typed reached the command's group only. Without init the rest of its own
	 * group, a script or a pipeline, would have got it as well.
	 */
	if (was_foreground && !asked && (signal == SIGINT || signal == SIGQUIT))
		sys_kill(0, signal);
	self.process.pid = 0;
	return was_foreground || signal == self.terminal_signal ? signal : 0;
}

void command_return_terminal(void)
{
	tty_take_back(&self.tty, self.group);
}
