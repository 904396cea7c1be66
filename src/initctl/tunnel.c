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
#include "splicer.h"
#include "watchdog.h"

enum {
	PAIRS = 16384,    /* connections at once, at most */
	EVENTS = 64,      /* taken from the kernel at once */
	ACCEPTS = 64,     /* connections taken from one listener before others have their turn */
	RETRY = 100,      /* milliseconds until connections are accepted again after an error */
	LAST_BYTES = 200, /* milliseconds without an event that end it after the container's end */
	LAST_TIME = 1000, /* milliseconds that this may take at all */
};

/* What an event is of: the number in the upper half. The lower half is an index. */
enum { FROM_INIT, FROM_LISTENER, FROM_PAIR };

enum pair_state {
	FREE,
	WAITING,    /* for a socket; in the queue */
	CONNECTING, /* inside */
	JOINED
};

struct pair {
	struct splicer splicer; /* ends[0] is outside, ends[1] inside */
	const struct inet_host *target;
	enum pair_state state;
	unsigned address; /* which of the target's addresses is being tried */
	int error;        /* errno of the first that was tried in vain */
	long long since;  /* in the queue, as of sys_now() */
	struct pair *next;
};

static struct {
	int epoll, connection; /* -1: the container has ended */
	struct tunnel_listener *listeners;
	unsigned listener_count;
	unsigned open, most, used;  /* pairs: not free, at most, ever used */
	struct pair *free;          /* of those that were used */
	struct pair *first, **last; /* the queue */
	int asked;                  /* family of the socket that init has yet to pass, or 0 */
	bool full, warned;          /* no more connections are accepted for now; it was said */
	long long retry;            /* when they are again, after an error; or 0 */
} state;

static struct pair pairs[PAIRS];
static struct initctl_message reply;

static uint64_t key_of(unsigned kind, size_t index)
{
	return (uint64_t)kind << 32 | index;
}

/* ---- pairs */

static struct pair *new_pair(const struct tunnel_listener *listener, int fd)
{
	struct pair *pair = state.free;

	if (pair)
		state.free = pair->next;
	else
		pair = &pairs[state.used++];
	*pair = (struct pair){.target = listener->target};
	splicer_begin(&pair->splicer, key_of(FROM_PAIR, (size_t)(pair - pairs) * 2));
	pair->splicer.ends[0].fd = fd;
	state.open++;
	return pair;
}

static void enqueue(struct pair *pair)
{
	pair->state = WAITING;
	pair->since = sys_now();
	pair->next = NULL;
	*state.last = pair;
	state.last = &pair->next;
}

static void dequeue(struct pair *pair)
{
	struct pair **at = &state.first;

	while (*at != pair)
		at = &(*at)->next;
	*at = pair->next;
	if (state.last == &pair->next)
		state.last = at;
}

/* The sockets of the pair are closed. */
static void free_pair(struct pair *pair)
{
	if (pair->state == WAITING)
		dequeue(pair);
	pair->state = FREE;
	pair->next = state.free;
	state.free = pair;
	state.open--;
}

/* Gives a connection up: its peer outside sees a reset. */
static void give_up(struct pair *pair)
{
	splicer_close(&pair->splicer, true);
	free_pair(pair);
}

static void give_up_since(struct pair *pair, const char *action, const char *reason)
{
	char text[INET_TEXT];

	inet_text(&pair->target->addresses[0], text);
	warn("cannot ", action, text, ": ", reason);
	give_up(pair);
}

/* An address could not be reached: tries the next one. */
static void try_next(struct pair *pair, int error)
{
	struct splicer_end *inside = &pair->splicer.ends[1];

	if (!pair->error)
		pair->error = error;
	if (inside->fd >= 0)
		close(inside->fd);
	inside->fd = -1;
	inside->watched = false;
	if (++pair->address < pair->target->count)
		enqueue(pair);
	else
		give_up_since(pair, "connect to ", error_text(pair->error));
}

static void join(struct pair *pair)
{
	pair->state = JOINED;
	if (!splicer_move(&pair->splicer, 0, 0))
		free_pair(pair);
}

static const struct inet_address *address_of(const struct pair *pair)
{
	return &pair->target->addresses[pair->address];
}

/* Connects the first pair of the queue by a socket from init, or gives that up with an error. */
static void begin_connect(struct pair *pair, int fd)
{
	const struct inet_address *address = address_of(pair);

	dequeue(pair);
	pair->state = CONNECTING;
	pair->splicer.ends[1].fd = fd;
	if (fd < 0 || inet_prepare(fd, address))
		try_next(pair, errno);
	else if (!connect(fd, &address->any, inet_size(address)))
		join(pair);
	else if (errno != EINPROGRESS || splicer_watch(&pair->splicer, 1, EPOLLOUT))
		try_next(pair, errno);
}

