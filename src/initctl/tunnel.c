/*
 * tunnel: see tunnel.h.
 */
#include "tunnel.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sys.h"
#include "dial.h"
#include "exit.h"
#include "handler.h"
#include "join.h"

enum {
	RETRY = 100,     /* milliseconds until connections are accepted again after an error */
	LOOK = 20,       /* and between two looks at whether all have ended, */
	LAST_TIME = 5000 /* which they have to after the container's end */
};

static struct {
	const struct context *context;
	int connection; /* to init */
	const struct tunnel_listener *listeners;
	unsigned count;
	bool warned; /* that no more connections are accepted for now */
} state;

static void pause_accepting(void)
{
	if (!state.warned)
		log_note(LOG_WARN, "cannot accept more connections for now: ", error_text(errno));
	state.warned = true;
	poll(NULL, 0, RETRY);
}

/* Has the peer see, or not see, that what it gets before the end of this process is not all. */
static void set_reset(int fd, bool reset)
{
	const struct linger linger = {.l_onoff = reset};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

/* The process of a connection. started is closed when init has passed a socket for it. */
_Noreturn static void serve(const struct inet_host *target, int client, int started)
{
	char text[INET_TEXT];
	enum join_end end;
	int socket;

	for (unsigned i = 0; i < state.count; i++)
		close(state.listeners[i].fd);
	set_reset(client, true);
	inet_hurry(client);
	socket = dial(state.context, target, "forward", started, text);
	set_reset(socket, true);
	end = join_run(state.connection, socket, client, client);
	/* A reset would discard what the client has not taken yet. */
	if (end == JOIN_DONE || end == JOIN_CONTAINER_ENDED) {
		set_reset(client, false);
		set_reset(socket, false);
	}
	_exit(0);
}

/*
 * Starts the process of a connection, and waits until init has passed a socket for it, or it has
 * failed: init has connections for a number of clients only, and a burst is to leave it some.
 * Returns 0, or -1 with errno.
 */
static int start(const struct inet_host *target, int client)
{
	const pid_t parent = getpid();
	struct pollfd ended = {0};
	int started[2];
	pid_t child;

	if (sys_pipe(started))
		return -1;
	child = sys_fork(0);
	if (!child) {
		sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(started[0]);
		if (getppid() == parent)
			serve(target, client, started[1]);
		_exit(0);
	}
	close(started[1]);
	ended.fd = started[0];
	if (child > 0)
		poll(&ended, 1, -1);
	close(started[0]);
	return child < 0 ? -1 : 0;
}

static void accept_one(const struct tunnel_listener *listener)
{
	const int client = sys_accept(listener->fd);

	if (client >= 0) {
		while (start(listener->target, client))
			pause_accepting();
		close(client);
	} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
		/* Any other error is that of a connection that has ended meanwhile. */
		pause_accepting();
	}
}

int tunnel_run(const struct context *context, int connection,
	const struct tunnel_listener *listeners, unsigned count)
{
	struct pollfd polls[TUNNEL_LISTENERS + 1];
	long long end;

	handler_set(SIGPIPE, SIG_IGN);
	/* Nobody waits for the children. */
	handler_set(SIGCHLD, SIG_IGN);
	state.context = context;
	state.connection = connection;
	state.listeners = listeners;
	state.count = count;
	for (unsigned i = 0; i < count; i++)
		polls[i] = (struct pollfd){.fd = listeners[i].fd, .events = POLLIN};
	for (;;) {
		polls[count] = (struct pollfd){.fd = connection};
		poll(polls, count + 1, -1);
		if (polls[count].revents)
			break;
		for (unsigned i = 0; i < count; i++)
			if (polls[i].revents)
				accept_one(&listeners[i]);
	}
	/* What servers of the container have sent last may still be on its way. */
	for (unsigned i = 0; i < count; i++)
		close(listeners[i].fd);
	end = sys_now() + LAST_TIME;
	while (!waitpid(-1, NULL, WNOHANG) && sys_now() < end)
		poll(NULL, 0, LOOK);
	log_note(LOG_WARN, "cannot forward any more: the container ended", NULL);
	return EXIT_CONTAINER_ENDED;
}
