/*
 * watchdog: see watchdog.h.
 */
#include "watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "out.h"
#include "units.h"

/* How often the thread looks, at least, in milliseconds. */
enum { INTERVAL = 100 };

static long long timeout = 10000;
static bool started;

/* When the call must be complete, as sys_now(), or 0; and what it is. */
static _Atomic long long deadline;
static const char *_Atomic action_now, *_Atomic object_now;

void watchdog_set(long long milliseconds)
{
	timeout = milliseconds;
}

long long watchdog_timeout(void)
{
	return timeout;
}

static void warn_late(const char *action, const char *object)
{
	char time[UNITS_SIZE + 16];

	if (timeout % 1000)
		out_format(time, sizeof time, "%lld ms", timeout);
	else
		out_format(time, sizeof time, "%lld s", timeout / 1000);
	warn("cannot ", action, object, ": no answer within ", time);
}

_Noreturn void watchdog_fail(const char *action, const char *object)
{
	warn_late(action, object);
	_exit(EXIT_INITCTL);
}

static void *watch(void *nothing)
{
	for (;;) {
		const long long at = deadline;
		if (at && sys_now() >= at)
			watchdog_fail(action_now, object_now);
		usleep(INTERVAL * 1000);
	}
	return nothing;
}

static void start(void)
{
	pthread_t thread;
	sigset_t all, old;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, NULL, watch, NULL))
		fail_cannot("start a thread", NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	started = true;
}

void watchdog_begin(const char *action, const char *object)
{
	if (!timeout)
		return;
	if (!started)
		start();
	/* No deadline in between, so that none is reported with the strings of another call. */
	deadline = 0;
	action_now = action;
	object_now = object;
	deadline = sys_now() + timeout;
}

void watchdog_end(void)
{
	deadline = 0;
}
