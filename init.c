/*
 * init: PID 1 of a container.
 *
 * Starts one command, forwards signals to its process group, reaps whatever is
 * orphaned, and when the command ends sees everyone else off and exits with the
 * command's code. main() below reads as a table of contents.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/fds.h"
#include "src/log.h"
#include "src/number.h"
#include "src/options.h"
#include "src/others.h"
#include "src/reap.h"
#include "src/signals.h"
#include "src/spawn.h"
#include "src/sys.h"
#include "src/tty.h"

enum {
	/* How long a KILL may take to show, where we have to wait for that. */
	KILL_WAIT = 1000,
	/* How often to look for those whose death nobody tells us. */
	LOOK_ENDING = 10,
	LOOK_LINGERING = 250,
	/* Signals taken at a time. */
	BATCH = 8,
};

enum state {
	RUNNING,   /* the command runs, or --pause */
	LINGERING, /* --wait-all: the command is gone, others are not */
	ENDING,    /* TERM was sent to all others */
	KILLED,    /* KILL was */
};

static struct {
	struct options options;
	struct tty tty;
	struct recipient command; /* pid 0: none, or gone */
	pid_t group;              /* of the command, or 0: also after its end */
	int signals, proc;
	enum state state;
	int code;       /* to exit with */
	unsigned stops; /* TERM, INT and QUIT that we had so far */
	int typed;      /* the last signal that the kernel sent: the terminal's */
	int killed_by;  /* signal to end with, where code alone does not tell all, or 0 */
	bool childless;
	/* Monotonic, in milliseconds; FOREVER: not set. */
	long long kill_at, end_at;
} self;

static long long after(long long delay)
{
	return delay == FOREVER ? FOREVER : sys_now() + delay;
}

