/*
 * scope: see scope.h.
 */
#include "scope.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "exit.h"
#include "out.h"
#include "proc.h"
#include "program.h"

/* Milliseconds between SIGTERM and SIGKILL for what the command has left behind. */
enum { GRACE = 2000 };
/* Milliseconds between two looks for what is to be killed, at first and at most. */
enum { KILL_INTERVAL = 10, KILL_INTERVAL_MAX = 200 };
/* As many are looked at. */
enum { PROCESSES = 65536 };

/* What to do with the processes that the command leaves behind. */
enum phase { RUNNING, ENDING, KILLING };

/* The state of the guard. */
static struct {
	enum phase phase;
	bool has_terminal; /* the session, and with it the command */
	pid_t group;       /* the leader's */
	pid_t command;     /* 0: it has ended */
	int status;        /* as of wait(2), once it has */
	int signals;       /* of signalfd(2), non-blocking */
	int leader;        /* a pipe that ends when the leader does */
	long long kill_at;
	int interval; /* until the next look for what is to be killed */
} guard = {.interval = KILL_INTERVAL};

/* The processes that /proc shows. */
static struct {
	pid_t pid, parent;
	bool below; /* descends from this process */
} processes[PROCESSES];
static size_t process_count, child_count; /* our children come first */

static void add_process(pid_t pid, pid_t parent)
{
	for (size_t i = 0; i < child_count; i++)
		if (processes[i].pid == pid)
			return;
	if (process_count == PROCESSES)
		return;
	processes[process_count].pid = pid;
	processes[process_count].parent = parent;
	processes[process_count++].below = false;
}

/* Our children, also those that /proc does not show to us (hidepid in proc(5)). */
static void read_children(int proc)
{
	char path[64], text[4096], *next = text;
	unsigned long long pid;

	out_format(path, sizeof path, "self/task/%d/children", (int)getpid());
	file_read(proc, path, text, sizeof text);
	while (!number_parse_until(next, ' ', 1U << 30, &pid)) {
		add_process((pid_t)pid, getpid());
		next += strcspn(next, " ");
		next += *next != 0;
	}
}

static void read_process(int proc, const char *name)
{
	char text[512];
	unsigned long long pid;

	if (number_parse(name, 1U << 30, &pid))
		return;
	file_read(proc, proc_path((int)pid, "stat"), text, sizeof text);
	add_process((pid_t)pid, proc_parent(text));
}

static void read_processes(void)
{
	int proc = proc_open();

	process_count = child_count = 0;
	read_children(proc);
	child_count = process_count;
	proc_each(proc, read_process);
}

static bool is_below(pid_t pid)
{
	if (pid == getpid())
		return true;
	for (size_t i = 0; i < process_count; i++)
		if (processes[i].pid == pid)
			return processes[i].below;
	return false;
}

/*
 * Sends a signal to all descendants that /proc shows. Those born meanwhile may be missed: once
 * their parents are killed they are our children, and found the next time.
 */
static void signal_descendants(int signal)
{
	bool more = true;

	read_processes();
	while (more) {
		more = false;
		for (size_t i = 0; i < process_count; i++)
			if (!processes[i].below && is_below(processes[i].parent))
				processes[i].below = more = true;
	}
	for (size_t i = 0; i < process_count; i++)
		if (processes[i].below)
			kill(processes[i].pid, signal);
}

/* Reaps. Returns whether there are children left. */
static bool reap(void)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == guard.command) {
			guard.command = 0;
			guard.status = status;
		}
	return !pid;
}

/*
 * Passes on to the command what the leader has received. In the leader's process group it has had
 * the signal already, unless it is still on its way to a session of its own.
 */
static void forward(void)
{
	struct signalfd_siginfo info;

	while (read(guard.signals, &info, sizeof info) == sizeof info) {
		pid_t group = guard.command ? getpgid(guard.command) : -1;

		if (info.ssi_signo == SIGCHLD || group < 0)
			continue;
		if (group != guard.group)
			kill(-group, (int)info.ssi_signo);
		else if (guard.has_terminal)
			kill(guard.command, (int)info.ssi_signo);
	}
}

/* Waits for a signal, for the leader's end, or until it is time to kill. */
static void await(void)
{
	struct pollfd ready[] = {{.fd = guard.signals, .events = POLLIN}, {.fd = guard.leader}};
	long long left = -1;

	if (guard.phase == ENDING && (left = guard.kill_at - sys_now()) < 0)
		left = 0;
	/* Each death wakes us; what was born meanwhile, whose birth does not, is looked for. */
	if (guard.phase == KILLING) {
		left = guard.interval;
		guard.interval += guard.interval < KILL_INTERVAL_MAX;
	}
	poll(ready, 2, (int)left);
	/* Who killed the leader, or init when its session has had its time, waits no longer. */
	if (ready[1].revents) {
		guard.leader = -1;
		guard.phase = KILLING;
	}
}

