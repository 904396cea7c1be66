/*
 * init: PID 1 of a container.
 *
 * Starts one command, forwards signals to its process group, reaps whatever is
 * orphaned, and when the command ends sees everyone else off and exits with the
 * command's code. main() below reads as a table of contents.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/activation.h"
#include "src/cgroup.h"
#include "src/control.h"
#include "src/fds.h"
#include "src/guard.h"
#include "src/handout.h"
#include "src/isolate.h"
#include "src/log.h"
#include "src/mounts.h"
#include "src/notify.h"
#include "src/number.h"
#include "src/options.h"
#include "src/others.h"
#include "src/outer.h"
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
	/* What a command has to end in when an operator stops it, unless told otherwise. */
	STOP_WAIT = 10000,
	/* The start's part of the stack, at most. */
	STACK_USED = 65536,
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
	int signals, proc, guard;
	enum state state;
	int code;       /* to exit with */
	unsigned stops; /* TERM, INT and QUIT that we had so far */
	int typed;      /* the last signal that the kernel sent: the terminal's */
	int killed_by;  /* signal to end with, where code alone does not tell all, or 0 */
	bool childless;
	bool controlled;
	bool unserved;     /* though it was to be */
	const char *stage; /* what the start is at: one word, for the status descriptor */
	struct control_view view;
	/* Monotonic, in milliseconds; FOREVER: not set. */
	long long kill_at, end_at, expire_at;
} self;

static long long after(long long delay)
{
	return delay == FOREVER ? FOREVER : sys_now() + delay;
}