static bool is_stop(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

/*
 * A shell whose command died of a typed signal leaves its loop, and one whose
 * command was killed repairs the terminal's modes. For both it looks at how we end.
 */
_Noreturn static void finish(void)
{
	tty_take_back(&self.tty, self.group);
	if (self.options.expected[self.code])
		_exit(0);
	if (self.killed_by)
		signals_undergo(getpid(), self.killed_by);
	_exit(self.code);
}

/* KILL for everyone. As PID 1 our exit does the rest, and waits for it. */
static void kill_others(void)
{
	others_signal(self.proc, SIGKILL);
	if (getpid() == 1)
		finish();
	if (self.state != KILLED)
		self.end_at = after(KILL_WAIT);
	self.state = KILLED;
}

static void begin_end(void)
{
	if (self.options.at_once) {
		if (self.options.persona->parting && self.group)
			kill(-self.group, SIGTERM);
		finish();
	}
	self.kill_at = FOREVER;
	self.end_at = after(self.options.grace);
	self.state = ENDING;
	if (self.childless && !others_left())
		return;
	others_signal(self.proc, SIGTERM);
	/* A stopped process would not act on it. */
	others_signal(self.proc, SIGCONT);
}

/* Where nobody is left there is nothing to wait for. */
static void check_end(void)
{
	if (self.state != RUNNING && self.childless && !others_left())
		finish();
}

static void command_ended(int status)
{
	char digits[NUMBER_SIZE], name[SIGNAL_TEXT];
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	bool was_foreground = self.tty.given;

	self.code = reap_code(status);
	if (signal)
		info("command killed by ", signal_text(signal, name));
	else
		info("command exited with ", number_text(digits, self.code));
	if (was_foreground || signal == self.typed)
		self.killed_by = signal;
	tty_take_back(&self.tty, self.command.pid);
	/* What is typed from now on is for us: it cuts the end short. */
	if (self.tty.mode == TTY_LEADER)
		tty_take(self.tty.fd);
	/*
	 * What was typed reached the command's group alone; those of ours, a script or
	 * a pipeline, would have had it too.
	 */
	if (was_foreground && !self.stops && (signal == SIGINT || signal == SIGQUIT))
		kill(0, signal);
	if (is_stop(signal) && !self.stops)
		self.stops = 1;
	self.command.pid = 0;
	if (self.options.wait_all)
		self.state = LINGERING;
	else
		begin_end();
}

/*
 * The command was stopped: by Ctrl-Z, by itself, or from the background by a read
 * or write of the terminal. Then we stop as well, with those of our group, for the
 * shell to see; and go on when it continues us.
 */
static void command_stopped(int signal)
{
	const bool asked = signal == SIGTTIN || signal == SIGTTOU;
	const bool given = self.tty.given, hand = asked || given || self.tty.eager;

	if (!asked || !tty_ours(&self.tty)) {
		tty_take_back(&self.tty, self.command.pid);
		self.tty.given = false;
		/*
		 * What was typed while the terminal was ours the others had with us: a pager
		 * that gets it again stops again after fg. TSTP for STOP too: that would stop
		 * us where nobody is to continue us.
		 */
		if (!signals_undergo(asked || given ? 0 : getpid(), asked ? signal : SIGTSTP)) {
			if (signal == SIGSTOP)
				return;
			if (asked && tty_abandon(&self.tty, self.command.pid))
				kill(-self.command.pid, SIGHUP);
		}
	}
	if (hand)
		tty_hand_over(&self.tty, self.command.pid);
	kill(-self.command.pid, SIGCONT);
}

static void reap(void)
{
	const bool stops = self.tty.mode == TTY_JOB;
	char digits[NUMBER_SIZE];
	enum reap_result result;
	struct reaped one;

	while ((result = reap_next(&one, stops)) == REAP_ONE)
		if (one.pid == self.command.pid && WIFSTOPPED(one.status))
			command_stopped(WSTOPSIG(one.status));
		else if (WIFSTOPPED(one.status))
			continue;
		else if (one.pid == self.command.pid)
			command_ended(one.status);
		else if (self.options.warn_on_reap)
			warn("reaped orphan ", number_text(digits, one.pid));
	self.childless = result == REAP_NOBODY_LEFT;
}

/* Sends a signal on to the command; it may be another user's by now, or gone. */
static void forward(int signal, const struct signalfd_siginfo *from)
{
	char name[SIGNAL_TEXT];
	struct recipient to = self.command;

	if (!to.pid && self.group)
		to = (struct recipient){.pid = self.group, .pidfd = -1, .group = true};
	if (!to.pid)
		return;
	if (from->ssi_code == SI_KERNEL && self.group)
		to.group = true; /* as if it had been typed there */
	if (signal == SIGCONT && self.command.pid && self.tty.eager)
		tty_hand_over(&self.tty, to.pid);
	if (!signal_forward(&to, signal, from))
		debug("forwarded ", signal_text(signal, name));
	else if (errno == ESRCH && !self.command.pid)
		self.group = 0; /* its number may be another's from now on */
	else
		warn_errno("forward ", signal_text(signal, name));
}

/* TERM, INT or QUIT, after rewriting. Returns whether it is for the command. */
static bool asked_to_stop(void)
{
	self.stops++;
	switch (self.state) {
	case RUNNING:
		if (self.options.pause)
			begin_end();
		else if (self.stops == 1)
			self.kill_at = after(self.options.kill_after);
		return true;
	case LINGERING:
		begin_end();
		return false;
	default:
		if (self.stops > 1)
			kill_others();
		return false;
	}
}

/* Whether a signal is an echo of our own doing, or was typed and went to the command itself. */
static bool is_echo(const struct signalfd_siginfo *from)
{
	if (from->ssi_signo == SIGCHLD)
		return from->ssi_code > 0;
	if (from->ssi_code == SI_USER)
		return from->ssi_pid == (unsigned)getpid();
	return from->ssi_code == SI_KERNEL && self.tty.mode == TTY_OUTSIDE && self.command.pid;
}

/*
 * One of our group, the pager of a pipeline or a script, was stopped because it
 * needs the terminal that the command has: it gets it, until the command asks.
 */
static bool is_wanted_back(const struct signalfd_siginfo *from)
{
	if (from->ssi_signo != SIGTTIN && from->ssi_signo != SIGTTOU)
		return false;
	/* The kernel sends it to the group, and so does another init that stops with it. */
	if (from->ssi_code != SI_KERNEL &&
		!(self.tty.given && getpgid((pid_t)from->ssi_pid) == getpgrp()))
		return false;
	tty_take_back(&self.tty, self.command.pid);
	return tty_ours(&self.tty) && !kill(0, SIGCONT);
}

static void take_signal(const struct signalfd_siginfo *from)
{
	int signal = self.options.rewrite.to[from->ssi_signo];

	if (from->ssi_code == SI_KERNEL)
		self.typed = (int)from->ssi_signo;
	if (is_echo(from) || !signal || is_wanted_back(from))
		return;
	if (is_stop((int)from->ssi_signo) && !asked_to_stop())
		return;
	if (self.state < ENDING)
		forward(signal, from);
	/* With no command to stop, and to stop with: Ctrl-Z is for us alone. */
	if (!self.command.pid && (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU))
		signals_undergo(getpid(), signal);
}

static void take_signals(void)
{
	struct signalfd_siginfo batch[BATCH];
	ssize_t length = read(self.signals, batch, sizeof batch);
	bool died = false;

	for (int i = 0; length > 0 && i < (int)((size_t)length / sizeof *batch); i++) {
		died |= batch[i].ssi_signo == SIGCHLD;
		take_signal(&batch[i]);
	}
	if (died)
		reap();
}

/* Until when we may sleep: FOREVER, or milliseconds from now. */
static int sleep_time(void)
{
	long long until = self.kill_at, time = sys_now(), look = 0;

	if (self.end_at != FOREVER && (until == FOREVER || self.end_at < until))
		until = self.end_at;
	if (self.state == KILLED || (self.state == ENDING && self.childless))
		look = time + LOOK_ENDING;
	else if (self.state == LINGERING && self.childless)
		look = time + LOOK_LINGERING;
	if (look && (until == FOREVER || look < until))
		until = look;
	if (until == FOREVER)
		return FOREVER;
	return until < time ? 0 : (int)(until - time > 3600000 ? 3600000 : until - time);
}

static void act_on_time(void)
{
	const long long time = sys_now();

	if (self.kill_at != FOREVER && time >= self.kill_at) {
		self.kill_at = FOREVER;
		if (self.command.pid) {
			warn("command outlived its time, sending SIGKILL");
			kill(self.command.pid, SIGKILL);
		}
	}
	if (self.state == KILLED) {
		if (time >= self.end_at)
			finish();
		kill_others();
	} else if (self.end_at != FOREVER && time >= self.end_at) {
		warn("grace is over, sending SIGKILL to the rest");
		kill_others();
	}
}

_Noreturn static void serve(void)
{
	struct pollfd ready = {.fd = self.signals, .events = POLLIN};
	bool timed;

	for (;;) {
		/* With no time to keep, the read alone waits: one call fewer an event. */
		timed = self.kill_at != FOREVER || self.state != RUNNING;
		if (!timed || poll(&ready, 1, sleep_time()) > 0)
			take_signals();
		if (timed)
			act_on_time();
		check_end();
	}
}

/* prctl(2): the parent may have died before we asked to be told. */
static void watch_parent(pid_t parent)
{
	if (!self.options.parent_death)
		return;
	if (prctl(PR_SET_PDEATHSIG, self.options.parent_death, 0, 0, 0))
		die_errno(self.options.persona->setup, "watch parent");
	if (getppid() != parent)
		syscall(SYS_tkill, getpid(), self.options.parent_death);
}

/* Without a command what is typed is for us. */
static void release_terminal(void)
{
	if (self.options.pause)
		return;
	tty_find(&self.tty);
	if (self.tty.mode == TTY_LEADER && tty_release(&self.tty))
		die_errno(self.options.persona->setup, "release terminal");
}

static int exec_code(int error)
{
	const struct persona *persona = self.options.persona;

	if (error == ENOENT || (error == ENOTDIR && persona->not_a_directory))
		return persona->absent;
	return error == EACCES ? persona->denied : persona->other;
}

static void start_command(char **envp)
{
	const struct options *options = &self.options;
	struct spawn_failure failure;
	char digits[NUMBER_SIZE];
	bool ours = tty_ours(&self.tty), give = ours && self.tty.eager;
	struct spawn spawn = {
		.argv = options->command,
		.envp = envp,
		.user = options->as_user ? &options->user : NULL,
		.directory = options->directory,
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
	self.command.pid = spawn_start(&spawn, &failure);
	if (self.command.pid < 0) {
		tty_take_back(&self.tty, 0);
		log_die(failure.stage == SPAWN_EXEC ? exec_code(failure.error)
						    : options->persona->setup,
			failure.error, spawn_stage_text(failure.stage),
			failure.stage == SPAWN_CHDIR ? options->directory : options->command[0],
			(char *)0);
	}
	self.command.pidfd = (int)syscall(SYS_pidfd_open, self.command.pid, 0);
	self.command.group = options->group && spawn.group != SPAWN_OUR_GROUP;
	self.group = spawn.group != SPAWN_OUR_GROUP ? self.command.pid : 0;
	info("started ", options->command[0], " as ", number_text(digits, self.command.pid));
}

/* What we held for the start only, and what was the command's, is let go. */
static void settle(void)
{
	int keep[4];
	unsigned count = 0;

	if (self.tty.mode == TTY_OUTSIDE)
		tty_close(&self.tty);
	keep[count++] = self.signals;
	keep[count++] = self.proc;
	keep[count++] = self.command.pidfd;
	keep[count++] = self.tty.fd;
	fds_release(self.signals, keep, count);
	if (chdir("/"))
		warn_errno("change directory to /");
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();

	(void)argc;
	signals_block();
	options_parse(&self.options, argv, environ);
	self.kill_at = self.end_at = FOREVER;
	self.command.pidfd = -1;
	fds_sanitise();
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	self.signals = signals_open();
	if (self.signals < 0)
		die_errno(self.options.persona->setup, "open signalfd");
	watch_parent(parent);
	self.proc = others_open();
	if (getpid() != 1 && reap_adopt())
		warn_errno("become subreaper");
	release_terminal();
	if (self.options.command)
		start_command(environ);
	settle();
	/* Children that we were born with and that died before we blocked SIGCHLD. */
	reap();
	/* From here on nothing may end PID 1 but its own decision to. */
	serve();
}