/* The guard's loop, until the command and all that it has left behind are gone. */
static void supervise(void)
{
	while (reap()) {
		if (guard.phase == RUNNING && !guard.command) {
			guard.phase = ENDING;
			guard.kill_at = sys_now() + GRACE;
			signal_descendants(SIGTERM);
			signal_descendants(SIGCONT);
		}
		if (guard.phase == ENDING && sys_now() >= guard.kill_at)
			guard.phase = KILLING;
		if (guard.phase == KILLING)
			signal_descendants(SIGKILL);
		await();
		forward();
	}
}

/*
 * In the child that becomes the command. On a terminal it leads a session of its own, as it would
 * without us. Otherwise it is in the leader's process group, to which init sends the session's
 * signals: STOP could not be passed on.
 */
_Noreturn static void execute(char **command)
{
	/* Where init looks for a command without PATH, which the command does not get. */
	const char *path = getenv("PATH");
	sigset_t none;

	if (guard.has_terminal) {
		setsid();
		sys_ioctl(0, TIOCSCTTY, NULL);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	program_execute(command, environ, path ? path : PROGRAM_PATH);
	die_errno(exit_code_of_exec(errno), "run ", *command);
}

_Noreturn static void be_guard(char **command)
{
	guard.command = sys_fork(0);
	if (guard.command < 0)
		fail_cannot("fork for ", *command);
	if (!guard.command)
		execute(command);
	/* What is sent to the session's process group is not for the guard. */
	setsid();
	file_close_range(0, 2, FILE_CLOSE_NOW);
	supervise();
	exit_like(guard.status);
}

/*
 * Gives the terminal up, so that the command can become the leader of a session of its own on
 * it. The kernel sends HUP and CONT to the foreground process group, which is this process.
 */
static void release_terminal(void)
{
	const struct timespec now = {0, 0};
	sigset_t sent;

	if (sys_ioctl(0, TIOCNOTTY, NULL))
		fail_cannot("release the terminal", NULL);
	sigemptyset(&sent);
	sigaddset(&sent, SIGHUP);
	sigaddset(&sent, SIGCONT);
	while (sigtimedwait(&sent, NULL, &now) > 0)
		;
}

/* The command does not get the variable that has us called. */
static void remove_variable(void)
{
	char **to = environ;

	for (char **from = environ; *from; from++)
		if (!text_after(*from, SCOPE_VARIABLE "="))
			*to++ = *from;
	*to = NULL;
}

void scope_run(char **command)
{
	int ends[2], status = 0;
	pid_t session = 0, child;
	int proc;
	siginfo_t info;
	sigset_t all;

	remove_variable();
	proc = proc_open();
	if (proc < 0)
		fail_note("cannot supervise ", *command, ": /proc does not show its processes");
	close(proc);
	sys_prctl(PR_SET_NAME, (unsigned long)"initctl-scope");
	/* Others of the same user do not trace it, and it leaves no core dump. */
	sys_prctl(PR_SET_DUMPABLE, 0);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	guard.group = getpgrp();
	guard.has_terminal = !sys_ioctl(0, TIOCGSID, &session) && session == getpid();
	if (guard.has_terminal)
		release_terminal();
	guard.signals = sys_signalfd(&all);
	if (guard.signals < 0 || sys_pipe(ends))
		fail_cannot("supervise ", *command);
	child = sys_fork(0);
	if (child < 0)
		fail_cannot("fork for ", *command);
	/* Both are, since what a guard that is killed leaves behind comes to the leader. */
	sys_prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!child) {
		/* A guard that was stopped is to see the leader's end. */
		sys_prctl(PR_SET_PDEATHSIG, SIGCONT);
		close(ends[1]);
		guard.leader = ends[0];
		be_guard(command);
	}
	close(ends[0]);
	file_close_range(0, 2, FILE_CLOSE_NOW);
	do {
		if (sigwaitinfo(&all, &info) > 0 && info.si_signo != SIGCHLD)
			kill(child, info.si_signo);
	} while (waitpid(child, &status, WNOHANG) != child);
	guard.phase = KILLING;
	guard.leader = -1;
	supervise();
	exit_like(status);
}
