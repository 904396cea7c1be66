/*
 * watchdog: see watchdog.h.
 */
#include "watchdog.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "handler.h"
#include "out.h"
#include "terminal.h"

/* After how long the watching process looks again, where a call is watched, and where none is. */
static const struct timespec busy = {.tv_nsec = 100000000}, idle = {.tv_sec = 1};

/* Milliseconds: more than a look waits. */
enum { STOPPED = 1500 };

static long long timeout = 10000;

/* What the worker shares with the process that watches it; NULL: there is none. */
static struct {
	_Atomic long long deadline; /* as sys_now(), or 0: nothing is watched */
	char call[256];             /* what has to be complete by then */
} * shared;

void watchdog_set(long long milliseconds)
{
	timeout = milliseconds;
}

long long watchdog_timeout(void)
{
	return timeout;
}

void watchdog_fail(const char *action, const char *object)
{
	char time[48];

	/* The other screen would take the message along. */
	terminal_restore();
	if (timeout % 1000)
		out_format(time, sizeof time, ": no answer within %lld ms", timeout);
	else
		out_format(time, sizeof time, ": no answer within %lld s", timeout / 1000);
	warn("cannot ", action, object, time);
	_exit(EXIT_INITCTL);
}

/* Ends as the worker did, or stops as long as it is stopped. */
static void follow(pid_t worker)
{
	int status;

	if (waitpid(worker, &status, WNOHANG | WUNTRACED) != worker)
		return;
	if (!WIFSTOPPED(status))
		exit_like(status);
	kill(getpid(), SIGSTOP);
	kill(worker, SIGCONT);
}

/*
 * The process that watches. Signals of the terminal reach the worker without it; those that
 * somebody sent to this process are passed on.
 */
_Noreturn static void watch(pid_t worker, const sigset_t *all)
{
	siginfo_t info;
	bool is_busy = true;
	long long now = sys_now(), before, patience = 0;

	file_close_range(0, 1, FILE_CLOSE_NOW);
	file_close_range(3, ~0U, FILE_CLOSE_NOW);
	for (;;) {
		const int signal = sigtimedwait(all, &info, is_busy ? &busy : &idle);
		const long long deadline = shared->deadline;

		is_busy = deadline;
		if (signal == SIGCHLD)
			follow(worker);
		else if (signal > 0 && info.si_code <= 0)
			kill(worker, signal);
		before = now;
		now = sys_now();
		/* After a stop, as by ctrl-z, the worker first gets a second to go on. */
		if (now - before > STOPPED)
			patience = now + 1000;
		if (deadline && now >= deadline && now >= patience) {
			kill(worker, SIGKILL);
			watchdog_fail("", shared->call);
		}
	}
}

/*
 * From here on this program is two processes. The one that was started watches, since it is the one
 * whose exit code counts; the other is the worker, and dies with it.
 */
static void start(void)
{
	const pid_t parent = getpid();
	sigset_t all, old;
	pid_t worker;

	shared = mmap(
		NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail_cannot("get memory", NULL);
	/* Where it is ignored, the end of the worker is not told. */
	handler_set(SIGCHLD, SIG_DFL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	worker = sys_fork(0);
	if (worker < 0)
		fail_cannot("start a process", NULL);
	if (worker)
		watch(worker, &all);
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_INITCTL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

void watchdog_begin(const char *action, const char *object)
{
	if (!timeout)
		return;
	if (!shared)
		start();
	/* No deadline in between, so that none is reported with the text of another call. */
	shared->deadline = 0;
	out_format(shared->call, sizeof shared->call, "%s%s", action, object);
	shared->deadline = sys_now() + timeout;
}

void watchdog_end(void)
{
	if (shared)
		shared->deadline = 0;
}
