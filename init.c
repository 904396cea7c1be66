/*
 * init: PID 1 of a container.
 *
 * Starts one command, forwards signals to its process group, reaps orphaned processes, and
 * when the command ends, ends all other processes and exits with the command's code. main(),
 * at the end, lists the phases in their order; src/README.md explains them.
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

#include "base/duration.h"
#include "base/environment.h"
#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/sys.h"
#include "channel/exports.h"
#include "channel/server.h"
#include "container/cgroup.h"
#include "container/janitor.h"
#include "container/mounts.h"
#include "container/namespaces.h"
#include "container/outer.h"
#include "container/sysctl.h"
#include "pid1/command.h"
#include "pid1/end.h"
#include "pid1/options.h"
#include "process/activation.h"
#include "process/descendants.h"
#include "process/fds.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/seccomp.h"
#include "process/signals.h"
#include "process/tty.h"

/* Signals read at a time. */
enum { BATCH = 8 };

/* Descriptors that init keeps, at most, but for those of the command. */
enum { KEPT = 4 + CGROUP_KEEPS + NOTIFY_KEEPS + SERVER_KEEPS };

static struct {
	struct options options;
	int signals; /* signalfd */
	int own;     /* see fds_open_own() */
	bool has_channel;
	bool channel_failed; /* it was asked for, but could not be served */
	struct server_view view;
	long long expire_at; /* when the channel has something to do: a point in time */
} self;

/*
 * Every failure between the reading of the options and the loop comes here, whichever file it is
 * found in. What failed and why is printed already; the stage is the last that notify_stage()
 * was told.
 */
static void report_failed_start(int code, int error)
{
	notify_failed(code, error);
	end_clean_up();
}

/* What is told of a child that died. */
static void tell_death(const struct reaped *one)
{
	const int signal = WTERMSIG(one->status); /* 0 where it exited by itself */

	persona_tell(signal ? PERSONA_CHILD_KILLED : PERSONA_CHILD_EXITED, one->pid,
		signal ? signal : WEXITSTATUS(one->status), NULL);
}

/*
 * Reaps all children that died. Returns whether there is none left. The command's death comes last,
 * since by it init may exit, and those that died with it would not be told.
 */
static bool reap_children(void)
{
	const struct recipient *command = command_process();
	const bool stops = command_terminal()->mode == TTY_JOB;
	enum reap_result result;
	struct reaped one;
	bool ended = false;
	int status = 0;

	while ((result = reap_next(&one, stops)) == REAP_ONE) {
		const bool is_command = one.pid == command->pid;

		if (WIFSTOPPED(one.status)) {
			if (is_command)
				command_stopped(WSTOPSIG(one.status));
			continue;
		}
		self.view.reaped++;
		tell_death(&one);
		if (is_command) {
			ended = true;
			status = one.status;
		} else if (!server_child_died(one.pid, one.status) && self.options.warn_on_reap)
			persona_tell(PERSONA_REAPED, one.pid, 0, NULL);
	}
	if (ended)
		end_on_command_ended(status);
	return result == REAP_NOBODY_LEFT;
}

static void forward(int signal, const struct signalfd_siginfo *from)
{
	if (command_forward(signal, from)) {
		self.view.forwarded++;
		server_signal_forwarded(signal);
	}
}

