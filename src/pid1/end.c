#include "end.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "command.h"
#include "container/cgroup.h"
#include "container/janitor.h"
#include "container/namespaces.h"
#include "process/descendants.h"
#include "process/notify.h"
#include "process/reap.h"
#include "process/signals.h"

enum {
	/* For how long init waits for killed processes to be gone; all in milliseconds. */
	KILL_WAIT = 1000,
	/* How often init looks for processes that are not its children. */
	LOOK_ENDING = 10,
	LOOK_LINGERING = 250,
	/* From an operator's stop to KILL for the command, unless another time is given. */
	STOP_WAIT = 10000,
};

enum state {
	RUNNING,   /* the command runs */
	PAUSED,    /* --pause: there is no command */
	LINGERING, /* --wait-all: the command has ended, other processes have not */
	ENDING,    /* all other processes were sent TERM; until the deadline they may end */
	KILLED,    /* they were sent KILL; after the deadline init no longer waits for them */
};

static struct {
	const struct options *options;
	struct server_view *view;
	enum state state;
	int code;            /* to exit with */
	int killed_by;       /* signal to die of, where the code does not tell all, or 0 */
	unsigned stops;      /* TERM, INT, QUIT and requests to stop so far */
	bool childless;      /* init has no child left */
	long long requested; /* the shortest grace period of the requests, or NOT_SAID */
	/* In RUNNING: when the command gets KILL. Else see the states. */
	long long deadline;
} self;

static bool is_stop(int signal)
{
	return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
}

static long long from_now(long long duration)
{
	return after(sys_now(), duration);
}

static void set_state(enum state state, long long duration)
{
	/* By enum state. */
	static const char *const names = "running\0running\0lingering\0ending\0killed\0";

	self.state = state;
	self.deadline = from_now(duration);
	self.view->state = text_name(names, state);
	self.view->stopping = state >= ENDING;
	server_state_changed();
}

void end_setup(const struct options *options, struct server_view *view)
{
	self.options = options;
	self.view = view;
	self.requested = NOT_SAID;
	view->grace = options->grace;
	set_state(options->pause ? PAUSED : RUNNING, FOREVER);
}

void end_clean_up(void)
{
	const int socket_error = server_remove_socket() ? errno : 0;

	namespaces_abandon();
	/* The janitor removes both from outside, where we may not, and reports what it cannot. */
	if (janitor_end())
		return;
	errno = socket_error;
	if (socket_error)
		warn_cannot("remove control socket ", server_path());
	if (cgroup_remove(true))
		warn_cannot("remove cgroup ", cgroup_path());
}

_Noreturn static void finish(void)
{
	command_return_terminal();
	end_clean_up();
	if (self.options->expected[self.code])
		_exit(0);
	/* A shell looks at how a process ends, not only at the code: see command_ended(). */
	if (self.killed_by)
		signals_undergo(getpid(), self.killed_by);
	_exit(self.code);
}

/* KILL for all others. The exit of PID 1 does that too, and waits until they are gone. */
static void kill_others(void)
{
	descendants_signal(self.view->proc, SIGKILL);
	if (getpid() == 1)
		finish();
	if (self.state != KILLED)
		set_state(KILLED, KILL_WAIT);
}

static void begin(void)
{
	const int term = self.options->rewrite.to[SIGTERM];

	server_hang_up();
	if (self.options->at_once) {
		if (self.options->persona->terminates_group && term)
			command_forward(term, NULL);
		finish();
	}
	set_state(ENDING, self.view->grace);
	/* PID 1 learns here that nobody is left. Elsewhere it would take another walk of /proc. */
	if (!descendants_signal(self.view->proc, SIGTERM))
		finish();
	/* A stopped process would not act on it. */
	descendants_signal(self.view->proc, SIGCONT);
}

static void shorten(long long duration)
{
	self.deadline = sooner(self.deadline, from_now(duration));
}

/* Another request may make the time shorter, but not longer. */
static void limit_command_as_requested(void)
{
	long long limit = self.requested;

	if (limit == NOT_SAID)
		limit = self.options->kill_after;
	if (limit == FOREVER)
		limit = STOP_WAIT;
	shorten(limit);
}

/* A stop of those who wait for nobody but others than the command. Returns whether it was one. */
static bool begin_if_waiting(void)
{
	if (self.state != PAUSED && self.state != LINGERING)
		return false;
	begin();
	return true;
}

void end_on_command_ended(int status)
{
	int signal = WTERMSIG(status); /* 0 where it exited by itself */

	self.code = reap_code(status);
	notify_exited(status);
	self.killed_by = command_ended(status, self.stops);
	if (!self.stops && is_stop(signal))
		self.stops = 1;
	self.view->ended = true;
	self.view->status = status;
	server_main_ended();
	/* A command that was told to stop leaves nothing to wait for. */
	if (self.options->wait_all && !self.stops)
		set_state(LINGERING, FOREVER);
	else
		begin();
}

bool end_on_signal(int signal)
{
	const bool runs = self.state == RUNNING;

	if (!is_stop(signal))
		return true;
	self.stops++;
	if (runs && self.stops == 1)
		shorten(self.options->kill_after);
	else if (!runs && !begin_if_waiting() && self.stops > 1)
		kill_others();
	return runs;
}

bool end_on_request(long long grace)
{
	const bool runs = self.state == RUNNING;

	self.stops++;
	self.requested = grace;
	if (self.requested != NOT_SAID)
		self.view->grace = self.requested;
	if (runs)
		limit_command_as_requested();
	else if (!begin_if_waiting() && self.requested != NOT_SAID)
		shorten(self.requested);
	return runs;
}

bool end_has_begun(void)
{
	return self.state >= LINGERING;
}

bool end_is_timed(void)
{
	return self.deadline != NEVER;
}

int end_timeout(long long other)
{
	const long long hour = 3600000, until = sooner(other, self.deadline);
	long long longest = hour, now;

	if (self.childless || self.state == KILLED)
		longest = self.state == LINGERING ? LOOK_LINGERING : LOOK_ENDING;
	else if (until == NEVER)
		/* The usual case, for which the clock need not be read. */
		return -1;
	now = sys_now();
	return until < now ? 0 : (int)sooner(until - now, longest);
}

void end_on_time(long long now)
{
	if (now < self.deadline) {
		/* Of those that were killed some may have forked meanwhile. */
		if (self.state == KILLED)
			kill_others();
		return;
	}
	if (self.state == RUNNING) {
		self.deadline = NEVER;
		log_note(LOG_WARN, "command did not end in time; killing it", NULL);
		command_kill();
		return;
	}
	if (self.state == KILLED)
		finish();
	log_note(LOG_WARN, "grace period expired; killing remaining processes", NULL);
	kill_others();
}

void end_on_reaped(bool childless)
{
	self.childless = childless;
	if (childless && !descendants_left())
		finish();
}
