#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../log.h"
#include "../number.h"
#include "../seqpacket.h"
#include "../wire.h"
#include "client.h"
#include "show.h"
#include "terminal.h"

enum { BUFFER = 4096, KEYS = 16, CONTAINER_GONE = 137 };

/* What was typed and is not yet taken. */
struct typed {
	char bytes[BUFFER];
	size_t length;
	size_t matched; /* of the detach keys, held back */
};

enum { POLL_CONNECTION, POLL_SIGNALS, POLL_STDIN, POLL_TO, POLL_OUTPUT, POLL_ERRORS, POLLS };

static const int relayed[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2, SIGPIPE};

static void signals_of(sigset_t *set)
{
	sigemptyset(set);
	for (unsigned i = 0; i < sizeof relayed / sizeof *relayed; i++)
		sigaddset(set, relayed[i]);
}

void relay_block_signals(void)
{
	sigset_t set;

	signals_of(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

int relay_keys(const char *names, char *keys, unsigned size)
{
	unsigned used = 0;

	while (*names) {
		size_t length = strcspn(names, ",");
		char key = names[0];
		if (length == 6 && !strncmp(names, "ctrl-", 5))
			key = (char)(names[5] & 0x1f);
		else if (length != 1)
			return -1;
		if (!key || used + 1 >= size)
			return -1;
		keys[used++] = key;
		names += length + (names[length] == ',');
	}
	keys[used] = 0;
	return 0;
}

static int write_all(int fd, const char *data, size_t length)
{
	while (length) {
		ssize_t written = write(fd, data, length);
		if (written < 0 && errno == EAGAIN) {
			struct pollfd ready = {.fd = fd, .events = POLLOUT};
			poll(&ready, 1, -1);
		} else if (written < 0 && errno != EINTR) {
			return -1;
		} else if (written > 0) {
			data += written;
			length -= (size_t)written;
		}
	}
	return 0;
}

/* One buffer from the session to us. Closes and forgets *from at its end. */
static bool pump(int *from, int to)
{
	char data[BUFFER * 4];
	ssize_t length = read(*from, data, sizeof data);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	/* EIO: the terminal has no other end any more. */
	if (length > 0 && !write_all(to, data, (size_t)length))
		return true;
	close(*from);
	*from = -1;
	return false;
}

static void drain(int *from, int to)
{
	struct pollfd ready = {.fd = *from, .events = POLLIN};

	/* What is there now, and no more: somebody in the background may hold the other end. */
	while (*from >= 0 && poll(&ready, 1, 0) > 0 && pump(from, to))
		;
}

/* Appends a byte, but for the detach keys; true where those are complete. */
static bool type(struct typed *typed, char byte, const char *keys)
{
	while (*keys && byte != keys[typed->matched]) {
		if (!typed->matched)
			break;
		/* What was held back is none after all; the byte may begin anew. */
		memcpy(typed->bytes + typed->length, keys, typed->matched);
		typed->length += typed->matched;
		typed->matched = 0;
	}
	if (*keys && byte == keys[typed->matched])
		return !keys[++typed->matched];
	typed->bytes[typed->length++] = byte;
	return false;
}

/* Reads what the operator types. Returns true where that is to detach. */
static bool read_typed(struct relay *relay, struct typed *typed, bool *ended)
{
	char data[BUFFER / 4];
	ssize_t length = read(0, data, sizeof data);
	const char *keys = relay->master >= 0 ? relay->detach : "";

	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (length <= 0) {
		*ended = true;
		/* The terminal's own way of saying so. */
		if (relay->master >= 0)
			typed->bytes[typed->length++] = 4;
		return false;
	}
	for (ssize_t i = 0; i < length; i++)
		if (type(typed, data[i], keys))
			return true;
	return false;
}

static void send_typed(struct relay *relay, struct typed *typed)
{
	int *to = relay->master >= 0 ? &relay->master : &relay->in;
	ssize_t written = write(*to, typed->bytes, typed->length);

	if (written > 0) {
		typed->length -= (size_t)written;
		memmove(typed->bytes, typed->bytes + written, typed->length);
	} else if (written < 0 && errno != EAGAIN && errno != EINTR) {
		typed->length = 0;
		if (relay->master < 0) {
			close(relay->in);
			relay->in = -1;
		}
	}
}

static void send_signal(const struct relay *relay, int signal)
{
	char data[64];
	struct wire_out request;

	wire_begin(&request, data, sizeof data, "signal");
	wire_add_number(&request, "signal", signal);
	initctl_send(relay->connection, &request, NULL, 0);
}

/* As if a signal that we read had not been blocked. */
static void undergo(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	raise(signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* Returns 0, or the exit code to end with. */
static int take_signal(const struct relay *relay, int signals)
{
	struct signalfd_siginfo from;
	int signal;

	if (read(signals, &from, sizeof from) != sizeof from)
		return 0;
	signal = (int)from.ssi_signo;
	if (signal == SIGHUP || (relay->master >= 0 && (signal == SIGTERM || signal == SIGINT ||
							       signal == SIGQUIT))) {
		/* Our end closes the connection, and with it the session. */
		return 128 + signal;
	}
	if (signal == SIGWINCH && relay->master >= 0) {
		terminal_copy_size(0, relay->master, 0);
	} else if (signal == SIGCONT) {
		terminal_again();
		send_signal(relay, SIGCONT);
	} else if (signal == SIGTSTP) {
		send_signal(relay, SIGTSTP);
		undergo(SIGTSTP);
	} else if (signal != SIGPIPE && signal != SIGWINCH) {
		send_signal(relay, signal);
	}
	return 0;
}

static int detach(struct relay *relay)
{
	struct initctl_message answer;
	char data[64];
	struct wire_out request;

	wire_begin(&request, data, sizeof data, "hold");
	if (initctl_send(relay->connection, &request, &relay->master, 1))
		return CONTAINER_GONE;
	for (;;) {
		int code;
		if (initctl_receive(relay->connection, &answer) != 1)
			return CONTAINER_GONE;
		seqpacket_discard(answer.fds, answer.count);
		/* It may have ended while we typed. */
		if ((code = initctl_code(&answer)) >= 0)
			return code;
		if (initctl_is(&answer, "held"))
			break;
	}
	terminal_restore();
	fprintf(stderr, "\ndetached, back with: initctl attach %s\n",
		wire_field(&answer.wire, "session"));
	return 0;
}

/* A message on the session's connection. Returns -1, or the exit code to end with. */
static int hear(struct relay *relay)
{
	static struct initctl_message message;
	int result = initctl_receive(relay->connection, &message), code;

	if (result != 1) {
		terminal_restore();
		log_write(LOG_ERROR, 0, relay->object, ": the container ended", (char *)0);
		return CONTAINER_GONE;
	}
	seqpacket_discard(message.fds, message.count);
	code = initctl_code(&message);
	if (code < 0)
		return -1;
	drain(&relay->master, 1);
	drain(&relay->out[0], 1);
	drain(&relay->out[1], 2);
	return code;
}

static void set_polls(struct pollfd *polls, const struct relay *relay, int signals,
	const struct typed *typed, bool ended)
{
	int to = relay->master >= 0 ? relay->master : relay->in;

	polls[POLL_CONNECTION] = (struct pollfd){.fd = relay->connection, .events = POLLIN};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = signals, .events = POLLIN};
	/* Room for what is held back, too. */
	polls[POLL_STDIN] = (struct pollfd){
		.fd = ended || to < 0 || typed->length > BUFFER / 2 ? -1 : 0, .events = POLLIN};
	polls[POLL_TO] = (struct pollfd){.fd = typed->length ? to : -1, .events = POLLOUT};
	polls[POLL_OUTPUT] = (struct pollfd){
		.fd = relay->master >= 0 ? relay->master : relay->out[0], .events = POLLIN};
	polls[POLL_ERRORS] = (struct pollfd){.fd = relay->out[1], .events = POLLIN};
}

static int serve(struct relay *relay, int signals)
{
	struct pollfd polls[POLLS];
	struct typed typed = {.length = 0};
	bool ended = false;
	int code;

	for (;;) {
		set_polls(polls, relay, signals, &typed, ended);
		if (poll(polls, POLLS, -1) < 0)
			continue;
		if (polls[POLL_SIGNALS].revents && (code = take_signal(relay, signals)))
			return code;
		if (polls[POLL_OUTPUT].revents)
			pump(relay->master >= 0 ? &relay->master : &relay->out[0], 1);
		if (polls[POLL_ERRORS].revents)
			pump(&relay->out[1], 2);
		if (polls[POLL_STDIN].revents && read_typed(relay, &typed, &ended))
			return detach(relay);
		if (polls[POLL_TO].revents && typed.length)
			send_typed(relay, &typed);
		if (ended && !typed.length && relay->in >= 0) {
			close(relay->in);
			relay->in = -1;
		}
		if (polls[POLL_CONNECTION].revents && (code = hear(relay)) >= 0)
			return code;
	}
}

int relay_run(struct relay *relay)
{
	int *const ours[] = {&relay->master, &relay->in, &relay->out[0], &relay->out[1]};
	sigset_t set;
	int signals, code;

	signals_of(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
		if (*ours[i] >= 0)
			fcntl(*ours[i], F_SETFL, fcntl(*ours[i], F_GETFL) | O_NONBLOCK);
	if (relay->master >= 0 && isatty(0)) {
		terminal_copy_size(0, relay->master, relay->attached);
		if (terminal_raw(0)) {
			log_write(LOG_ERROR, errno, "set terminal raw", (char *)0);
			return 125;
		}
	}
	code = serve(relay, signals);
	terminal_restore();
	for (unsigned i = 0; i < sizeof ours / sizeof *ours; i++)
		if (*ours[i] >= 0)
			close(*ours[i]);
	close(signals);
	return code;
}
