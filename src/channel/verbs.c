#include "verbs.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/version.h"
#include "events.h"
#include "exports.h"
#include "process/descendants.h"

static struct {
	const struct server_view *view;
	bool stop_wanted;
	long long stop_grace; /* the shortest that was given: milliseconds, or NOT_SAID */
} self;

/* The stage of the reply is the verb. */
static void fail(const struct verb_call *call, int error, const char *message)
{
	connection_fail(call->connection, call->request->verb->name, error, message);
}

static void run_status(struct verb_call *call)
{
	const struct server_view *view = self.view;
	const struct credentials *user = view->privileges->user;

	reply_begin("status");
	reply_add("release", INIT_VERSION);
	reply_add("state", view->state);
	reply_add_number("pid", getpid());
	reply_add_number("main", view->command->pid);
	reply_add_number("user", user ? user->uid : geteuid());
	reply_add_number("uptime", sys_now() - view->started);
	reply_add_number("reaped", (long long)view->reaped);
	reply_add_number("forwarded", (long long)view->forwarded);
	reply_add_number("sessions", session_count());
	if (view->ended)
		reply_add_status(view->status);
	connection_send(call->connection, -1);
}

static void run_exec(struct verb_call *call)
{
	struct connection *connection = call->connection;
	struct session *session;

	if (connection->session || self.view->stopping) {
		const bool busy = connection->session;
		connection_fail(connection, "request", busy ? EBUSY : ESHUTDOWN,
			busy ? "the connection has a session" : "the container is stopping");
		return;
	}
	session = session_start(call->request, self.view->privileges, call->fds, environ);
	if (!session) {
		connection_fail(connection, "fork", errno,
			session_count() == SESSIONS ? "too many sessions" : NULL);
		return;
	}
	if (connection_epoll_ctl(EPOLL_CTL_ADD, session->progress, FROM_PROGRESS,
		    session_index(session), EPOLLIN)) {
		connection_fail(connection, "fork", errno, NULL);
		/* Its progress could not be followed. */
		session_signal(session, SIGKILL);
		session_fail(session);
		return;
	}
	connection_bind(connection, session);
	/* The child holds them as well, so that ours are not the last: closing them cannot block.
	 */
	seqpacket_discard(call->fds, call->count);
	call->count = 0;
}

/* 0, or -1 with errno. */
static int send_signal(const struct connection *connection, const struct request *request)
{
	const struct server_view *view = self.view;
	const struct session *session =
		request->session ? session_by_id(request->session) : connection->session;

	errno = ESRCH;
	switch (request->target) {
	case TARGET_ALL:
		descendants_signal(view->proc, request->signal);
		return 0;
	case TARGET_PID:
		return descendants_signal_one(view->proc, (pid_t)request->pid, request->signal);
	case TARGET_SESSION:
		if (session)
			return session_signal(session, request->signal);
		if (request->session)
			return -1;
		break;
	case TARGET_MAIN:
		break;
	}
	return view->command->pid ? signal_forward(view->command, request->signal, NULL) : -1;
}

static void run_signal(struct verb_call *call)
{
	if (send_signal(call->connection, call->request)) {
		fail(call, errno, NULL);
		return;
	}
	reply_begin("signalled");
	connection_send(call->connection, -1);
}

/* One line of the list, or what follows the last. 0, or -1 with errno. */
static int list_one(const struct connection *connection)
{
	const struct session *session = session_at((unsigned)connection->listing);

	if (connection->listing == SESSIONS) {
		reply_begin("end");
		return reply_send(connection->fd, -1);
	}
	if (!session)
		return 0;
	reply_begin("session");
	events_add_session(session);
	reply_add("name", session->name);
	reply_add("state", session_state_name(session));
	reply_add("terminal", session->terminal ? "true" : "false");
	reply_add_number("uptime", sys_now() - session->started);
	return reply_send(connection->fd, -1);
}

