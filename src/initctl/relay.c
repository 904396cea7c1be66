/*
 * relay: see relay.h.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "eof.h"
#include "exit.h"
#include "handler.h"
#include "initctl.h"
#include "input.h"
#include "output.h"
#include "stream.h"
#include "terminal.h"
#include "watchdog.h"

enum { POLL_CONNECTION, POLL_SIGNALS, POLL_STDIN, POLL_INPUT, POLL_STREAMS, STREAMS = 2 };
enum { POLLS = POLL_STREAMS + STREAMS * STREAM_POLLS };
/* Milliseconds for which signals stay blocked while the session starts. */
enum { START_TIMEOUT = 1000 };

static const unsigned char relayed[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2, SIGPIPE, 0};

/* The state of the relay. A process relays one session only. */
static struct {
	struct relay *relay;
	struct input input;
	struct stream streams[STREAMS];
	int input_fd;  /* receives the input: the pipe or the terminal's master; -1: closed */
	int signal_fd; /* of signalfd(2), non-blocking */
	sigset_t original_mask;
	int own_terminal;  /* whose window size the session's terminal follows, or -1 */
	bool stdin_ended;  /* reading our stdin found its end */
	struct eof eof;    /* begun once a terminal has all of our stdin */
	bool detaching;    /* "hold" was requested, and there is no reply yet */
	bool held;         /* init replied "held"; pending output is still to be written */
	int exit_code;     /* once the session has ended and pending output is written; or -1 */
	int channel_error; /* errno of the connection, if that ended the relay; or 0 */
} state;

void relay_block_signals(void)
{
	state.signal_fd = handler_open(relayed, &state.original_mask);
	if (state.signal_fd < 0)
		fail_cannot("receive signals", NULL);
}

/* The message that was received last. */
static struct initctl_message message;

void relay_await_start(int connection, const char *object)
{
	struct pollfd ready = {.fd = connection, .events = POLLIN};
	const long long limit = watchdog_timeout();
	const int first = limit && limit < START_TIMEOUT ? (int)limit : START_TIMEOUT;
	const struct timespec rest = {.tv_sec = (limit - first) / 1000,
		.tv_nsec = (long)((limit - first) % 1000 * 1000000)};

	if (!poll(&ready, 1, first) &&
		!ppoll(&ready, 1, limit ? &rest : NULL, &state.original_mask))
		watchdog_fail("run ", object);
}

static void close_input(void)
{
	/* A terminal's master is closed by its stream, which reads from it. */
	if (state.input_fd >= 0 && state.input_fd == state.relay->in)
		close(state.input_fd);
	state.input_fd = -1;
}

static void write_input(void)
{
	ssize_t written = write(state.input_fd, state.input.bytes, state.input.length);

	if (written > 0)
		input_taken(&state.input, (size_t)written);
	else if (written < 0 && errno != EAGAIN && errno != EINTR)
		close_input();
}

static void detach(void)
{
	char data[64];
	struct initctl_request request;

	/*
	 * Input typed before the detach keys still belongs to the session. One attempt has to do,
	 * since a program that hangs may never read it.
	 */
	if (state.input_fd >= 0 && state.input.length)
		write_input();
	initctl_begin(&request, data, sizeof data, "hold");
	state.detaching = !initctl_send(state.relay->connection, &request, &state.relay->master, 1);
	/* Output from now on is left in the terminal for the client that attaches next. */
	stream_pause(&state.streams[0], state.detaching);
}

/* Whether only the end of our stdin is left to pass on. */
static bool passes_eof(void)
{
	return state.stdin_ended && !state.input.length && state.input_fd >= 0 &&
	       !state.detaching && state.exit_code < 0;
}

static bool has_pending_output(void)
{
	bool pending = false;

	for (unsigned i = 0; i < STREAMS; i++)
		pending |= stream_is_pending(&state.streams[i]);
	return pending;
}

/* Hangs the session's terminal up, unless output on it is still to be relayed. */
static void hang_up(void)
{
	struct pollfd output = {.fd = state.input_fd, .events = POLLIN};

	if (!has_pending_output() && !poll(&output, 1, 0))
		stream_close(&state.streams[0]);
}

