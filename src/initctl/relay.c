/*
 * relay: see relay.h.
 */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "initctl.h"
#include "input.h"
#include "output.h"
#include "stream.h"
#include "terminal.h"

enum { POLL_CONNECTION, POLL_SIGNALS, POLL_STDIN, POLL_TO, POLL_STREAMS, STREAMS = 2 };
enum { POLLS = POLL_STREAMS + STREAMS * STREAM_POLLS };
/* Milliseconds that a start may take before a signal ends initctl instead. */
enum { START = 1000 };
/* After which the end of our stdin is told to a terminal again: the first, and the most. */
enum { AGAIN = 100, AGAIN_MOST = 3200 };

static const int relayed[] = {
	SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGTSTP, SIGCONT, SIGWINCH, SIGUSR1, SIGUSR2, SIGPIPE};

/* One program relays one session. */
static struct {
	struct relay *relay;
	struct input typed;
	struct stream streams[STREAMS];
	int to;      /* where what is typed goes, or -1: nowhere */
	int signals; /* signalfd */
	sigset_t unblocked;
	int screen;     /* our terminal whose size is theirs, or -1 */
	bool no_more;   /* of our stdin */
	int again;      /* milliseconds until a terminal is told again; 0: nobody is */
	long long told; /* when it was: monotonic milliseconds */
	bool detaching; /* asked for, and not yet answered */
	bool held;      /* the answer is there: what was read is still to be written */
	int code;       /* to end with, once all output is out; -1: not yet */
	int error;      /* of the channel, if that is why; ECONNRESET: it closed */
} self;

/* One that we inherited as ignored stays so: nohup, or a shell's command in the background. */
static bool is_ignored(int signal)
{
	struct sigaction action;

	return !sigaction(signal, NULL, &action) && action.sa_handler == SIG_IGN;
}

void relay_block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	for (unsigned i = 0; i < sizeof relayed / sizeof *relayed; i++)
		if (relayed[i] == SIGPIPE || !is_ignored(relayed[i]))
			sigaddset(&set, relayed[i]);
	sigprocmask(SIG_BLOCK, &set, &self.unblocked);
	self.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The last that was received. */
static struct initctl_message message;

void relay_await_start(int connection)
{
	struct pollfd ready = {.fd = connection, .events = POLLIN};

	if (!poll(&ready, 1, START))
		ppoll(&ready, 1, NULL, &self.unblocked);
}

static void stop_typing(void)
{
	/* A master is the stream's. */
	if (self.to >= 0 && self.to == self.relay->in)
		close(self.to);
	self.to = -1;
}

static void send_typed(void)
{
	ssize_t written = write(self.to, self.typed.bytes, self.typed.length);

	if (written > 0)
		input_taken(&self.typed, (size_t)written);
	else if (written < 0 && errno != EAGAIN && errno != EINTR)
		stop_typing();
}

static void detach(void)
{
	char data[64];
	struct initctl_request request;

	/* What stood before the keys; a program that is stuck may never take it. */
	if (self.to >= 0 && self.typed.length)
		send_typed();
	initctl_begin(&request, data, sizeof data, "hold");
	self.detaching = !initctl_send(self.relay->connection, &request, &self.relay->master, 1);
	/* What is printed meanwhile is for whoever comes back. */
	stream_pause(&self.streams[0], self.detaching);
}

/*
 * Whoever reads at the end of a file finds it again and again, but a terminal's is one
 * key, which is lost where a shell sets its modes before it has read that.
 */
static void tell_end(int again)
{
	input_end(&self.typed);
	self.told = sys_now();
	self.again = again < AGAIN_MOST ? again : AGAIN_MOST;
}

/* Our stdin is at its end, and all of it was taken. */
static void pass_end(void)
{
	if (self.to == self.relay->in)
		stop_typing();
	else if (sys_now() - self.told >= self.again)
		tell_end(self.again * 2);
}

