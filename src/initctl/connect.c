/*
 * connect: the verb that joins stdin and stdout to a TCP connection in the container.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "inet.h"
#include "stream.h"
#include "verbs.h"
#include "watchdog.h"

enum {
	BUFFER = 65536,
	LAST_BYTES = 200 /* milliseconds to wait for what a container that has ended has sent */
};

enum { POLL_INIT, POLL_STDIN, POLL_SOCKET, POLL_STDOUT, POLLS };

/* The bytes of one direction, from one descriptor to the other. */
struct half {
	int from, to; /* -1: ended, and closed unless it is the socket */
	size_t start, length;
	char data[BUFFER];
};

static struct {
	int init, socket; /* init: -1 once the container has ended */
	struct half in, out;
	int error; /* of sending, which ends the program once all has been received; or 0 */
	char text[INET_TEXT];
} state;

/* Connects to the first of the addresses that can be reached. Ends the program if none can. */
static void connect_to(const struct inet_host *host)
{
	int first = 0, error = 0;
	socklen_t length = sizeof error;

	inet_text(&host->addresses[0], state.text);
	for (unsigned i = 0; i < host->count; i++) {
		const struct inet_address *address = &host->addresses[i];
		struct pollfd ready = {.events = POLLOUT};
		state.socket = ready.fd = inet_open(state.init, address, "connect");
		error = sys_connect(ready.fd, address, inet_size(address)) ? errno : 0;
		if (error == EINPROGRESS) {
			if (!poll(&ready, 1, watchdog_timeout() ? (int)watchdog_timeout() : -1))
				watchdog_fail("connect to ", state.text);
			getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &error, &length);
		}
		if (!error)
			return;
		close(ready.fd);
		if (!first)
			first = error;
	}
	errno = first;
	fail_cannot("connect to ", state.text);
}

/* Nothing can be sent any more. What has been received is still written. */
static void stop_sending(int error)
{
	state.error = error;
	state.in.from = state.in.to = -1;
	state.in.length = 0;
}

/* Reads into an empty buffer. Returns 0, or -1 with errno. */
static int read_half(struct half *half)
{
	ssize_t length = read(half->from, half->data, sizeof half->data);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	half->start = 0;
	half->length = (size_t)length;
	if (!length)
		half->from = -1;
	return 0;
}

/* Writes what is in the buffer, as far as there is room. Returns 0, or -1 with errno. */
static int write_half(struct half *half)
{
	/* A socket of the operator's may block, and to change that would change it for others. */
	ssize_t length = sys_send(
		half->to, half->data + half->start, half->length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (length < 0 && errno == ENOTSOCK)
		length = write(half->to, half->data + half->start, half->length);
	if (length < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
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
	if (out->to >= 0 && out->from < 0 && !out->length) {
		close(out->to);
		close(1);
		out->to = -1;
	}
}

static void move(const struct pollfd polls[POLLS])
{
	struct half *in = &state.in, *out = &state.out;
	const short socket = polls[POLL_SOCKET].revents;

	if (polls[POLL_STDOUT].revents && write_half(out))
		fail_cannot("write output", NULL);
	if (socket && !out->length && out->from >= 0 && read_half(out)) {
		out->from = -1;
		stop_sending(errno);
	}
	if (polls[POLL_STDIN].revents && read_half(in))
		fail_cannot("read input", NULL);
	if (in->length && (socket || polls[POLL_STDIN].revents) && write_half(in))
		stop_sending(errno);
	/* As after a reset while stdin is idle, and the other direction has ended. */
	if (socket & (POLLERR | POLLHUP) && in->to >= 0 && out->from < 0)
		stop_sending(ECONNRESET);
}

/* Waits for events. Returns false if there is nothing more to wait for in a container's end. */
static bool wait_for_events(struct pollfd polls[POLLS])
{
	const struct half *in = &state.in, *out = &state.out;
	const bool gone = state.init < 0;
	bool watched;
	short wanted = 0;

	if (out->from >= 0 && !out->length)
		wanted |= POLLIN;
	if (in->length)
		wanted |= POLLOUT;
	polls[POLL_INIT] = (struct pollfd){.fd = state.init, .events = POLLIN};
	polls[POLL_STDIN] =
		(struct pollfd){.fd = in->length || gone ? -1 : in->from, .events = POLLIN};
	/* Errors that neither a read nor a write will tell of are watched for as well. */
	watched = wanted || (in->to >= 0 && out->from < 0);
	polls[POLL_SOCKET] = (struct pollfd){.fd = watched ? state.socket : -1, .events = wanted};
	polls[POLL_STDOUT] = (struct pollfd){.fd = out->length ? out->to : -1, .events = POLLOUT};
	return poll(polls, POLLS, gone && !out->length ? LAST_BYTES : -1);
}

/* Whether the connection to init has been closed, after an event of it. */
static bool init_is_gone(void)
{
	static struct initctl_message message;
	int result = initctl_receive(state.init, &message);

	if (result > 0)
		initctl_discard(&message);
	return result <= 0;
}

static void relay(void)
{
	struct pollfd polls[POLLS];

	while ((state.in.to >= 0 || state.out.to >= 0) && !(state.error && state.out.to < 0)) {
		if (!wait_for_events(polls))
			die(EXIT_CONTAINER_ENDED, "connection to ", state.text,
				": the container ended");
		move(polls);
		pass_ends();
		if (polls[POLL_INIT].revents && init_is_gone()) {
			close(state.init);
			state.init = -1;
		}
	}
}

int verb_connect_to(const struct context *context, char **arguments)
{
	const char *word = argument_take(&arguments, "host and port");
	char copy[INET_WORD], *parts[INET_PARTS];
	struct inet_host host;
	unsigned port;

	arguments_end(arguments);
	if (inet_split(word, copy, parts) != 2 || !*parts[0] || inet_port(parts[1], 1, &port))
		fail_usage("expected HOST:PORT, not", word);
	inet_find(context, &host, parts[0], port);
	state.init = verb_connect(context);
	connect_to(&host);
	state.in.to = state.out.from = state.socket;
	state.out.to = stream_reopen(1);
	relay();
	if (!state.error)
		return 0;
	errno = state.error;
	fail_cannot("relay connection to ", state.text);
}
