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
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "channel/exports.h"
#include "channel/server.h"
#include "container/cgroup.h"
#include "container/janitor.h"
#include "container/mounts.h"
#include "container/namespaces.h"
#include "container/outer.h"
#include "pid1/command.h"
#include "pid1/end.h"
#include "pid1/options.h"
#include "pid1/stack.h"
#include "process/activation.h"
#include "process/descendants.h"
#include "process/fds.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/signals.h"
#include "process/tty.h"

/* Signals taken at a time. */
enum { BATCH = 8 };

static struct {
	struct options options;
	int signals;
	bool controlled;
	bool unserved; /* though it was to be */
	struct server_view view;
	long long expire_at; /* a connection: monotonic, in milliseconds; FOREVER: none */
} self;

/* The start failed, whoever noticed. */
static void last_words(int code, int error)
{
	notify_failed(error, code);
	end_clean_up();
}

/* Returns whether no child is left. */
static bool reap(void)
{
	const struct recipient *command = command_process();
	const bool stops = command_terminal()->mode == TTY_JOB;
	char digits[NUMBER_SIZE];
	enum reap_result result;
	struct reaped one;

	while ((result = reap_next(&one, stops)) == REAP_ONE) {
		self.view.reaped += !WIFSTOPPED(one.status);
		if (one.pid == command->pid && WIFSTOPPED(one.status))
			command_stopped(WSTOPSIG(one.status));
		else if (WIFSTOPPED(one.status))
			continue;
		else if (one.pid == command->pid)
			end_command_ended(one.status);
		else if (!server_child_died(one.pid, one.status) && self.options.warn_on_reap)
			warn("reaped orphan ", number_text(digits, one.pid));
	}
	return result == REAP_NOBODY_LEFT;
}

static void forward(int signal, const struct signalfd_siginfo *from)
{
	self.view.forwarded += command_forward(signal, from);
}