void verbs_continue_list(struct connection *connection)
{
	while (connection->listing >= 0 && !list_one(connection))
		connection->listing =
			connection->listing == SESSIONS ? -1 : connection->listing + 1;
	if (connection->listing >= 0 && errno != EAGAIN)
		connection_drop(connection);
	else
		connection_await_room(connection);
}

static void run_sessions(struct verb_call *call)
{
	call->connection->listing = 0;
	verbs_continue_list(call->connection);
}

/* The session stays when its connection goes. With the master it can be seen again. */
static void run_hold(struct verb_call *call)
{
	struct connection *connection = call->connection;
	struct session *session = connection->session;

	if (!session || session->state == SESSION_STARTING) {
		fail(call, ESRCH, "the connection has no session");
		return;
	}
	if (session->state != SESSION_ATTACHED) {
		fail(call, ESHUTDOWN, "the session is ending");
		return;
	}
	connection_unbind(session);
	session_hold(session, call->count ? call->fds[0] : -1);
	call->count = 0;
	events_tell_session("held", session);
	reply_begin("held");
	reply_add_number("session", session->id);
	connection_send(connection, -1);
}

static void run_attach(struct verb_call *call)
{
	struct connection *connection = call->connection;
	struct session *session = session_by_id(call->request->session);

	if (!session) {
		fail(call, ESRCH, "no such session");
		return;
	}
	if (connection->session) {
		fail(call, EBUSY, "the connection has a session");
		return;
	}
	if (session->state != SESSION_HELD) {
		fail(call, EBUSY, "the session is not held");
		return;
	}
	reply_begin("attached");
	events_add_session(session);
	/* It stays held should the peer not take it. */
	if (connection_send(connection, session->master))
		return;
	session_drop_master(session);
	session_attach(session);
	connection_bind(connection, session);
	events_tell_session("attached", session);
}

static void run_watch(struct verb_call *call)
{
	events_begin_state(self.view);
	if (!connection_send(call->connection, -1))
		call->connection->watches = true;
}

static void run_wait(struct verb_call *call)
{
	if (self.view->ended)
		events_tell_end(call->connection, self.view->status);
	else
		call->connection->waits = true;
}

static void run_stop(struct verb_call *call)
{
	/* Several may come before the first is acted on. */
	self.stop_wanted = true;
	self.stop_grace = shorter(self.stop_grace, call->request->grace);
	reply_begin("stopping");
	connection_send(call->connection, -1);
}

static const struct {
	char name[5];
	unsigned char family, type;
} sockets[] = {
	{"tcp4", AF_INET, SOCK_STREAM},
	{"tcp6", AF_INET6, SOCK_STREAM},
	{"udp4", AF_INET, SOCK_DGRAM},
	{"udp6", AF_INET6, SOCK_DGRAM},
};

/*
 * A socket belongs to the network namespace of the process that makes it, whoever uses it then
 * (network_namespaces(7)): the client connects or binds it. The descriptor, or -1 with errno.
 */
static int open_socket(const char *name)
{
	const unsigned row = TEXT_ROW(name, 0, sockets);

	errno = EINVAL;
	if (row == sizeof sockets / sizeof *sockets)
		return -1;
	return sys_socket(sockets[row].family, sockets[row].type);
}

static void run_open(struct verb_call *call)
{
	const struct request *request = call->request;
	const struct recipient *command = self.view->command;
	const bool is_socket = request_has(request, FIELD_SOCKET);
	const char *name = request->name ? request->name : "", *field = "what",
		   *problem = "not available here";
	int fd;

	if (is_socket) {
		fd = open_socket(name);
		field = "socket";
		problem = NULL;
	} else if (request_has(request, FIELD_NAMESPACE)) {
		fd = exports_namespace(name);
		field = "namespace";
	} else if (text_is(name, 0, "main")) {
		fd = command->pid ? command->pidfd : -1;
		errno = ESRCH;
		problem = "the main command has ended";
	} else {
		fd = exports_directory(name);
	}
	if (fd < 0 && errno == EINVAL) {
		connection_refuse(call->connection, EINVAL, field);
	} else if (fd < 0) {
		fail(call, errno, problem);
	} else {
		reply_begin("opened");
		connection_send(call->connection, fd);
	}
	if (is_socket && fd >= 0)
		sys_close(fd);
}