/* Reads what the operator types. */
static void read_typed(void)
{
	char data[INPUT_READ];
	ssize_t length = read(0, data, sizeof data);

	if (length < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (length <= 0) {
		self.no_more = true;
		if (self.relay->master >= 0)
			tell_end(AGAIN);
	} else if (input_add(&self.typed, data, (size_t)length)) {
		detach();
	}
}

static void send_signal(int signal)
{
	char data[64];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "signal");
	initctl_add_number(&request, "signal", signal);
	initctl_send(self.relay->connection, &request, NULL, 0);
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

/*
 * Both stop, and both go on; but one on a terminal of its own has Ctrl-Z there. It is
 * STOP, since nobody inside could resume a session's group: the kernel ignores TSTP.
 */
static void stop(void)
{
	if (self.relay->master < 0)
		send_signal(SIGSTOP);
	terminal_pause();
	undergo(SIGTSTP);
	/* Where nobody could resume us, the kernel has not stopped us either. */
	terminal_again();
	send_signal(SIGCONT);
}

/* Returns 0, or the exit code to end with. */
static int take_signal(void)
{
	struct signalfd_siginfo from;
	bool ends, terminal = self.relay->master >= 0;
	int signal;

	if (read(self.signals, &from, sizeof from) != sizeof from)
		return 0;
	signal = (int)from.ssi_signo;
	ends = signal == SIGTERM || signal == SIGINT || signal == SIGQUIT;
	/* Our end closes the connection, and with it the session. */
	if (signal == SIGHUP || (ends && (terminal || self.code >= 0)))
		return EXIT_SIGNAL + signal;
	if (signal == SIGWINCH && terminal && self.screen >= 0) {
		terminal_copy_size(self.screen, self.relay->master, 0);
	} else if (signal == SIGCONT) {
		terminal_again();
		send_signal(SIGCONT);
	} else if (signal == SIGTSTP) {
		stop();
	} else if (signal != SIGPIPE && signal != SIGWINCH) {
		send_signal(signal);
	}
	return 0;
}

/* It is over, but for the output that is there. */
static void finish(int code, int error)
{
	self.code = code;
	self.error = error;
	for (unsigned i = 0; i < STREAMS; i++)
		stream_finish(&self.streams[i]);
}

/* A message on the session's connection. Returns -1, or the exit code to end with. */
static int hear(void)
{
	int result = initctl_receive(self.relay->connection, &message), code;

	if (result != 1) {
		finish(result ? EXIT_INITCTL : EXIT_CONTAINER_ENDED, result ? errno : ECONNRESET);
		return -1;
	}
	initctl_discard(&message);
	code = initctl_code(&message);
	if (code >= 0)
		finish(code, 0);
	if (self.detaching && initctl_is(&message, "held")) {
		self.held = true;
		return -1;
	}
	if (!initctl_is(&message, "failed"))
		return -1;
	/* Refused, and the connection closed, is something else than not possible now. */
	if (initctl_field(&message, "field")) {
		terminal_restore();
		return output_failed(&message, self.relay->object, NULL);
	}
	self.detaching = false;
	stream_pause(&self.streams[0], false);
	return -1;
}

static bool output_waits(void)
{
	bool waits = false;

	for (unsigned i = 0; i < STREAMS; i++)
		waits |= stream_waits(&self.streams[i]);
	return waits;
}

/* Waits for something to do. Returns false where that was the last. */
static bool await(struct pollfd polls[POLLS])
{
	const struct input *typed = &self.typed;
	bool over = self.code >= 0, reads = !over && !self.no_more && !self.detaching;
	int timeout = -1;

	polls[POLL_CONNECTION] = (struct pollfd){
		.fd = over || self.held ? -1 : self.relay->connection, .events = POLLIN};
	polls[POLL_SIGNALS] = (struct pollfd){.fd = self.signals, .events = POLLIN};
	polls[POLL_STDIN] = (struct pollfd){
		.fd = reads && self.to >= 0 && input_has_room(typed) ? 0 : -1, .events = POLLIN};
	polls[POLL_TO] =
		(struct pollfd){.fd = !over && typed->length ? self.to : -1, .events = POLLOUT};
	for (unsigned i = 0; i < STREAMS; i++) {
		stream_polls(&self.streams[i], &polls[POLL_STREAMS + i * STREAM_POLLS]);
		if (self.streams[i].rests)
			timeout = STREAM_REST;
	}
	if (over && !output_waits())
		timeout = 0;
	else if (timeout < 0 && typed->matched)
		timeout = INPUT_PATIENCE / 4;
	else if (timeout < 0 && self.to >= 0 && !typed->length && self.again)
		timeout = self.again;
	if (poll(polls, POLLS, timeout) || timeout)
		return true;
	return false;
}

static int serve(void)
{
	struct pollfd polls[POLLS];
	int code;

	while (await(polls)) {
		for (unsigned i = 0; i < STREAMS; i++) {
			self.streams[i].rests = false;
			stream_move(&self.streams[i], &polls[POLL_STREAMS + i * STREAM_POLLS]);
		}
		if (self.relay->master >= 0 && self.streams[0].from < 0)
			self.to = -1;
		if (polls[POLL_SIGNALS].revents && (code = take_signal()))
			return code;
		if (polls[POLL_STDIN].revents)
			read_typed();
		if (self.typed.matched && !self.detaching &&
			sys_now() - self.typed.since >= INPUT_PATIENCE)
			input_release(&self.typed);
		if (polls[POLL_TO].revents)
			send_typed();
		if (self.no_more && !self.typed.length && self.to >= 0)
			pass_end();
		if (!self.held && polls[POLL_CONNECTION].revents && (code = hear()) >= 0)
			return code;
		if (self.held && !output_waits()) {
			terminal_restore();
			output_held(&message);
			return 0;
		}
	}
	return self.code;
}

/* What is typed and what is printed go between our descriptors and theirs. */
static void connect_all(struct relay *relay)
{
	bool terminal = relay->master >= 0;

	self.relay = relay;
	self.code = -1;
	self.to = terminal ? relay->master : relay->in;
	self.typed.keys = terminal && terminal_is(0) ? relay->detach : "";
	self.screen = terminal ? terminal_ours() : -1;
	stream_open(&self.streams[0], terminal ? relay->master : relay->out[0], terminal, 1);
	stream_open(&self.streams[1], relay->out[1], false, 2);
	if (relay->in >= 0)
		sys_fcntl(relay->in, F_SETFL, O_WRONLY | O_NONBLOCK);
}

int relay_run(struct relay *relay)
{
	int code;

	connect_all(relay);
	if (self.screen >= 0)
		terminal_copy_size(self.screen, relay->master, relay->attached);
	if (relay->master >= 0 && terminal_is(0) && terminal_raw(0)) {
		log_warn("set terminal raw", "");
		return EXIT_INITCTL;
	}
	code = serve();
	terminal_restore();
	if (self.error == ECONNRESET) {
		warn(relay->object, ": the container ended");
	} else if (self.error) {
		errno = self.error;
		log_warn("follow ", relay->object);
	}
	stop_typing();
	for (unsigned i = 0; i < STREAMS; i++)
		stream_close(&self.streams[i]);
	close(self.signals);
	return code;
}