/* Passes on the end of our stdin, once everything before it has been written. */
static void pass_eof(void)
{
	if (state.input_fd == state.relay->in) {
		close_input();
		return;
	}
	if (!state.eof.begun)
		eof_begin(&state.eof, state.input.last);
	if (eof_look(&state.eof, state.input_fd))
		hang_up();
}

static void read_stdin(void)
{
	char data[INPUT_READ];
	ssize_t length = read(0, data, sizeof data);

	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (length <= 0) {
		state.stdin_ended = true;
		input_release(&state.input);
	} else if (input_add(&state.input, data, (size_t)length)) {
		detach();
	}
}

static void send_signal(int signal)
{
	char data[64];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "signal");
	initctl_add_number(&request, "signal", signal);
	initctl_send(state.relay->connection, &request, NULL, 0);
}

/* Lets a signal that was read from the signalfd have its usual effect on this process. */
static void deliver(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	sys_kill(getpid(), signal);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/*
 * Stops the session together with this process, and continues both. A session on a terminal of
 * its own is not stopped: Ctrl-Z reaches it through that terminal. The signal is SIGSTOP, since
 * the kernel ignores the default action of SIGTSTP in an orphaned process group, which a
 * session's is: no parent inside could continue it.
 */
static void stop_both(void)
{
	if (state.relay->master < 0)
		send_signal(SIGSTOP);
	terminal_pause();
	deliver(SIGTSTP);
	/* Reached on SIGCONT, or at once if our own process group is orphaned. */
	terminal_resume();
	send_signal(SIGCONT);
}

/* Reads a signal and acts on it. Returns 0, or the exit code to end with. */
static int take_signal(void)
{
	struct signalfd_siginfo from;
	bool ends, terminal = state.relay->master >= 0;
	int signal;

	if (read(state.signal_fd, &from, sizeof from) != sizeof from)
		return 0;
	signal = (int)from.ssi_signo;
	ends = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
	/* Exiting closes the connection, upon which init ends the session. */
	if (signal == SIGHUP || (ends && (terminal || state.exit_code >= 0)))
		return EXIT_SIGNAL + signal;
	if (signal == SIGWINCH && terminal && state.own_terminal >= 0) {
		terminal_copy_size(state.own_terminal, state.relay->master, 0);
	} else if (signal == SIGCONT) {
		terminal_resume();
		send_signal(SIGCONT);
	} else if (signal == SIGTSTP) {
		stop_both();
	} else if (signal != SIGPIPE && signal != SIGWINCH) {
		send_signal(signal);
	}
	return 0;
}

/* The session has ended. Only the output that has been written so far is still relayed. */
static void finish(int code, int error)
{
	state.exit_code = code;
	state.channel_error = error;
	for (unsigned i = 0; i < STREAMS; i++)
		stream_finish(&state.streams[i]);
}

/* Receives a message of the session. Returns -1 to carry on, or the exit code to end with. */
static int receive(void)
{
	int result = initctl_receive(state.relay->connection, &message), code;

	if (result != 1) {
		finish(result ? EXIT_INITCTL : EXIT_CONTAINER_ENDED, result ? errno : ECONNRESET);
		return -1;
	}
	initctl_discard(&message);
	code = initctl_code(&message);
	if (code >= 0)
		finish(code, 0);
	if (state.detaching && initctl_is(&message, "held")) {
		state.held = true;
		return -1;
	}
	if (!initctl_is(&message, "failed"))
		return -1;
	/*
	 * With a "field" init has refused the request as such, and closes the connection. Without
	 * one the session cannot be held now, so it is relayed as before.
	 */
	if (initctl_field(&message, "field")) {
		terminal_restore();
		return output_failed(&message, state.relay->object, NULL);
	}
	state.detaching = false;
	stream_pause(&state.streams[0], false);
	return -1;
}

/* Waits for events. Returns false once the session has ended and nothing is left to relay. */
static bool wait_for_events(struct pollfd polls[POLLS])
{
	const struct input *input = &state.input;
	bool over = state.exit_code >= 0, reads = !over && !state.stdin_ended && !state.detaching;
	int timeout = -1, look;

	polls[POLL_CONNECTION] = (struct pollfd){
		.fd = over || state.held ? -1 : state.relay->connection, .events = POLLIN};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = state.signal_fd, .events = POLLIN};
	polls[POLL_STDIN] = (struct pollfd){
		.fd = reads && state.input_fd >= 0 && input_has_room(input) ? 0 : -1,
		.events = POLLIN};
	polls[POLL_INPUT] = (struct pollfd){
		.fd = !over && input->length ? state.input_fd : -1, .events = POLLOUT};
	for (unsigned i = 0; i < STREAMS; i++) {
		stream_polls(&state.streams[i], &polls[POLL_STREAMS + i * STREAM_POLLS]);
		if (state.streams[i].backs_off)
			timeout = STREAM_BACKOFF;
	}
	if (over && !has_pending_output())
		timeout = 0;
	else if (timeout < 0 && input->matched)
		timeout = INPUT_KEY_TIMEOUT / 4;
	else if (passes_eof() && ((look = eof_timeout(&state.eof)) < timeout || timeout < 0))
		timeout = look;
	return poll(polls, POLLS, timeout) || timeout;
}

