#include "end.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "command.h"
#include "container/cgroup.h"
#include "container/janitor.h"
#include "container/namespaces.h"
#include "process/descendants.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/signals.h"

enum {
	/* How long a KILL may take to show, where we have to wait for that. */
	KILL_WAIT = 1000,
	/* How often to look for those whose death nobody tells us. */
	LOOK_ENDING = 10,
	LOOK_LINGERING = 250,
	/* What a command has to end in when an operator stops it, unless told otherwise. */
	STOP_WAIT = 10000,
};

enum state {
	RUNNING,   /* the command runs, or --pause */
	LINGERING, /* --wait-all: the command is gone, others are not */
	ENDING,    /* TERM was sent to all others */
	KILLED,    /* KILL was */
};

static struct {
	struct options *options;
	struct server_view *view;
	enum state state;
	int code;       /* to exit with */
	int killed_by;  /* signal to end with, where code alone does not tell all, or 0 */
	unsigned stops; /* TERM, INT and QUIT that we had so far */
	bool childless;
	long long kill_at, end_at; /* of the command; of the grace, or of looking for the killed */
} self;

static long long after(long long delay)
{
	return delay == FOREVER ? FOREVER : sys_now() + delay;
}

static long long sooner(long long a, long long b)
{
	return a == FOREVER || (b != FOREVER && b < a) ? b : a;
}

static bool is_stop(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
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
	self.view->state = names[state];
	self.view->stopping = state >= ENDING;
}

void end_setup(struct options *options, struct server_view *view)
{
	self.options = options;
	self.view = view;
	self.kill_at = self.end_at = FOREVER;
	set_state(RUNNING);
}

void end_clean_up(void)
{
	const int socket_error = server_close() ? errno : 0;

	namespaces_abandon();
	/* The janitor removes both from outside, where we may not, and reports what it cannot. */
	if (janitor_end())
		return;
	errno = socket_error;
	if (socket_error)
		warn_errno("remove control socket ", server_path());
	if (cgroup_remove(true))
		warn_errno("remove cgroup ", cgroup_path());
}

_Noreturn static void finish(void)
{
	command_let_go();
	end_clean_up();
	if (self.options->expected[self.code])
		_exit(0);
	/* A shell looks at how we end, not at the code alone: see command_ended(). */
	if (self.killed_by)
		signals_undergo(getpid(), self.killed_by);
	_exit(self.code);
}

/* KILL for everyone. As PID 1 our exit does the rest, and waits for it. */
static void kill_others(void)
{
	descendants_signal(self.view->proc, SIGKILL);
	if (getpid() == 1)
		finish();
	if (self.state != KILLED)
		self.end_at = after(KILL_WAIT);
	set_state(KILLED);
}

static void begin(void)
{
	server_hang_up();
	if (self.options->at_once) {
		if (self.options->persona->parting)
			command_part();
		finish();
	}
	self.kill_at = FOREVER;
	self.end_at = after(self.options->grace);
	set_state(ENDING);
	/* As PID 1 that tells all; to ask once more is to go through the host's processes. */
	if (!descendants_signal(self.view->proc, SIGTERM))
		finish();
	/* A stopped process would not act on it. */
	descendants_signal(self.view->proc, SIGCONT);
}

void end_command_ended(int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	self.code = reap_code(status);
	notify_exited(status);
	self.killed_by = command_ended(status, self.stops);
	if (!self.stops && is_stop(signal))
		self.stops = 1;
	self.view->ended = true;
	self.view->status = status;
	server_main_ended();
	/* Whoever was told to stop has nothing to linger for. */
	if (self.options->wait_all && !self.stops)
		set_state(LINGERING);
	else
		begin();
}

bool end_asked(int signal)
{
	if (!is_stop(signal))
		return true;
	self.stops++;
	switch (self.state) {
	case RUNNING:
		if (self.options->pause)
			begin();
		else if (self.stops == 1)
			self.kill_at = after(self.options->kill_after);
		return true;
	case LINGERING:
		begin();
		return false;
	default:
		if (self.stops > 1)
			kill_others();
		return false;
	}
}

bool end_wanted(long long grace)
{
	const long long kill_after = self.options->kill_after;

	self.stops++;
	if (grace != FOREVER)
		self.options->grace = grace;
	/* A later wish may make it shorter, not longer. */
	if (self.state >= ENDING) {
		self.end_at = sooner(self.end_at, after(grace));
		return false;
	}
	if (!command_process()->pid) {
		begin();
		return false;
	}
	if (grace == FOREVER)
		grace = kill_after == FOREVER ? STOP_WAIT : kill_after;
	self.kill_at = sooner(self.kill_at, after(grace));
	return true;
}

bool end_began(void)
{
	return self.state != RUNNING;
}

bool end_is_timed(void)
{
	return self.kill_at != FOREVER || end_began();
}

int end_sleep(long long also)
{
	const long long hour = 3600000;
	long long now = sys_now(), until = sooner(also, sooner(self.kill_at, self.end_at));

	if (self.state == KILLED || (self.state == ENDING && self.childless))
		until = sooner(until, now + LOOK_ENDING);
	else if (self.state == LINGERING && self.childless)
		until = sooner(until, now + LOOK_LINGERING);
	if (until == FOREVER)
		return FOREVER;
	return until < now ? 0 : (int)sooner(until - now, hour);
}

void end_act(long long now)
{
	if (self.kill_at != FOREVER && now >= self.kill_at) {
		self.kill_at = FOREVER;
		if (command_process()->pid) {
			warn("command outlived its time, sending SIGKILL");
			command_kill();
		}
	}
	if (self.state == KILLED) {
		if (now >= self.end_at)
			finish();
		kill_others();
	} else if (self.end_at != FOREVER && now >= self.end_at) {
		warn("grace is over, sending SIGKILL to the rest");
		kill_others();
	}
}

void end_check(bool childless)
{
	self.childless = childless;
	if (childless && !descendants_left())
		finish();
}
