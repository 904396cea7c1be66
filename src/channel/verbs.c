#include "verbs.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/version.h"
#include "exports.h"
#include "process/descendants.h"

static struct {
	const struct server_view *view;
	struct server_wish wish;
} self;

void verbs_setup(const struct server_view *view)
{
	self.view = view;
	verbs_wish();
}

void verbs_progress(struct session *session)
{
	struct connection *connection =
		session->connection < 0 ? NULL : connection_at((unsigned)session->connection);
	struct spawn_failure failure;
	enum session_progress result;
	int master;

	do
		result = session_progress(session, &failure);
	while (result == SESSION_TERMINAL);
	if (result == SESSION_STARTING)
		return;
	connection_poll(EPOLL_CTL_DEL, session->progress, FROM_PROGRESS, 0, 0);
	session_settle(session);
	master = session_take_master(session);
	if (result == SESSION_FAILED) {
		session->failed = true;
		session->connection = -1;
		if (connection) {
			connection->session = NULL;
			connection_fail(connection, spawn_stage_name(failure.stage), failure.error);
		}
	} else {
		connection_publish(MESSAGE("event\0type=started\0session=#\0pid=#"), N(session->id),
			N(session->pid));
		if (connection)
			connection_reply(connection, master, MESSAGE("started\0session=#\0pid=#"),
				N(session->id), N(session->pid));
	}
	if (master)
		close(master);
}

static void do_status(struct connection *connection)
{
	static const char message[] =
		"status\0release=" INIT_VERSION "\0state=$\0pid=#\0main=#\0uptime=#\0"
		"reaped=#\0forwarded=#\0sessions=#\0?";
	const struct server_view *view = self.view;
	/* How the command ended is for when it has. */
	size_t length = sizeof message - (view->ended ? 0 : sizeof "?");

	connection_reply(connection, 0, message, length, view->state, N(getpid()),
		N(view->command->pid), N(sys_now() - view->started), N(view->reaped),
		N(view->forwarded), N(session_count()), view->status);
}

static void do_exec(struct connection *connection, const struct request *request, const int *fds)
{
	struct session *session;

	if (self.view->stopping || connection->session) {
		connection_fail(connection, "request", connection->session ? EBUSY : ESHUTDOWN);
		return;
	}
	session = session_start(request, fds, (int)connection_index(connection), environ);
	if (session && connection_poll(EPOLL_CTL_ADD, session->progress, FROM_PROGRESS,
			       session_index(session), EPOLLIN)) {
		/* Nobody would hear how it goes. */
		kill(session->pid, SIGKILL);
		session_settle(session);
		session->failed = true;
		session->connection = -1;
		session = NULL;
	}
	connection->session = session;
	if (!session)
		connection_fail(connection, "fork", errno);
}

/* The session that a request names, or that of its connection; NULL where there is none. */
static struct session *session_of(
	const struct connection *connection, const struct request *request)
{
	return request->session ? session_by_id(request->session) : connection->session;
}

static void do_signal(struct connection *connection, const struct request *request)
{
	const struct server_view *view = self.view;
	struct session *session = session_of(connection, request);
	int result = -1;

	errno = ESRCH;
	if (request->target == TARGET_ALL) {
		descendants_signal(view->proc, request->signal);
		result = 0;
	} else if (request->target == TARGET_PID) {
		result = descendants_signal_one(view->proc, (pid_t)request->pid, request->signal);
	} else if (request->target == TARGET_SESSION && (session || request->session)) {
		result = session ? session_signal(session, request->signal) : -1;
	} else if (view->command->pid) {
		result = signal_forward(view->command, request->signal, NULL);
	}
	if (result) {
		connection_fail(connection, "signal", errno);
		return;
	}
	connection_reply(connection, 0, MESSAGE("signalled"));
}

/* One line of the list, or what follows the last. */
static int list_one(const struct connection *connection)
{
	const struct session *session = session_at(connection->listing - 1U);

	if (connection->listing > SESSIONS)
		return connection_try(connection, MESSAGE("end"));
	if (!session)
		return 0;
	return connection_try(connection,
		MESSAGE("session\0session=#\0pid=#\0name=$\0state=$\0terminal=$\0uptime=#"),
		N(session->id), N(session->pid), session->name,
		session->held              ? "held"
		: session->connection >= 0 ? "attached"
					   : "ending",
		session->terminal ? "true" : "false", N(sys_now() - session->started));
}