static void move_streams(const struct pollfd polls[POLLS])
{
	bool pending = stream_is_pending(&state.streams[0]);

	for (unsigned i = 0; i < STREAMS; i++) {
		state.streams[i].backs_off = false;
		stream_move(&state.streams[i], &polls[POLL_STREAMS + i * STREAM_POLLS]);
	}
	if (!pending && stream_is_pending(&state.streams[0]))
		eof_heard(&state.eof);
	if (state.relay->master >= 0 && state.streams[0].from < 0)
		state.input_fd = -1;
}

/* Relays until the session ends or is detached. Returns the exit code. */
static int relay_events(void)
{
	struct pollfd polls[POLLS];
	int code;

	while (wait_for_events(polls)) {
		move_streams(polls);
		if (polls[POLL_SIGNALS].revents && (code = take_signal()))
			return code;
		if (polls[POLL_STDIN].revents)
			read_stdin();
		if (state.input.matched && !state.detaching &&
			sys_now() - state.input.since >= INPUT_KEY_TIMEOUT)
			input_release(&state.input);
		if (polls[POLL_INPUT].revents)
			write_input();
		if (passes_eof())
			pass_eof();
		if (!state.held && polls[POLL_CONNECTION].revents && (code = receive()) >= 0)
			return code;
		if (state.held && !has_pending_output()) {
			terminal_restore();
			output_held(&message);
			return 0;
		}
	}
	return state.exit_code;
}

/* Connects our stdin, stdout and stderr with the session's descriptors. */
static void connect_stdio(struct relay *relay)
{
	bool terminal = relay->master >= 0;

	state.relay = relay;
	state.exit_code = -1;
	state.input_fd = terminal ? relay->master : relay->in;
	state.input.keys = terminal && terminal_is(0) ? relay->detach_keys : "";
	state.own_terminal = terminal ? terminal_ours() : -1;
	stream_open(&state.streams[0], terminal ? relay->master : relay->out[0], terminal, 1);
	stream_open(&state.streams[1], relay->out[1], false, 2);
	if (relay->in >= 0)
		sys_fcntl(relay->in, F_SETFL, O_WRONLY | O_NONBLOCK);
}

int relay_run(struct relay *relay)
{
	int code;

	connect_stdio(relay);
	if (state.own_terminal >= 0)
		terminal_copy_size(state.own_terminal, relay->master, relay->attached);
	if (relay->master >= 0 && terminal_is(0) && terminal_raw(0, false)) {
		warn_cannot("set terminal to raw mode", "");
		return EXIT_INITCTL;
	}
	code = relay_events();
	terminal_restore();
	if (state.channel_error == ECONNRESET) {
		log_note(LOG_WARN, relay->object, ": the container ended");
	} else if (state.channel_error) {
		errno = state.channel_error;
		warn_cannot("relay session of ", relay->object);
	}
	close_input();
	for (unsigned i = 0; i < STREAMS; i++)
		stream_close(&state.streams[i]);
	close(state.signal_fd);
	return code;
}
