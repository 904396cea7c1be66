/*
 * pair: see pair.h.
 */
#include "pair.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sys.h"
#include "splicer.h"
#include "watchdog.h"

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
	int init;
	uint64_t key;               /* of the events of the first pair */
	unsigned open, used;        /* pairs: not free, ever used */
	struct pair *free;          /* of those that were used */
	struct pair *first, **last; /* the queue */
	int asked;                  /* family of the socket that init has yet to pass, or 0 */
} state = {.last = &state.first};

static struct pair pairs[PAIRS];
static struct initctl_message reply;

void pair_setup(int init, uint64_t key)
{
	state.init = init;
	state.key = key;
}

unsigned pair_count(void)
{
	return state.open;
}

static struct pair *new_pair(const struct inet_host *target, int fd)
{
	struct pair *pair = state.free;

	if (pair)
		state.free = pair->next;
	else
		pair = &pairs[state.used++];
	*pair = (struct pair){.target = target};
	splicer_begin(&pair->splicer, state.key + (size_t)(pair - pairs) * 2);
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
	bool failed;

	dequeue(pair);
	pair->state = CONNECTING;
	pair->splicer.ends[1].fd = fd;
	failed = fd < 0 || inet_prepare(fd, address);
	if (!failed && !sys_connect(fd, address, inet_size(address)))
		join(pair);
	else if (failed || errno != EINPROGRESS || splicer_watch(&pair->splicer, 1, EPOLLOUT))
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

void pair_event(unsigned number, uint32_t events)
{
	struct pair *pair = &pairs[number / 2];
	const unsigned side = number % 2;

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

void pair_begin(const struct inet_host *target, int fd)
{
	struct pair *pair = new_pair(target, fd);

	inet_hurry(fd);
	enqueue(pair);
	/* Only errors matter for now. */
	if (splicer_watch(&pair->splicer, 0, 0))
		give_up_since(pair, "watch connection to ", error_text(errno));
}

/* ---- sockets from init */

void pair_ask(void)
{
	char data[64];
	struct initctl_request request;

	if (!state.first || state.asked)
		return;
	initctl_begin(&request, data, sizeof data, "open");
	initctl_add(&request, "socket", inet_kind(address_of(state.first)));
	/* An error is that of a closed connection, which is reported as an event as well. */
	initctl_send(state.init, &request, NULL, 0);
	state.asked = address_of(state.first)->any.sa_family;
}

bool pair_take_reply(void)
{
	int result = initctl_receive(state.init, &reply), fd = -1;

	if (result < 0 && errno == EAGAIN)
		return true;
	if (!result || (result < 0 && (errno == ECONNRESET || errno == EPIPE))) {
		while (state.first)
			give_up(state.first);
		return false;
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
	return true;
}

long long pair_expiry(void)
{
	return state.first && watchdog_timeout() ? state.first->since + watchdog_timeout() : -1;
}

void pair_expire(void)
{
	while (pair_expiry() >= 0 && sys_now() >= pair_expiry())
		give_up_since(state.first, "open a socket for ", "no answer from init");
}
