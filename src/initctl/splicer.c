/*
 * splicer: see splicer.h.
 */
#include "splicer.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sys.h"

enum {
	PIPE_SIZE = 1 << 18, /* bytes; the kernel may allow less */
	SPARE_PIPES = 16,    /* kept open while none needs them */
	TURNS = 4,           /* times a pipe is filled before others have their turn */
	COPY_SIZE = 16384    /* bytes copied at once where there is no pipe */
};

/* All splicers share these. */
static struct {
	int epoll;
	unsigned pipes, most_pipes; /* that are open, and may be */
	unsigned spare_count;
	int spare[SPARE_PIPES][2];
} state;

void splicer_setup(int epoll, unsigned pipes)
{
	state.epoll = epoll;
	state.most_pipes = pipes;
}

void splicer_begin(struct splicer *splicer, uint64_t key)
{
	*splicer = (struct splicer){.key = key};
	for (unsigned side = 0; side < 2; side++) {
		splicer->ends[side].fd = -1;
		splicer->flows[side].pipe[0] = -1;
	}
}

static bool take_pipe(struct splicer_flow *flow)
{
	if (flow->pipe[0] >= 0)
		return true;
	if (state.spare_count) {
		state.spare_count--;
		flow->pipe[0] = state.spare[state.spare_count][0];
		flow->pipe[1] = state.spare[state.spare_count][1];
		return true;
	}
	if (state.pipes >= state.most_pipes ||
		syscall(SYS_pipe2, flow->pipe, O_NONBLOCK | O_CLOEXEC)) {
		flow->pipe[0] = -1;
		return false;
	}
	state.pipes++;
	/* Refused beyond what one user may have in pipes: it keeps the size that it has. */
	sys_fcntl(flow->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
	return true;
}

/* Gives the pipe back; with bytes in it, it is of no use to others. */
static void give_pipe(struct splicer_flow *flow)
{
	if (flow->pipe[0] < 0)
		return;
	if (!flow->length && state.spare_count < SPARE_PIPES) {
		state.spare[state.spare_count][0] = flow->pipe[0];
		state.spare[state.spare_count][1] = flow->pipe[1];
		state.spare_count++;
	} else {
		close(flow->pipe[0]);
		close(flow->pipe[1]);
		state.pipes--;
	}
	flow->pipe[0] = -1;
	flow->length = 0;
}

/* Nothing can be written to the receiving end any more. */
static void drop(struct splicer_flow *flow)
{
	give_pipe(flow);
	flow->blocked = false;
	flow->done = true;
}

int splicer_watch(struct splicer *splicer, unsigned side, uint32_t events)
{
	struct splicer_end *end = &splicer->ends[side];
	struct epoll_event event = {.events = events, .data.u64 = splicer->key + side};

	if (end->watched && end->events == events)
		return 0;
	if (sys_epoll_ctl(
		    state.epoll, end->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, end->fd, &event))
		return -1;
	end->watched = true;
	end->events = events;
	return 0;
}

static void unwatch(struct splicer_end *end)
{
	if (end->watched)
		sys_epoll_ctl(state.epoll, EPOLL_CTL_DEL, end->fd, NULL);
	end->watched = false;
}

/*
 * Without a pipe: what the receiving end takes of a copy is then taken from the sending one, so
 * that nothing has to be kept. Returns as splice(2).
 */
static ssize_t copy(
	struct splicer_flow *flow, const struct splicer_end *from, struct splicer_end *to)
{
	static char data[COPY_SIZE];
	ssize_t length = sys_recv(from->fd, data, sizeof data, MSG_PEEK), sent;

	if (length <= 0)
		return length;
	sent = sys_send(to->fd, data, (size_t)length, MSG_NOSIGNAL);
	if (sent > 0)
		return sys_recv(from->fd, data, (size_t)sent, 0);
	flow->blocked = errno == EAGAIN;
	to->broken = errno != EAGAIN;
	return 1;
}

/* Takes bytes from the sending end. Returns how many, 0 at its end, or -1 with errno. */
static ssize_t fill(
	struct splicer_flow *flow, const struct splicer_end *from, struct splicer_end *to)
{
	ssize_t length;

	if (!take_pipe(flow))
		return copy(flow, from, to);
	length = splice(from->fd, NULL, flow->pipe[1], NULL, PIPE_SIZE, SPLICE_F_NONBLOCK);
	if (length > 0)
		flow->length = (unsigned)length;
	return length;
}

/* Gives the receiving end what is in the pipe. */
static void drain(struct splicer_flow *flow, struct splicer_end *to)
{
	ssize_t length = splice(flow->pipe[0], NULL, to->fd, NULL, flow->length, SPLICE_F_NONBLOCK);

	if (length > 0)
		flow->length -= (unsigned)length;
	else if (length < 0 && errno == EAGAIN)
		flow->blocked = true;
	else
		to->broken = true;
}

/*
 * Moves bytes of one direction, until one end would block or it is the turn of others. A broken
 * end is not watched, and has no more than its buffer: it is read to the end at once.
 */
static void move(struct splicer *splicer, unsigned side)
{
	struct splicer_flow *flow = &splicer->flows[side];
	struct splicer_end *from = &splicer->ends[side], *to = &splicer->ends[!side];
	ssize_t length = 1;

	flow->blocked = false;
	for (int turn = 0; !flow->done && (turn < TURNS || from->broken); turn++) {
		if (!flow->length && !flow->ended)
			length = fill(flow, from, to);
		if (length < 0) {
			from->broken |= errno != EAGAIN;
			break;
		}
		flow->ended |= !length;
		if (flow->length)
			drain(flow, to);
		if (flow->blocked || to->broken)
			break;
		if (flow->ended && !flow->length) {
			/* The end that is read after a reset is none: no FIN may go out before the
			 * RST. */
			if (!from->broken)
				sys_shutdown(to->fd, SHUT_WR);
			flow->done = true;
		}
	}
	if (!flow->length)
		give_pipe(flow);
	else
		flow->blocked = true;
}

/*
 * Whether an end is broken, and nothing is left to pass on. A client that has reset its connection
 * is not waited for: a server that never reads would keep it for ever.
 */
static bool is_broken(struct splicer *splicer)
{
	for (unsigned side = 0; side < 2; side++) {
		struct splicer_flow *flow = &splicer->flows[side];
		if (!splicer->ends[side].broken)
			continue;
		drop(&splicer->flows[!side]);
		if (!flow->blocked)
			move(splicer, side);
		if (!side || !flow->blocked || splicer->ends[!side].broken)
			return true;
	}
	return false;
}

/*
 * Watches an end for what it is needed for. One that has ended in both directions would report
 * that for ever, and is left alone; so is a broken one.
 */
static bool watch_needed(struct splicer *splicer, unsigned side)
{
	const struct splicer_flow *sends = &splicer->flows[side], *takes = &splicer->flows[!side];
	uint32_t events = takes->blocked ? EPOLLOUT : 0;

	if (!sends->ended && !sends->done && !sends->blocked)
		events |= EPOLLIN;
	if (!splicer->ends[side].broken && (events || !takes->done))
		return !splicer_watch(splicer, side, events);
	unwatch(&splicer->ends[side]);
	return true;
}

bool splicer_move(struct splicer *splicer, unsigned side, uint32_t events)
{
	struct splicer_flow *flows = splicer->flows;

	/* Without an error, both directions have ended, or the socket has never been connected. */
	if (events & EPOLLERR || (events & EPOLLHUP && !flows[!side].done))
		splicer->ends[side].broken = true;
	if (events & (EPOLLIN | EPOLLHUP) && !flows[side].blocked)
		move(splicer, side);
	if (events & EPOLLOUT)
		move(splicer, !side);
	if (is_broken(splicer)) {
		splicer_close(splicer, true);
		return false;
	}
	if ((flows[0].done && flows[1].done) || !watch_needed(splicer, 0) ||
		!watch_needed(splicer, 1)) {
		splicer_close(splicer, false);
		return false;
	}
	return true;
}

void splicer_close(struct splicer *splicer, bool reset)
{
	const struct linger at_once = {.l_onoff = 1};

	for (unsigned side = 0; side < 2; side++) {
		struct splicer_end *end = &splicer->ends[side];
		give_pipe(&splicer->flows[side]);
		if (end->fd < 0)
			continue;
		if (reset)
			setsockopt(end->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
		close(end->fd);
		end->fd = -1;
		end->watched = false;
	}
}