static void end_connect(struct pair *pair)
{
	int error = EPROTO;
	socklen_t length = sizeof error;

	getsockopt(pair->splicer.ends[1].fd, SOL_SOCKET, SO_ERROR, &error, &length);
	if (error)
		try_next(pair, error);
	else
		join(pair);
}

static void pair_event(struct pair *pair, unsigned side, uint32_t events)
{
	if (pair->state == FREE)
		return;
	if (pair->state == JOINED) {
		if (!splicer_move(&pair->splicer, side, events))
			free_pair(pair);
	} else if (!side) {
		give_up(pair);
	} else if (pair->state == CONNECTING) {
		end_connect(pair);
	}
}

/* ---- sockets from init */

/* Asks for a socket for the first pair of the queue. */
static void ask(void)
{
	char data[64];
	struct initctl_request request;

	if (!state.first || state.asked || state.connection < 0)
		return;
	initctl_begin(&request, data, sizeof data, "open");
	initctl_add(&request, "socket", inet_kind(address_of(state.first)));
	/* An error is that of a closed connection, which is reported as an event as well. */
	initctl_send(state.connection, &request, NULL, 0);
	state.asked = address_of(state.first)->any.sa_family;
}

/* The container has ended, or nothing more can be had of init. */
static void lose_init(void)
{
	close(state.connection);
	state.connection = -1;
	while (state.first)
		give_up(state.first);
}

static void take_reply(void)
{
	int result = initctl_receive(state.connection, &reply), fd = -1;

	if (result < 0 && errno == EAGAIN)
		return;
	if (!result || (result < 0 && (errno == ECONNRESET || errno == EPIPE))) {
		lose_init();
		return;
	}
	/* That for which it was asked may be gone, and the next one need the other kind. */
	if (state.first && state.asked == address_of(state.first)->any.sa_family) {
		/* Without a descriptor left the message is lost, with EMFILE. */
		if (result > 0 && initctl_is(&reply, "opened") && reply.count == 1)
			fd = reply.fds[--reply.count];
		else if (result > 0)
			errno = (int)initctl_number(&reply, "errno", 4095, EPROTO);
		begin_connect(state.first, fd);
	}
	if (result > 0)
		initctl_discard(&reply);
	state.asked = 0;
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
		warn("cannot accept more connections for now: ", reason);
	state.warned = true;
	state.full = true;
	state.retry = time ? sys_now() + time : 0;
	watch_listeners(false);
}

static void resume_accepting(void)
{
	if (!state.full || state.open >= state.most || state.connection < 0)
		return;
	if (state.retry && sys_now() < state.retry)
		return;
	state.full = false;
	watch_listeners(true);
}

static bool accept_one(struct tunnel_listener *listener)
{
	struct pair *pair;
	int fd;

	if (state.open >= state.most) {
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
	inet_hurry(fd);
	pair = new_pair(listener, fd);
	enqueue(pair);
	if (splicer_watch(&pair->splicer, 0, 0))
		give_up_since(pair, "watch connection to ", error_text(errno));
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

/* Gives up connections for which init has not passed a socket in time. */
static void expire(void)
{
	const long long time = watchdog_timeout();

	while (state.first && time && sys_now() - state.first->since >= time)
		give_up_since(state.first, "open a socket for ", "no answer from init");
}

/* Milliseconds until there is something to do without an event, or -1. */
static int timeout(void)
{
	long long now = sys_now(), until = -1;

	if (state.connection < 0)
		return LAST_BYTES;
	if (state.first && watchdog_timeout())
		until = state.first->since + watchdog_timeout();
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
			pair_event(&pairs[index / 2], index % 2, events[i].events);
		}
	}
	if (answered && state.connection >= 0)
		take_reply();
	resume_accepting();
	accept_all();
	expire();
	ask();
	return count > 0;
}

int tunnel_run(int connection, struct tunnel_listener *listeners, unsigned count)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = key_of(FROM_INIT, 0)};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	long long end;

	sigaction(SIGPIPE, &ignore, NULL);
	state.listeners = listeners;
	state.listener_count = count;
	state.connection = connection;
	state.last = &state.first;
	state.epoll = sys_epoll();
	sys_fcntl(connection, F_SETFL, O_RDWR | O_NONBLOCK);
	if (state.epoll < 0 || sys_epoll_ctl(state.epoll, EPOLL_CTL_ADD, connection, &event))
		fail_errno("wait for connections");
	set_limits();
	watch_listeners(true);
	while (state.connection >= 0)
		step();
	/* The container is gone. What its servers have sent last may still be on its way. */
	watch_listeners(false);
	end = sys_now() + LAST_TIME;
	while (state.open && sys_now() < end && step())
		;
	warn("cannot forward any more: the container ended");
	return EXIT_CONTAINER_ENDED;
}