void verbs_list(struct connection *connection)
{
	while (connection->listing && !list_one(connection))
		connection->listing = connection->listing > SESSIONS
		                              ? 0
		                              : (unsigned short)(connection->listing + 1);
	if (connection->listing && errno != EAGAIN)
		connection_drop(connection);
	else
		connection_await_room(connection, connection->listing || connection->lost);
}

/* The session stays when its connection goes. With the master it can be seen again. */
static void do_hold(struct connection *connection, const int *fds, unsigned *count)
{
	struct session *session = connection->session;

	if (!session || session->progress) {
		connection_fail(connection, "hold", ESRCH);
		return;
	}
	connection->session = NULL;
	session->connection = -1;
	session->held = true;
	if (*count)
		session->master = fds[0];
	*count = 0;
	connection_reply(connection, 0, MESSAGE("held\0session=#"), N(session->id));
}

static void do_attach(struct connection *connection, const struct request *request)
{
	struct session *session = session_by_id(request->session);
	int master;

	if (!session || !session->held || connection->session) {
		connection_fail(connection, "attach", session ? EBUSY : ESRCH);
		return;
	}
	/* It stays held should the peer not take it. */
	if (connection_reply(connection, session->master, MESSAGE("attached\0session=#\0pid=#"),
		    N(session->id), N(session->pid)))
		return;
	master = session_take_master(session);
	if (master)
		close(master);
	session->held = false;
	session->connection = (int)connection_index(connection);
	connection->session = session;
}

static void do_watch(struct connection *connection)
{
	if (connection_reply(connection, 0, MESSAGE("event\0type=state\0state=$\0main=#"),
		    self.view->state, N(self.view->command->pid)))
		return;
	connection_watch(connection);
}

static void tell_end(struct connection *connection)
{
	connection_reply(connection, 0, MESSAGE("exited\0?"), self.view->status);
}

static void do_wait(struct connection *connection)
{
	if (self.view->ended)
		tell_end(connection);
	else
		connection->waits = true;
}

static void do_stop(struct connection *connection, const struct request *request)
{
	self.wish.stop = true;
	self.wish.grace = request->grace;
	connection_reply(connection, 0, MESSAGE("stopping"));
}

static void do_open(struct connection *connection, const struct request *request)
{
	const bool main = request->what && text_is(request->what, 0, "main");
	int fd;

	if (main)
		fd = self.view->command->pid ? self.view->command->pidfd : -1;
	else if (request->what)
		fd = exports_what(request->what);
	else
		fd = exports_namespace(request->name_space ? request->name_space : "");
	if (fd < 0) {
		if (!main && errno == EINVAL)
			connection_refuse(
				connection, EINVAL, request->name_space ? "namespace" : "what");
		else
			connection_fail(connection, "open", main ? ESRCH : ENOENT);
		return;
	}
	connection_reply(connection, fd, MESSAGE("opened"));
}

void answer(struct connection *connection, const struct request *request, const int *fds,
	unsigned *count)
{
	switch (request->verb) {
	case VERB_STATUS:
		do_status(connection);
		break;
	case VERB_EXEC:
		do_exec(connection, request, fds);
		break;
	case VERB_SIGNAL:
		do_signal(connection, request);
		break;
	case VERB_SESSIONS:
		connection->listing = 1;
		verbs_list(connection);
		break;
	case VERB_HOLD:
		do_hold(connection, fds, count);
		break;
	case VERB_ATTACH:
		do_attach(connection, request);
		break;
	case VERB_WATCH:
		do_watch(connection);
		break;
	case VERB_WAIT:
		do_wait(connection);
		break;
	case VERB_STOP:
		do_stop(connection, request);
		break;
	default:
		do_open(connection, request);
	}
}

void verbs_death(struct session *session, int status)
{
	struct connection *connection;

	/* Its last words first. */
	if (session->progress)
		verbs_progress(session);
	if (!session->failed)
		connection_publish(MESSAGE("event\0type=exited\0session=#\0pid=#\0?"),
			N(session->id), N(session->pid), status);
	connection = session->connection < 0 ? NULL : connection_at((unsigned)session->connection);
	session_died(session);
	if (connection) {
		connection->session = NULL;
		connection_reply(connection, 0, MESSAGE("exited\0?"), status);
	}
}

void verbs_main_ended(void)
{
	connection_publish(MESSAGE("event\0type=main\0?"), self.view->status);
	for (unsigned i = 0; i < CONNECTIONS; i++)
		if (connection_at(i) && connection_at(i)->waits)
			tell_end(connection_at(i));
}

struct server_wish verbs_wish(void)
{
	struct server_wish wish = self.wish;

	self.wish = (struct server_wish){.grace = NOT_SAID};
	return wish;
}
