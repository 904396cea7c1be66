/*
 * tunnel: see tunnel.h.
 */
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "handler.h"
#include "pair.h"
#include "splicer.h"

enum {
	EVENTS = 64,       /* taken from the kernel at once */
	ACCEPTS = 64,      /* connections taken from one listener before others have their turn */
	RETRY = 100,       /* milliseconds until connections are accepted again after an error */
	LAST_BYTES = 1000, /* milliseconds without an event that end it after the container's end */
	LAST_TIME = 5000,  /* milliseconds that this may take at all */
};

/* What an event is of: the number in the upper half. The lower half is an index. */
enum { FROM_INIT, FROM_LISTENER, FROM_PAIR };

static struct {
	int epoll, connection; /* -1: the container has ended */
	struct tunnel_listener *listeners;
	unsigned listener_count;
	unsigned most;     /* connections at once */
	bool full, warned; /* no more connections are accepted for now; it was said */
	long long retry;   /* when they are again, after an error; or 0 */
} state;

static uint64_t key_of(unsigned kind, size_t index)
{
	return (uint64_t)kind << 32 | index;
}

/* ---- listeners */

/* Watches the listeners, or leaves their connections waiting in the kernel. */
static void watch_listeners(bool watch)
{
	for (unsigned i = 0; i < state.listener_count; i++) {
		struct tunnel_listener *listener = &state.listeners[i];
		struct epoll_event event = {
			.events = EPOLLIN, .data.u64 = key_of(FROM_LISTENER, i)};
		listener->ready = false;
		if (watch != listener->watched)
			sys_epoll_ctl(state.epoll, watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL,
				listener->fd, &event);
		listener->watched = watch;
	}
}

/* No connection is accepted until one ends or, after an error, some time has passed. */
static void pause_accepting(const char *reason, long long time)
{
	if (!state.warned)
		log_note(LOG_WARN, "cannot accept more connections for now: ", reason);
	state.warned = true;
	state.full = true;
	state.retry = time ? sys_now() + time : 0;
	watch_listeners(false);
}

static void resume_accepting(void)
{
	if (!state.full || pair_count() >= state.most || state.connection < 0)
		return;
	if (state.retry && sys_now() < state.retry)
		return;
	state.full = false;
	watch_listeners(true);
}

static bool accept_one(struct tunnel_listener *listener)
{
	int fd;

	if (pair_count() >= state.most) {
		pause_accepting("as many as there are descriptors for are open", 0);
		return false;
	}
	fd = sys_accept(listener->fd);
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(error_text(errno), RETRY);
		/* Any other error is that of a connection that has ended meanwhile. */
		return false;
	}
	pair_begin(listener->target, fd);
	return true;
}

static void accept_all(void)
{
	for (unsigned i = 0; i < state.listener_count; i++) {
		struct tunnel_listener *listener = &state.listeners[i];
		for (int n = 0; listener->ready && n < ACCEPTS; n++)
			if (!accept_one(listener))
				break;
		listener->ready = false;
	}
}

/* ---- the loop */

/*
 * Raises the limit of descriptors. Half of those that are left are for connections, two each, and
 * half for pipes.
 */
static void set_limits(void)
{
	struct sys_limit limit;
	int lowest = sys_fcntl(state.epoll, F_DUPFD_CLOEXEC, 0);
	unsigned long long left;

	close(lowest);
	sys_limit(RLIMIT_NOFILE, NULL, &limit);
	limit.now = limit.most;
	sys_limit(RLIMIT_NOFILE, &limit, NULL);
	left = (limit.most - (unsigned)lowest) / 4;
	state.most = left > PAIRS ? PAIRS : left ? (unsigned)left : 1;
	splicer_setup(state.epoll, state.most);
}

/* Milliseconds until there is something to do without an event, or -1. */
static int timeout(void)
{
	long long now = sys_now(), until = pair_expiry();

	if (state.connection < 0)
		return LAST_BYTES;
	if (state.full && state.retry && (until < 0 || state.retry < until))
		until = state.retry;
	return until < 0 ? -1 : until > now ? (int)(until - now) : 0;
}

/* Waits for events and acts on them. Returns false if there was none. */
static bool step(void)
{
	struct epoll_event events[EVENTS];
	int count = sys_epoll_wait(state.epoll, events, EVENTS, timeout());
	bool answered = false;

	/*
	 * A pair that ends is not used again before all events have been seen: the rest may have
	 * some for what it was.
	 */
	for (int i = 0; i < count; i++) {
		unsigned index = (unsigned)events[i].data.u64;
		switch (events[i].data.u64 >> 32) {
		case FROM_INIT:
			answered = true;
			break;
		case FROM_LISTENER:
			state.listeners[index].ready = true;
			break;
		default:
			pair_event(index, events[i].events);
		}
	}
	if (answered && !pair_take_reply()) {
		close(state.connection);
		state.connection = -1;
	}
	resume_accepting();
	accept_all();
	pair_expire();
	if (state.connection >= 0)
		pair_ask();
	return count > 0;
}

int tunnel_run(int connection, struct tunnel_listener *listeners, unsigned count)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = key_of(FROM_INIT, 0)};
	long long end;

	handler_set(SIGPIPE, SIG_IGN);
	state.listeners = listeners;
	state.listener_count = count;
	state.connection = connection;
	pair_setup(connection, key_of(FROM_PAIR, 0));
	state.epoll = sys_epoll();
	sys_fcntl(connection, F_SETFL, O_RDWR | O_NONBLOCK);
	if (state.epoll < 0 || sys_epoll_ctl(state.epoll, EPOLL_CTL_ADD, connection, &event))
		fail_cannot("wait for connections", NULL);
	set_limits();
	watch_listeners(true);
	while (state.connection >= 0)
		step();
	/* The container is gone. What its servers have sent last may still be on its way. */
	watch_listeners(false);
	end = sys_now() + LAST_TIME;
	while (pair_count() && sys_now() < end && step())
		;
	log_note(LOG_WARN, "cannot forward any more: the container ended", NULL);
	return EXIT_CONTAINER_ENDED;
}