static bool is_stop(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

/* What stands outside of us, on every way out. */
static void clean_up(void)
{
	control_close();
	isolate_abandon();
	if (self.guard >= 0)
		guard_end(self.guard);
	else
		cgroup_remove(true);
}

static void set_state(enum state state)
{
	static const char *const names[] = {
		[RUNNING] = "running",
		[LINGERING] = "lingering",
		[ENDING] = "ending",
		[KILLED] = "killed",
	};

	self.state = state;
	self.view.state = names[state];
	self.view.stopping = state >= ENDING;
}

/*
 * A shell whose command died of a typed signal leaves its loop, and one whose
 * command was killed repairs the terminal's modes. For both it looks at how we end.
 */
_Noreturn static void finish(void)
{
	tty_take_back(&self.tty, self.group);
	clean_up();
	if (self.options.expected[self.code])
		_exit(0);
	if (self.killed_by)
		signals_undergo(getpid(), self.killed_by);
	_exit(self.code);
}

/* The start failed, whoever noticed. */
static void last_words(int code, int error)
{
	notify_failed(self.stage, error, code);
	clean_up();
}

/* KILL for everyone. As PID 1 our exit does the rest, and waits for it. */
static void kill_others(void)
{
	others_signal(self.proc, SIGKILL);
	if (getpid() == 1)
		finish();
	if (self.state != KILLED)
		self.end_at = after(KILL_WAIT);
	set_state(KILLED);
}

static void begin_end(void)
{
	control_hang_up();
	if (self.options.at_once) {
		if (self.options.persona->parting && self.group)
			kill(-self.group, SIGTERM);
		finish();
	}
	self.kill_at = FOREVER;
	self.end_at = after(self.options.grace);
	set_state(ENDING);
	/* As PID 1 that tells all; to ask once more is to go through the host's processes. */
	if (!others_signal(self.proc, SIGTERM))
		finish();
	/* A stopped process would not act on it. */
	others_signal(self.proc, SIGCONT);
}

static void command_ended(int status)
{
	char digits[NUMBER_SIZE], name[SIGNAL_TEXT];
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	bool was_foreground = self.tty.given;

	self.code = reap_code(status);
	notify_exited(status);
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
	self.view.ended = true;
	self.view.status = status;
	control_main_ended();
	/* Whoever was told to stop has nothing to linger for. */
	if (self.options.wait_all && !self.stops)
		set_state(LINGERING);
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

	while ((result = reap_next(&one, stops)) == REAP_ONE) {
		self.view.reaped += !WIFSTOPPED(one.status);
		if (one.pid == self.command.pid && WIFSTOPPED(one.status))
			command_stopped(WSTOPSIG(one.status));
		else if (WIFSTOPPED(one.status))
			continue;
		else if (one.pid == self.command.pid)
			command_ended(one.status);
		else if (!control_child_died(one.pid, one.status) && self.options.warn_on_reap)
			warn("reaped orphan ", number_text(digits, one.pid));
	}
	self.childless = result == REAP_NOBODY_LEFT;
}

/*
 * Where nobody is left there is nothing to wait for. Asked anew: since the last child
 * died a session may have begun.
 */
static void check_end(void)
{
	if (self.state == RUNNING)
		return;
	reap();
	if (self.childless && !others_left())
		finish();
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
	if (from && from->ssi_code == SI_KERNEL && self.group)
		to.group = true; /* as if it had been typed there */
	if (signal == SIGCONT && self.command.pid && self.tty.eager)
		tty_hand_over(&self.tty, to.pid);
	if (!signal_forward(&to, signal, from)) {
		self.view.forwarded++;
		debug("forwarded ", signal_text(signal, name));
	} else if (errno == ESRCH && !self.command.pid)
		self.group = 0; /* its number may be another's from now on */
	else
		warn_errno("forward ", signal_text(signal, name));
}

/* TERM, INT or QUIT, whatever it is forwarded as. Returns whether it is for the command. */
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

static long long sooner(long long a, long long b)
{
	return a == FOREVER || (b != FOREVER && b < a) ? b : a;
}

/* Until when we may sleep: FOREVER, or milliseconds from now. */
static int sleep_time(void)
{
	const long long hour = 3600000;
	long long now = sys_now(), until = sooner(self.kill_at, self.end_at);

	until = sooner(until, self.expire_at);
	if (self.state == KILLED || (self.state == ENDING && self.childless))
		until = sooner(until, now + LOOK_ENDING);
	else if (self.state == LINGERING && self.childless)
		until = sooner(until, now + LOOK_LINGERING);
	if (until == FOREVER)
		return FOREVER;
	return until < now ? 0 : (int)sooner(until - now, hour);
}

static void act_on_time(void)
{
	const long long time = sys_now();

	self.expire_at = control_expire(time);
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

/* An operator's word, as a signal would be. */
static void obey(void)
{
	struct control_wish wish = control_wish();

	if (!wish.stop)
		return;
	self.stops++;
	if (wish.grace != FOREVER)
		self.options.grace = wish.grace;
	/* A later wish may make it shorter, not longer. */
	if (self.state >= ENDING) {
		self.end_at = sooner(self.end_at, after(wish.grace));
		return;
	}
	if (self.state == LINGERING || !self.command.pid) {
		begin_end();
		return;
	}
	if (wish.grace == FOREVER)
		wish.grace =
			self.options.kill_after == FOREVER ? STOP_WAIT : self.options.kill_after;
	self.kill_at = sooner(self.kill_at, after(wish.grace));
	if (self.options.rewrite.to[SIGTERM])
		forward(self.options.rewrite.to[SIGTERM], NULL);
	forward(SIGCONT, NULL);
}

/* Waits for something to do. Returns whether signals are to be read. */
static bool await(bool timed)
{
	struct pollfd ready = {.fd = self.signals, .events = POLLIN};

	if (self.controlled)
		return control_wait(sleep_time());
	/* With no time to keep, the read alone waits: one call fewer an event. */
	return !timed || poll(&ready, 1, sleep_time()) > 0;
}

/*
 * The start's pages of the program, which are not needed any more. A fault brings back
 * all of 64 kB around it that is in memory (fault_around_bytes): the linker puts the
 * start's last page before such a boundary, and nothing happens where it could not.
 */
static void shed_start(void)
{
	extern char program[] __asm__("__executable_start"); /* the linker's */
	const uintptr_t from = (uintptr_t)program, around = 65536;
	uintptr_t end = (uintptr_t)shed_start & ~(around - 1);

	if (end > from)
		madvise(program, end - from, MADV_DONTNEED);
}

SYS_HOT _Noreturn static void serve(void)
{
	shed_start();
	for (;;) {
		bool timed = self.controlled || self.kill_at != FOREVER || self.state != RUNNING;
		if (await(timed))
			take_signals();
		if (self.controlled)
			obey();
		if (timed)
			act_on_time();
		check_end();
	}
}

/* prctl(2): the parent may have died before we asked to be told, and then we are not. */
static void watch_parent(pid_t parent)
{
	struct pollfd channel = {.fd = self.options.control.fd};

	if (!self.options.parent_death)
		return;
	if (sys_prctl(PR_SET_PDEATHSIG, (unsigned long)self.options.parent_death))
		log_fail("watch parent", "");
	/*
	 * One outside our PID namespace is 0 to us, dead or alive. Who holds the other end
	 * of the channel is then known to be gone by that.
	 */
	poll(&channel, 1, 0);
	if (getppid() == parent && !(channel.revents & POLLHUP))
		return;
	/* As PID 1 we could not send it to ourselves. */
	if (self.options.parent_death == SIGKILL)
		_exit(128 + SIGKILL);
	syscall(SYS_tkill, getpid(), self.options.parent_death);
}

static void release_terminal(void)
{
	if (self.tty.mode == TTY_LEADER && tty_release(&self.tty))
		log_fail("release terminal", "");
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
	self.command.pid = spawn_start(&spawn, &failure);
	if (self.command.pid < 0) {
		tty_take_back(&self.tty, 0);
		self.stage = spawn_stage_name(failure.stage);
		log_die(failure.stage == SPAWN_EXEC ? exec_code(failure.error) : LOG_SETUP,
			failure.error, spawn_stage_text(failure.stage),
			failure.stage == SPAWN_DIRECTORY ? options->directory : options->command[0],
			(char *)0);
	}
	self.command.pidfd = (int)syscall(SYS_pidfd_open, self.command.pid, 0);
	self.command.group = options->group && spawn.group != SPAWN_OUR_GROUP;
	self.group = spawn.group != SPAWN_OUR_GROUP ? self.command.pid : 0;
	info("started ", options->command[0], " as ", number_text(digits, self.command.pid));
}

/* Without a command what is typed is for us. */
static void find_terminal(void)
{
	self.tty.fd = -1;
	if (!self.options.pause)
		tty_find(&self.tty);
}

/* A user namespace's root manages it, who may be somebody else outside. */
static void give_cgroup(void)
{
	const struct isolate *isolate = &self.options.isolate;
	uid_t uid = idmap_of_root(&isolate->uids, geteuid());

	if (isolate->namespaces & CLONE_NEWUSER && uid != geteuid() &&
		cgroup_delegate(uid, idmap_of_root(&isolate->gids, getegid())))
		log_fail("give cgroup away", "");
}

/*
 * From here to the end of main we may be the child of the process that was started,
 * which stays behind. What is made on the host has a guard then.
 */
static void go_inside(pid_t parent)
{
	struct outer outer = {.signals = self.signals, .guard = self.guard, .tty = self.tty};
	struct isolate *isolate = &self.options.isolate;
	bool own_cgroups = false;

	if (self.options.cgroup.path) {
		/* Its root is where we are when it is made. */
		own_cgroups = isolate->namespaces & CLONE_NEWCGROUP;
		isolate->namespaces &= ~(unsigned long)CLONE_NEWCGROUP;
		give_cgroup();
	}
	self.stage = "namespaces";
	/* Before a command inside may have taken it. */
	outer.tty.given = tty_ours(&outer.tty);
	outer.inner = isolate_enter(isolate, &outer.leash);
	/* Now, since a change of ids makes the kernel forget it; a child has us for parent. */
	self.stage = "parent";
	if (outer.inner || !(isolate->namespaces & CLONE_NEWPID))
		watch_parent(parent);
	if (outer.inner) {
		sys_prctl(PR_SET_DUMPABLE, 0);
		outer_serve(&outer);
	}
	guard_keep();
	if (self.tty.mode != TTY_NONE) {
		tty_close(&self.tty);
		find_terminal();
	}
	self.stage = "namespaces";
	isolate_furnish(isolate);
	self.stage = "cgroup";
	cgroup_enter(own_cgroups);
	self.stage = "mounts";
	mounts_build(&self.options.mounts, isolate->namespaces & CLONE_NEWNS);
}

/* The socket is bound while the path still means what the operator meant. */
static void open_control(void)
{
	struct control_setup *setup = &self.options.control;
	char digits[NUMBER_SIZE];
	int passed = activation_take(environ);

	if (setup->fd < 0)
		setup->fd = passed;
	self.stage = "control";
	self.controlled = control_wanted(setup);
	if (self.controlled && control_open(setup))
		log_fail("open control channel ",
			setup->path ? setup->path : number_text(digits, setup->fd));
}

/* What is the host's has a guard where one may kill us, who would take it away. */
static void make_outside(void)
{
	const struct cgroup_setup *cgroup = &self.options.cgroup;
	const char *path = self.options.control.path;

	if ((cgroup->path || path) && self.options.isolate.namespaces & CLONE_NEWPID)
		self.guard = guard_start(path, cgroup);
	self.stage = "cgroup";
	cgroup_make(cgroup, self.guard);
	open_control();
}

static void serve_control(void)
{
	self.view.command = &self.command;
	self.view.proc = self.proc;
	self.view.started = sys_now();
	self.view.grace = self.options.grace == FOREVER ? INT64_MAX / 2 : self.options.grace;
	set_state(RUNNING);
	if (self.controlled && control_start(&self.view, self.signals)) {
		warn_errno("serve control channel");
		self.controlled = false;
		self.unserved = true;
	}
}

/*
 * What the start used of the stack and we shall not is given back: whole pages
 * below, but not where the frame of the call that does it may lie.
 */
__attribute__((noinline)) static void drop_stack(void)
{
	const uintptr_t page = 4096, frame = 256;
	char here;
	uintptr_t end = ((uintptr_t)&here - frame) & ~(page - 1);

	madvise((char *)end - STACK_USED, STACK_USED, MADV_DONTNEED);
}

/* What we held for the start only, and what was the command's, is let go. */
static void settle(void)
{
	int keep[5 + CGROUP_KEEPS + NOTIFY_KEEPS + CONTROL_KEEPS];
	unsigned count = 0;

	if (self.tty.mode == TTY_OUTSIDE)
		tty_close(&self.tty);
	keep[count++] = self.signals;
	keep[count++] = self.proc;
	keep[count++] = self.command.pidfd;
	keep[count++] = self.tty.fd;
	keep[count++] = self.guard;
	count += cgroup_keep(keep + count);
	count += notify_keep(keep + count);
	if (self.controlled)
		count += control_keep(keep + count);
	fds_release(self.signals);
	fds_keep(keep, count);
	if (chdir("/"))
		warn_errno("change directory to /");
	drop_stack();
}

SYS_START int main(int argc, char **argv)
{
	pid_t parent = getppid();

	(void)argc;
	signals_block();
	options_parse(&self.options, argv, environ);
	self.kill_at = self.end_at = self.expire_at = FOREVER;
	self.command.pidfd = self.guard = -1;
	log_before_death(last_words);
	self.stage = "start";
	notify_open(&self.options.notify);
	fds_sanitise();
	self.signals = signals_open();
	if (self.signals < 0)
		log_fail("open signalfd", "");
	find_terminal();
	make_outside();
	go_inside(parent);
	self.proc = others_open();
	if (self.controlled)
		handout_open();
	/* An ordinary user could not open his own /proc/self/ns any more (proc(5)). */
	sys_prctl(PR_SET_DUMPABLE, 0);
	if (getpid() != 1 && reap_adopt())
		warn_errno("become subreaper");
	self.stage = "terminal";
	release_terminal();
	if (self.options.command)
		start_command(environ);
	serve_control();
	settle();
	notify_started(self.command.pid, !self.unserved);
	/* Children that we were born with and that died before we blocked SIGCHLD. */
	reap();
	/* From here on nothing may end PID 1 but its own decision to. */
	serve();
}