/* What a terminal sends for job control. */
static bool is_job_control(int signal)
{
	return signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void take_signal(const struct signalfd_siginfo *from)
{
	const int came = (int)from->ssi_signo, signal = self.options.rewrite.to[came];

	const bool suspends = self.options.persona->session && is_job_control(came);
	const bool had = command_has_signal(from);

	/* Not of a PIPE that telling of a signal has caused. */
	if (!had || came == SIGCHLD)
		persona_tell(PERSONA_RECEIVED, 0, came, NULL);
	command_note_signal(from);
	if (signal && !had && !command_lend_terminal(from) && end_on_signal(came)) {
		if (!self.view.stopping)
			forward(signal, from);
		/* Without a command that stops, and init with it, Ctrl-Z is for init alone. */
		if (!command_process()->pid && is_job_control(signal) && !suspends)
			signals_undergo(getpid(), signal);
	}
	/* PID 1 it does not stop. */
	if (suspends)
		sys_kill(getpid(), SIGSTOP);
}

static void take_signals(void)
{
	struct signalfd_siginfo batch[BATCH];
	ssize_t length = sys_read(self.signals, batch, sizeof batch);
	bool died = false;

	for (int i = 0; length > 0 && i < (int)((size_t)length / sizeof *batch); i++) {
		died |= batch[i].ssi_signo == SIGCHLD;
		take_signal(&batch[i]);
	}
	if (died)
		reap_children();
}

/* An operator's request to stop: the command gets a TERM, rewritten as others are, and a CONT. */
static void take_request(void)
{
	const int term = self.options.rewrite.to[SIGTERM];
	long long grace;

	if (!server_take_stop(&grace) || !end_on_request(grace))
		return;
	if (term)
		forward(term, NULL);
	forward(SIGCONT, NULL);
}

static void act_on_time(void)
{
	const long long now = sys_now();

	self.expire_at = server_expire(now);
	end_on_time(now);
}

/* Waits for something to do. Returns whether there are signals to be read. */
static bool wait_for_event(void)
{
	struct pollfd ready = {.fd = self.signals, .events = POLLIN};

	if (self.has_channel)
		return server_wait(end_timeout(self.expire_at));
	return sys_poll(&ready, 1, end_timeout(self.expire_at)) > 0;
}

_Noreturn static void serve(void)
{
	/* Called here: main() lies on the pages that are given back. */
	section_forget_start();
	for (;;) {
		/* Asked each time: a session may have begun since the last death. */
		if (end_has_begun())
			end_on_reaped(reap_children());
		const bool timed = self.has_channel || end_is_timed();
		if (wait_for_event())
			take_signals();
		take_request();
		if (timed)
			act_on_time();
	}
}

/* --parent-death-signal, also for a parent that died before prctl(2) took effect. */
static void watch_parent(pid_t parent)
{
	struct pollfd channel = {.fd = self.options.control.fd};

	if (!self.options.parent_death)
		return;
	if (sys_prctl(PR_SET_PDEATHSIG, (unsigned long)self.options.parent_death))
		fail_cannot("set parent death signal", NULL);
	/*
	 * A parent outside of this PID namespace has the number 0, dead or alive. If it holds
	 * the other end of the channel, a hang-up there tells that it is dead.
	 */
	sys_poll(&channel, 1, 0);
	if (getppid() == parent && !(channel.revents & POLLHUP))
		return;
	/* PID 1 cannot send KILL to itself. */
	if (self.options.parent_death == SIGKILL)
		die(128 + SIGKILL, "parent died; exiting");
	/* A kill(2) of our own is not forwarded: see command_has_signal(). */
	syscall(SYS_tkill, getpid(), self.options.parent_death);
}

/* --env: for the command, and for those that operators run beside it. */
static void set_variables(void)
{
	const struct settings *variables = &self.options.variables;
	char **copy;

	if (!variables->count)
		return;
	copy = environment_copy(environ, variables->count);
	if (!copy)
		fail_cannot("copy environment", NULL);
	for (unsigned i = 0; i < variables->count; i++)
		environment_put(copy, (char *)variables->list[i]);
	environ = copy;
}

/* Opens what init was given for itself, before anything else can get those numbers. */
static void take_descriptors(void)
{
	const int filter = self.options.seccomp;
	char digits[NUMBER_SIZE];

	/* First, since the socket of NOTIFY_SOCKET must not become 0, 1 or 2. */
	fds_sanitise();
	notify_open(&self.options.notify);
	if (filter >= 0 && seccomp_read(filter))
		fail_cannot("read seccomp filter ", number_text(digits, filter));
	self.signals = signals_open();
	if (self.signals < 0)
		fail_cannot("open signalfd", NULL);
}

/* The control socket listens at once, so that it is not taken for stale: clients wait for the
 * greeting. */
static void bind_control_socket(void)
{
	struct server_setup *setup = &self.options.control;
	char digits[NUMBER_SIZE];
	int passed = activation_take(environ);

	notify_stage("control");
	if (passed >= 0 && setup->fd >= 0)
		fail_note(
			"cannot open control channel ", "init-control", ": --control-fd is given");
	if (passed >= 0)
		setup->fd = passed;
	self.has_channel = server_is_wanted(setup);
	if (self.has_channel && server_open(setup))
		fail_cannot("open control channel ",
			setup->path ? setup->path : number_text(digits, setup->fd));
}

/*
 * Makes on the host what has a path there, while paths still mean what the operator meant:
 * the cgroup and the control socket. If init makes a PID namespace, its outer process may be
 * killed, and a janitor then removes them.
 */
SECTION_START static void make_on_host(void)
{
	const struct cgroup_setup *cgroup = &self.options.cgroup;
	const char *path = self.options.control.path;

	if ((cgroup->path || path) && self.options.namespaces.flags & CLONE_NEWPID)
		janitor_start(path, cgroup);
	notify_stage("cgroup");
	cgroup_make(cgroup, janitor_descriptor());
	bind_control_socket();
}

/* Who is outside what init is in its user namespace: the owner of the cgroup, which it manages. */
static unsigned outside(const struct idmap *map, unsigned own)
{
	return map->count ? idmap_first(map)[1] : own;
}

static void delegate_cgroup(void)
{
	const struct namespaces *namespaces = &self.options.namespaces;
	char digits[NUMBER_SIZE];
	uid_t uid = outside(&namespaces->uids, geteuid());

	if (namespaces->flags & CLONE_NEWUSER && uid != geteuid() &&
		cgroup_delegate(uid, outside(&namespaces->gids, getegid())))
		fail_cannot("delegate cgroup to uid ", number_text(digits, uid));
}

/*
 * With a new PID namespace, returns in a child that is PID 1 there; the process that was
 * started stays outside and passes signals and the exit code on.
 */
SECTION_START static void enter_namespaces(pid_t parent)
{
	struct outer outer = {.signals = self.signals, .tty = *command_terminal()};
	struct namespaces *namespaces = &self.options.namespaces;

	notify_stage("mounts");
	mounts_open(&self.options.mounts, namespaces->flags & CLONE_NEWNS);
	notify_stage("namespaces");
	/* Asked before a command inside can have taken the terminal. */
	outer.tty.given = tty_ours(&outer.tty);
	outer.inner = namespaces_enter(namespaces, &outer.life);
	/* After a change of ids, which makes the kernel forget it; a child's parent is init. */
	notify_stage("parent");
	if (outer.inner || !(namespaces->flags & CLONE_NEWPID))
		watch_parent(parent);
	if (outer.inner) {
		sys_prctl(PR_SET_DUMPABLE, 0);
		outer_serve(&outer);
	}
	if (command_terminal()->mode != TTY_NONE)
		command_find_terminal(&self.options);
}

/* Namespaces, the cgroup and the mounts: from here on init is inside the container. */
static void make_container(pid_t parent)
{
	struct namespaces *namespaces = &self.options.namespaces;
	bool own_cgroups = false;

	if (self.options.cgroup.path) {
		/* A cgroup namespace's root is the cgroup of its maker: made in cgroup_enter. */
		own_cgroups = namespaces->flags & CLONE_NEWCGROUP;
		namespaces->flags &= ~(unsigned long)CLONE_NEWCGROUP;
		delegate_cgroup();
	}
	enter_namespaces(parent);
	notify_stage("namespaces");
	namespaces_furnish(namespaces);
	sysctl_set(&self.options.sysctls, namespaces->flags);
	notify_stage("cgroup");
	cgroup_enter(own_cgroups);
	notify_stage("mounts");
	mounts_build(&self.options.mounts, namespaces->flags & CLONE_NEWNS);
}

/* Opens what is needed or handed out later, while nothing inside can interfere. */
static void open_inside(void)
{
	self.view.proc = descendants_open();
	/* Who asked for messages is to get the last as well, when its reader may have gone. */
	self.own = self.options.warn_on_reap || log_enabled(LOG_INFO) ? -1 : fds_open_own();
	if (self.has_channel)
		exports_open();
	/* Not earlier: an ordinary user could not open his own /proc/self/ns any more (proc(5)). */
	sys_prctl(PR_SET_DUMPABLE, 0);
}

static void become_subreaper(void)
{
	if (getpid() != 1 && reap_adopt())
		warn_cannot("become subreaper", NULL);
}

/* Lists the descriptors that init keeps, but for those of the command. Returns how many. */
static unsigned list_kept(int list[static KEPT])
{
	unsigned count = 0;

	list[count++] = self.signals;
	list[count++] = self.view.proc;
	list[count++] = self.own;
	list[count++] = janitor_descriptor();
	count += cgroup_keep(list + count);
	count += notify_keep(list + count);
	if (self.has_channel)
		count += server_keep(list + count);
	return count;
}

static void start_command(void)
{
	int kept[KEPT];
	const unsigned count = list_kept(kept);

	notify_stage("terminal");
	command_release_terminal();
	if (self.options.command)
		command_start(&self.options, environ, kept, count);
	end_setup(&self.options, &self.view);
}

/* Greets who has connected, and serves. The command runs already, without a channel if need be. */
static void serve_channel(void)
{
	self.view.command = command_process();
	self.view.privileges = &self.options.privileges;
	self.view.started = sys_now();
	self.expire_at = NEVER;
	if (self.has_channel && server_start(&self.view, self.signals)) {
		warn_cannot("serve control channel", NULL);
		if (server_remove_socket())
			warn_cannot("remove control socket ", server_path());
		self.has_channel = false;
		self.channel_failed = true;
	}
}

/* Closes what only the start or the command needs, and leaves the current directory. */
static void release_descriptors(void)
{
	int keep[KEPT + COMMAND_KEEPS];
	unsigned count = list_kept(keep);

	count += command_keep(keep + count);
	fds_release(self.signals, self.own, keep, count);
}

int main(int argc, char **argv)
{
	const pid_t parent = getppid();

	(void)argc;
	signals_block();
	options_parse(&self.options, argv, environ);
	set_variables();
	log_at_exit(report_failed_start);
	notify_stage("start");
	take_descriptors();
	command_find_terminal(&self.options);
	make_on_host();
	make_container(parent);
	open_inside();
	become_subreaper();
	start_command();
	/* From here on nothing may end PID 1 but the end of the container. */
	serve_channel();
	release_descriptors();
	notify_started(command_process()->pid, !self.channel_failed);
	/* Children from before the exec of init may have died before SIGCHLD was blocked. */
	reap_children();
	serve();
}