/* The function has the name of its verb, so that a verb without one does not compile. */
#define VERB(word, ...)                                                                            \
	{                                                                                          \
		.name = #word, .run = run_##word, __VA_ARGS__                                      \
	}

static const struct verb table[] = {
	VERB(status),
	VERB(exec, .descriptors = REQUEST_STDIO,
		.fields = FIELD_BIT(ADDITIONAL_GIDS) | FIELD_BIT(ARGUMENTS) | FIELD_BIT(CWD) |
                          FIELD_BIT(ENV) | FIELD_BIT(HEIGHT) | FIELD_BIT(NO_NEW_PRIVILEGES) |
                          FIELD_BIT(PRIVILEGED) | FIELD_BIT(PROGRAM) | FIELD_BIT(RLIMITS) |
                          FIELD_BIT(TERMINAL) | FIELD_BIT(UMASK) | FIELD_BIT(USER) |
                          FIELD_BIT(WIDTH)),
	VERB(signal,
		.fields =
			FIELD_BIT(SIGNAL) | FIELD_BIT(TARGET) | FIELD_BIT(PID) | FIELD_BIT(SESSION),
		.required = FIELD_SIGNAL),
	VERB(sessions),
	VERB(hold, .descriptors = REQUEST_MASTER),
	VERB(attach, .fields = FIELD_BIT(SESSION), .required = FIELD_SESSION),
	VERB(watch),
	VERB(wait),
	VERB(stop, .fields = FIELD_BIT(GRACE)),
	VERB(open, .fields = FIELD_BIT(WHAT) | FIELD_BIT(NAMESPACE) | FIELD_BIT(SOCKET)),
};

enum { VERBS = sizeof table / sizeof *table };

_Static_assert(VERBS + 2 <= 32, "a set of verbs is the bits of an unsigned");

const struct verb *verbs_at(unsigned index)
{
	return index < VERBS ? &table[index] : NULL;
}

const struct verb *verbs_find(const char *name)
{
	return verbs_at(TEXT_ROW(name, 0, table));
}

/* What a list of verbs may withhold although it has exec. */
enum { USER = VERBS, PRIVILEGED };

static unsigned long long bit_of(const char *name)
{
	const unsigned index = TEXT_ROW(name, ',', table);

	if (index < VERBS)
		return 1U << index;
	if (text_is(name, ',', "user"))
		return 1U << USER;
	return text_is(name, ',', "privileged") ? 1U << PRIVILEGED : 0;
}

unsigned verbs_from_list(const char *list)
{
	return (unsigned)text_set(list, bit_of);
}

const char *verbs_withheld(unsigned set, const struct request *request)
{
	if (!(set & 1U << (request->verb - table)))
		return "request";
	if (request_has(request, FIELD_USER) && !(set & 1U << USER))
		return "user";
	return request->privileged && !(set & 1U << PRIVILEGED) ? "privileged" : NULL;
}

int verbs_read(struct request *request, char *data, size_t length, unsigned descriptors,
	const char **field)
{
	memset(request, 0, sizeof *request);
	*field = "message";
	errno = EINVAL;
	if (wire_read(&request->wire, data, length))
		return -1;
	*field = "request";
	errno = ENOSYS;
	request->verb = verbs_find(request->wire.name);
	return request->verb ? request_read(request, descriptors, field) : -1;
}

void verbs_setup(const struct server_view *view)
{
	self.view = view;
	self.stop_grace = NOT_SAID;
}

bool verbs_take_stop(long long *grace)
{
	const bool wanted = self.stop_wanted;

	self.stop_wanted = false;
	*grace = self.stop_grace;
	return wanted;
}
