/*
 * join: see join.h.
 */
#include "join.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sys.h"

enum {
	BUFFER = 65536,
	PIPE_SIZE = 1 << 18, /* bytes; the kernel may allow less */
	LAST_BYTES = 500     /* milliseconds to wait for what a container that has ended has sent */
};

enum { OF_INIT, OF_INPUT, OF_SOCKET, OF_OUTPUT, POLLED };

/* The bytes of one direction, from one descriptor to the other. */
struct half {
	int from, to;         /* -1: ended */
	int pipe[2];          /* that holds the bytes; -1: they are in data */
	size_t start, length; /* of the bytes */
	char data[BUFFER];
};

static struct {
	int socket, outside;
	bool connection, gone; /* outside is a connection; the container has ended */
	struct half in, out;
	int error; /* of the socket, which ends it once all has been delivered; or 0 */
} state;

/* Nothing can be sent to the socket any more. What has been received is still written. */
static void stop_sending(int error)
{
	state.error = error;
	state.in.from = state.in.to = -1;
	state.in.length = 0;
}

static bool is_later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* Takes bytes when there are none. Returns 0, or -1 with errno. */
static int read_half(struct half *half)
{
	const ssize_t length = half->pipe[1] < 0 ? read(half->from, half->data, sizeof half->data)
	                                         : splice(half->from, NULL, half->pipe[1], NULL,
							   PIPE_SIZE, SPLICE_F_NONBLOCK);

	if (length < 0)
		return is_later() ? 0 : -1;
	half->start = 0;
	half->length = (size_t)length;
	if (!length)
		half->from = -1;
	return 0;
}

static ssize_t write_some(const struct half *half)
{
	ssize_t length;

	if (half->pipe[0] >= 0)
		return splice(half->pipe[0], NULL, half->to, NULL, half->length, SPLICE_F_NONBLOCK);
	/* A socket of the operator's may block, and to change that would change it for others. */
	length =
		send(half->to, half->data + half->start, half->length, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (length < 0 && errno == ENOTSOCK)
		length = write(half->to, half->data + half->start, half->length);
	return length;
}

/* Gives the bytes that there are, as far as there is room. Returns 0, or -1 with errno. */
static int write_half(struct half *half)
{
	const ssize_t length = write_some(half);

	if (length < 0)
		return is_later() ? 0 : -1;
	half->start += (size_t)length;
	half->length -= (size_t)length;
	return 0;
}

/* Passes on the end of a direction, once everything before it has been. */
static void pass_ends(void)
{
	struct half *in = &state.in, *out = &state.out;

	if (in->to >= 0 && in->from < 0 && !in->length) {
		sys_shutdown(in->to, SHUT_WR);
		in->to = -1;
	}
	if (out->to < 0 || out->from >= 0 || out->length)
		return;
	if (!state.connection) {
		close(out->to);
		close(1);
	} else if (!state.error) {
		sys_shutdown(out->to, SHUT_WR);
	}
	out->to = -1;
}

/* Moves what can be moved. JOIN_DONE: to be called again. */
static enum join_end move(const struct pollfd polls[POLLED])
{
	struct half *in = &state.in, *out = &state.out;
	const short socket = polls[OF_SOCKET].revents, input = polls[OF_INPUT].revents;

	/*
	 * A client that resets is not waited for: a server that never reads would keep it for ever.
	 * Once its direction has ended, a socket reports POLLHUP in any case, and is not watched.
	 */
	if (state.connection && out->to >= 0 && input & (POLLERR | POLLHUP))
		return JOIN_INPUT;
	if (polls[OF_OUTPUT].revents && write_half(out))
		return JOIN_OUTPUT;
	if (socket && !out->length && out->from >= 0 && read_half(out)) {
		out->from = -1;
		stop_sending(errno);
	}
	if (input && in->from >= 0 && read_half(in))
		return JOIN_INPUT;
	if (in->length && (socket || input) && write_half(in))
		stop_sending(errno);
	/* As after a reset while input is idle, and the other direction has ended. */
	if (socket & (POLLERR | POLLHUP) && in->to >= 0 && out->from < 0)
		stop_sending(ECONNRESET);
	pass_ends();
	return JOIN_DONE;
}

/* Waits for events. Returns false if there is nothing more to wait for in a container's end. */
static bool wait_for_events(int init, struct pollfd polls[POLLED])
{
	const struct half *in = &state.in, *out = &state.out;
	const bool reads = in->from >= 0 && !in->length && !state.gone;
	const bool watched = state.connection && out->to >= 0;
	short wanted = 0;

	if (out->from >= 0 && !out->length)
		wanted |= POLLIN;
	if (in->length)
		wanted |= POLLOUT;
	/* Errors that neither a read nor a write will tell of are watched for as well. */
	polls[OF_INIT] = (struct pollfd){.fd = state.gone ? -1 : init};
	polls[OF_INPUT] = (struct pollfd){
		.fd = reads || watched ? state.outside : -1, .events = reads ? POLLIN : 0};
	polls[OF_SOCKET] =
		(struct pollfd){.fd = wanted || (in->to >= 0 && out->from < 0) ? state.socket : -1,
			.events = wanted};
	polls[OF_OUTPUT] = (struct pollfd){.fd = out->length ? out->to : -1, .events = POLLOUT};
	return poll(polls, POLLED, state.gone && !out->length ? LAST_BYTES : -1);
}

/* Where there is no descriptor or memory for a pipe, bytes are copied. */
static void begin(struct half *half, int from, int to)
{
	half->from = from;
	half->to = to;
	if (!state.connection || sys_pipe(half->pipe))
		half->pipe[0] = half->pipe[1] = -1;
	else
		sys_fcntl(half->pipe[1], F_SETPIPE_SZ, PIPE_SIZE);
}

enum join_end join_run(int init, int socket, int in, int out)
{
	struct pollfd polls[POLLED];
	enum join_end end;

	state.socket = socket;
	state.outside = in;
	state.connection = in == out;
	begin(&state.in, in, socket);
	begin(&state.out, socket, out);
	while ((state.in.to >= 0 || state.out.to >= 0) && !(state.error && state.out.to < 0)) {
		if (!wait_for_events(init, polls))
			return JOIN_CONTAINER_ENDED;
		end = move(polls);
		if (end)
			return end;
		state.gone |= polls[OF_INIT].revents != 0;
	}
	errno = state.error;
	return errno ? JOIN_INSIDE : JOIN_DONE;
}