static void take_signal(const struct signalfd_siginfo *from)
{
	const int came = (int)from->ssi_signo, signal = self.options.rewrite.to[came];

	if (command_had(from) || !signal || command_yields(from))
		return;
	if (!end_asked(came))
		return;
	if (!self.view.stopping)
		forward(signal, from);
	/* With no command to stop, and to stop with: Ctrl-Z is for us alone. */
	if (!command_process()->pid &&
		(signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU))
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

/* An operator's word, as a signal would be. */
static void obey(void)
{
	const struct server_wish wish = server_wish();
	const int term = self.options.rewrite.to[SIGTERM];

	if (!wish.stop || !end_wanted(wish.grace))
		return;
	if (term)
		forward(term, NULL);
	forward(SIGCONT, NULL);
}

static void act_on_time(void)
{
	const long long now = sys_now();

	self.expire_at = server_expire(now);
	end_act(now);
}

/* Waits for something to do. Returns whether signals are to be read. */
static bool await(bool timed)
{
	struct pollfd ready = {.fd = self.signals, .events = POLLIN};

	if (self.controlled)
		return server_wait(end_sleep(self.expire_at));
	/* With no time to keep, the read alone waits: one call fewer an event. */
	return !timed || poll(&ready, 1, end_sleep(self.expire_at)) > 0;
}

SYS_HOT _Noreturn static void serve(void)
{
	stack_start();
	for (;;) {
		/* Asked anew: since the last death a session may have begun. */
		if (end_began())
			end_check(reap());
		bool timed = self.controlled || end_is_timed();
		if (await(timed))
			take_signals();
		if (self.controlled)
			obey();
		if (timed)
			act_on_time();
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

/* A user namespace's root manages it, who may be somebody else outside. */
static void give_cgroup(void)
{
	const struct namespaces *namespaces = &self.options.namespaces;
	uid_t uid = idmap_of_root(&namespaces->uids, geteuid());

	if (namespaces->flags & CLONE_NEWUSER && uid != geteuid() &&
		cgroup_delegate(uid, idmap_of_root(&namespaces->gids, getegid())))
		log_fail("give cgroup away", "");
}

/*
 * From here to the end of main we may be the child of the process that was started,
 * which stays behind. What is made on the host has a janitor then.
 */
static void go_inside(pid_t parent)
{
	struct outer outer = {.signals = self.signals, .tty = *command_terminal()};
	struct namespaces *namespaces = &self.options.namespaces;
	bool own_cgroups = false;

	if (self.options.cgroup.path) {
		/* Its root is where we are when it is made. */
		own_cgroups = namespaces->flags & CLONE_NEWCGROUP;
		namespaces->flags &= ~(unsigned long)CLONE_NEWCGROUP;
		give_cgroup();
	}
	notify_stage("namespaces");
	/* Before a command inside may have taken it. */
	outer.tty.given = tty_ours(&outer.tty);
	outer.inner = namespaces_enter(namespaces, &outer.life);
	/* Now, since a change of ids makes the kernel forget it; a child has us for parent. */
	notify_stage("parent");
	if (outer.inner || !(namespaces->flags & CLONE_NEWPID))
		watch_parent(parent);
	if (outer.inner) {
		sys_prctl(PR_SET_DUMPABLE, 0);
		outer_serve(&outer);
	}
	command_find_terminal_again();
	notify_stage("namespaces");
	namespaces_furnish(namespaces);
	notify_stage("cgroup");
	cgroup_enter(own_cgroups);
	notify_stage("mounts");
	mounts_build(&self.options.mounts, namespaces->flags & CLONE_NEWNS);
}

/* The socket is bound while the path still means what the operator meant. */
static void open_control(void)
{
	struct server_setup *setup = &self.options.control;
	char digits[NUMBER_SIZE];
	int passed = activation_take(environ);

	if (setup->fd < 0)
		setup->fd = passed;
	notify_stage("control");
	self.controlled = server_wanted(setup);
	if (self.controlled && server_open(setup))
		log_fail("open control channel ",
			setup->path ? setup->path : number_text(digits, setup->fd));
}

/* Where the outer process may be killed, a janitor removes what is made on the host. */
static void make_outside(void)
{
	const struct cgroup_setup *cgroup = &self.options.cgroup;
	const char *path = self.options.control.path;

	if ((cgroup->path || path) && self.options.namespaces.flags & CLONE_NEWPID)
		janitor_start(path, cgroup);
	notify_stage("cgroup");
	cgroup_make(cgroup, janitor_descriptor());
	open_control();
}

static void serve_control(void)
{
	self.view.command = command_process();
	self.view.started = sys_now();
	self.view.grace = self.options.grace == FOREVER ? INT64_MAX / 2 : self.options.grace;
	if (self.controlled && server_start(&self.view, self.signals)) {
		warn_errno("serve control channel");
		self.controlled = false;
		self.unserved = true;
	}
}

/* What we held for the start only, and what was the command's, is let go. */
static void settle(void)
{
	int keep[3 + COMMAND_KEEPS + CGROUP_KEEPS + NOTIFY_KEEPS + SERVER_KEEPS];
	unsigned count = 0;

	keep[count++] = self.signals;
	keep[count++] = self.view.proc;
	keep[count++] = janitor_descriptor();
	count += command_keep(keep + count);
	count += cgroup_keep(keep + count);
	count += notify_keep(keep + count);
	if (self.controlled)
		count += server_keep(keep + count);
	fds_release_stdio(self.signals);
	fds_close_others(keep, count);
	if (chdir("/"))
		warn_errno("change directory to /");
	stack_stack();
}

SYS_START int main(int argc, char **argv)
{
	pid_t parent = getppid();

	(void)argc;
	signals_block();
	options_parse(&self.options, argv, environ);
	self.expire_at = FOREVER;
	log_before_death(last_words);
	notify_stage("start");
	notify_open(&self.options.notify);
	fds_sanitise();
	self.signals = signals_open();
	if (self.signals < 0)
		log_fail("open signalfd", "");
	command_find_terminal(&self.options);
	make_outside();
	go_inside(parent);
	self.view.proc = descendants_open();
	if (self.controlled)
		exports_open();
	/* An ordinary user could not open his own /proc/self/ns any more (proc(5)). */
	sys_prctl(PR_SET_DUMPABLE, 0);
	if (getpid() != 1 && reap_adopt())
		warn_errno("become subreaper");
	notify_stage("terminal");
	command_release_terminal();
	if (self.options.command)
		command_start(&self.options, environ);
	end_setup(&self.options, &self.view);
	serve_control();
	settle();
	notify_started(command_process()->pid, !self.unserved);
	/* Children that we were born with and that died before we blocked SIGCHLD. */
	reap();
	/* From here on nothing may end PID 1 but its own decision to. */
	serve();
}
