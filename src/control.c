#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fds.h"
#include "handout.h"
#include "listener.h"
#include "log.h"
#include "number.h"
#include "others.h"
#include "reason.h"
#include "request.h"
#include "seqpacket.h"
#include "session.h"
#include "status.h"
#include "sys.h"
#include "usage.h"
#include "wire.h"

enum {
	/* A few more than sessions, so that a full house can still be asked and stopped. */
	CONNECTIONS = SESSIONS + 24,
	/* Of one uid that is neither root nor ours. */
	CONNECTIONS_PER_UID = CONNECTIONS / 4,
	EVENTS = 16,
	ACCEPTS = 16,
	OVERFLOW_UID = 65534,
	REPLY_SIZE = 512,
};

/* What an epoll event is about: in the upper half, with an index in the lower. */
enum source { FROM_SIGNALS, FROM_LISTENER, FROM_CONNECTION, FROM_PROGRESS };

struct connection {
	int fd; /* 0: this record is free */
	uid_t uid;
	struct session *session;
	bool watches, waits;
	unsigned short listing; /* next index of the list being sent, plus 1; 0: none */
	unsigned lost;          /* events that it was too slow for */
};

static struct {
	const struct control_setup *setup;
	const struct control_view *view;
	struct listener listener;
	struct control_wish wish;
	int epoll, spare;
	unsigned high; /* connections in use are below */
	unsigned watchers;
} self;

static struct connection connections[CONNECTIONS] SYS_LAST;
static char received[WIRE_SIZE] SYS_LAST;

static int poll_for(int operation, int fd, enum source source, unsigned index, unsigned events)
{
	struct epoll_event event = {
		.events = events, .data.u64 = (unsigned long long)source << 32 | index};

	return epoll_ctl(self.epoll, operation, fd, &event);
}

static unsigned index_of(const struct connection *connection)
{
	return (unsigned)(connection - connections);
}

static void drop(struct connection *connection)
{
	struct session *session = connection->session;

	/* A child on its way to exec may hold a copy, and epoll(7) goes by the copies. */
	poll_for(EPOLL_CTL_DEL, connection->fd, FROM_CONNECTION, 0, 0);
	close(connection->fd);
	self.watchers -= connection->watches;
	*connection = (struct connection){.fd = 0};
	if (session) {
		session->connection = -1;
		session_hang_up(session, self.view->grace);
	}
	while (self.high && !connections[self.high - 1].fd)
		self.high--;
}

/* For the # of a template; a message is sized with its last NUL. */
#define N(number)        ((long long)(number))
#define MESSAGE(message) (message), sizeof(message)

/*
 * Sends a message from its template (see wire_compose); fd, where it is not 0, goes
 * along. 0, or -1 with errno: it was not sent, and nothing else was done about it.
 */
static int try_send_list(const struct connection *connection, int fd, const char *template,
	size_t length, va_list values)
{
	char data[REPLY_SIZE];
	size_t size = wire_compose(data, sizeof data, template, length, values);

	errno = EMSGSIZE;
	if (!size)
		return -1;
	return seqpacket_send(connection->fd, data, size, &fd, fd > 0, MSG_DONTWAIT);
}

static int try_send(const struct connection *connection, const char *template, size_t length, ...)
{
	va_list values;
	int result;

	va_start(values, length);
	result = try_send_list(connection, 0, template, length, values);
	va_end(values);
	return result;
}

/* As try_send; but a client that does not read its replies is no client. */
static int reply(struct connection *connection, int fd, const char *template, size_t length, ...)
{
	va_list values;
	int result = -1;

	va_start(values, length);
	if (connection->fd) {
		result = try_send_list(connection, fd, template, length, values);
		if (result)
			drop(connection);
	}
	va_end(values);
	return result;
}

static void fail(struct connection *connection, const char *stage, int error)
{
	char reason[REASON_SIZE];

	reply(connection, 0, MESSAGE("failed\0stage=$\0errno=#\0message=$"), stage, N(error),
		reason_text(error, reason));
}

/* Bad input: one answer, and the end of the connection. */
static void refuse(struct connection *connection, int error, const char *field)
{
	char reason[REASON_SIZE];

	/* What does not fit was no field of ours. */
	if (strlen(field) > REPLY_SIZE / 2)
		field = "request";
	reply(connection, 0, MESSAGE("failed\0stage=request\0errno=#\0field=$\0message=$"),
		N(error), field, reason_text(error, reason));
	if (connection->fd)
		drop(connection);
}

static int tell_lost(struct connection *connection)
{
	if (try_send(connection, MESSAGE("event\0type=lost\0count=#"), N(connection->lost)))
		return -1;
	connection->lost = 0;
	return 0;
}

/* Until its peer has read something, this connection is one to write to. */
static void await_room(struct connection *connection, bool wanted)
{
	poll_for(EPOLL_CTL_MOD, connection->fd, FROM_CONNECTION, index_of(connection),
		EPOLLIN | (wanted ? EPOLLOUT : 0));
}

/* To all who watch: whoever is slow loses events, and is told how many. */
static void publish(const char *template, size_t length, ...)
{
	va_list values;

	for (unsigned i = 0; self.watchers && i < self.high; i++) {
		struct connection *connection = &connections[i];
		if (!connection->fd || !connection->watches)
			continue;
		va_start(values, length);
		if (connection->lost || try_send_list(connection, 0, template, length, values)) {
			connection->lost++;
			await_room(connection, true);
		}
		va_end(values);
	}
}

/* News of a session's start: tells its connection and those who watch. */
static void progress(struct session *session)
{
	struct connection *connection =
		session->connection < 0 ? NULL : &connections[session->connection];
	struct spawn_failure failure;
	enum session_progress result;
	int master;

	do
		result = session_progress(session, &failure);
	while (result == SESSION_TERMINAL);
	if (result == SESSION_STARTING)
		return;
	poll_for(EPOLL_CTL_DEL, session->progress, FROM_PROGRESS, 0, 0);
	session_settle(session);
	master = session_take_master(session);
	if (result == SESSION_FAILED) {
		session->failed = true;
		session->connection = -1;
		if (connection) {
			connection->session = NULL;
			fail(connection, spawn_stage_name(failure.stage), failure.error);
		}
	} else {
		publish(MESSAGE("event\0type=started\0session=#\0pid=#"), N(session->id),
			N(session->pid));
		if (connection)
			reply(connection, master, MESSAGE("started\0session=#\0pid=#"),
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
	const struct control_view *view = self.view;
	/* How the command ended is for when it has. */
	size_t length = sizeof message - (view->ended ? 0 : sizeof "?");

	reply(connection, 0, message, length, view->state, N(getpid()), N(view->command->pid),
		N(sys_now() - view->started), N(view->reaped), N(view->forwarded),
		N(session_count()), view->status);
}

static void do_exec(struct connection *connection, const struct request *request, const int *fds)
{
	struct session *session;

	if (self.view->stopping || connection->session) {
		fail(connection, "request", connection->session ? EBUSY : ESHUTDOWN);
		return;
	}
	session = session_start(request, fds, (int)index_of(connection), environ);
	if (session && poll_for(EPOLL_CTL_ADD, session->progress, FROM_PROGRESS,
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
		fail(connection, "fork", errno);
}

/* The session that a request names, or that of its connection; NULL where there is none. */
static struct session *session_of(
	const struct connection *connection, const struct request *request)
{
	return request->session ? session_by_id(request->session) : connection->session;
}

static void do_signal(struct connection *connection, const struct request *request)
{
	const struct control_view *view = self.view;
	struct session *session = session_of(connection, request);
	int result = -1;

	errno = ESRCH;
	if (request->target == TARGET_ALL) {
		others_signal(view->proc, request->signal);
		result = 0;
	} else if (request->target == TARGET_PID) {
		result = others_signal_one(view->proc, request->pid, request->signal);
	} else if (request->target == TARGET_SESSION && (session || request->session)) {
		result = session ? session_signal(session, request->signal) : -1;
	} else if (view->command->pid) {
		result = signal_forward(view->command, request->signal, NULL);
	}
	if (result) {
		fail(connection, "signal", errno);
		return;
	}
	reply(connection, 0, MESSAGE("signalled"));
}

/* One line of the list, or what follows the last. */
static int list_one(const struct connection *connection)
{
	const struct session *session = session_at(connection->listing - 1U);

	if (connection->listing > SESSIONS)
		return try_send(connection, MESSAGE("end"));
	if (!session)
		return 0;
	return try_send(connection,
		MESSAGE("session\0session=#\0pid=#\0name=$\0state=$\0terminal=$\0uptime=#"),
		N(session->id), N(session->pid), session->name,
		session->held              ? "held"
		: session->connection >= 0 ? "attached"
					   : "ending",
		session->terminal ? "true" : "false", N(sys_now() - session->started));
}

/* Goes on with the list, as far as the peer has read. */
static void list_sessions(struct connection *connection)
{
	while (connection->listing && !list_one(connection))
		connection->listing = connection->listing > SESSIONS
		                              ? 0
		                              : (unsigned short)(connection->listing + 1);
	if (connection->listing && errno != EAGAIN)
		drop(connection);
	else
		await_room(connection, connection->listing || connection->lost);
}

/* The session stays when its connection goes. With the master it can be seen again. */
static void do_hold(struct connection *connection, int *fds, unsigned count)
{
	struct session *session = connection->session;

	if (!session || session->progress) {
		fail(connection, "hold", ESRCH);
		return;
	}
	connection->session = NULL;
	session->connection = -1;
	session->held = true;
	if (count) {
		session->master = fds[0];
		fds[0] = -1;
	}
	reply(connection, 0, MESSAGE("held\0session=#"), N(session->id));
}

static void do_attach(struct connection *connection, const struct request *request)
{
	struct session *session = session_by_id(request->session);
	int master;

	if (!session || !session->held || connection->session) {
		fail(connection, "attach", session ? EBUSY : ESRCH);
		return;
	}
	/* It stays held should the peer not take it. */
	if (reply(connection, session->master, MESSAGE("attached\0session=#\0pid=#"),
		    N(session->id), N(session->pid)))
		return;
	master = session_take_master(session);
	if (master)
		close(master);
	session->held = false;
	session->connection = (int)index_of(connection);
	connection->session = session;
}

static void do_watch(struct connection *connection)
{

	if (reply(connection, 0, MESSAGE("event\0type=state\0state=$\0main=#"), self.view->state,
		    N(self.view->command->pid)))
		return;
	self.watchers += !connection->watches;
	connection->watches = true;
}

static void tell_end(struct connection *connection)
{
	reply(connection, 0, MESSAGE("exited\0?"), self.view->status);
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
	reply(connection, 0, MESSAGE("stopping"));
}

static void do_open(struct connection *connection, const struct request *request)
{
	const bool main = request->what && !strcmp(request->what, "main");
	int fd;

	if (main)
		fd = self.view->command->pid ? self.view->command->pidfd : -1;
	else if (request->what)
		fd = handout_what(request->what);
	else
		fd = handout_namespace(request->name_space ? request->name_space : "");
	if (fd < 0) {
		if (!main && errno == EINVAL)
			refuse(connection, EINVAL, request->name_space ? "namespace" : "what");
		else
			fail(connection, "open", main ? ESRCH : ENOENT);
		return;
	}
	reply(connection, fd, MESSAGE("opened"));
}

/* Neither a directory nor a bare path may become the stdio of a command (CVE-2024-21626). */
static bool acceptable(const int *fds, unsigned count)
{
	struct status status;

	for (unsigned i = 0; i < count; i++)
		if (status_of(fds[i], &status) || S_ISDIR(status.mode) ||
			(sys_fcntl(fds[i], F_GETFL, 0) & O_PATH))
			return false;
	return true;
}

static void act(
	struct connection *connection, const struct request *request, int *fds, unsigned count)
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
		list_sessions(connection);
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

static void receive(struct connection *connection)
{
	struct request request;
	int fds[WIRE_DESCRIPTORS];
	unsigned count;
	const char *field;
	ssize_t length = seqpacket_receive(
		connection->fd, received, sizeof received, fds, &count, MSG_DONTWAIT);

	if (length < 0) {
		if (errno != EAGAIN && errno != EINTR)
			refuse(connection, errno, errno == EMSGSIZE ? "message" : "descriptors");
		return;
	}
	/*
	 * The end of the connection reads like an empty message, which is a bad one and
	 * may have come with descriptors. Then there is nobody to hear the answer.
	 */
	if (request_read(&request, received, (size_t)length, count, &field))
		refuse(connection, errno, field);
	else if (self.setup->verbs && !(self.setup->verbs & 1U << request.verb))
		refuse(connection, EPERM, "request");
	else if (!acceptable(fds, count))
		refuse(connection, EBADF, "descriptors");
	else
		act(connection, &request, fds, count);
	while (count--)
		if (fds[count] >= 0)
			close(fds[count]);
	/* What a long message touched is given back, so that PID 1 does not grow by it. */
	if (length > 4096) {
		const uintptr_t page = 4096, from = (uintptr_t)received / page + 1;
		madvise((void *)(from * page),
			((uintptr_t)(received + sizeof received) / page - from) * page,
			MADV_DONTNEED);
	}
}

/*
 * Root, we ourselves, or on the list. A host's root shows as the overflow uid in a
 * user namespace that does not map it; so does everyone else unmapped, whom the
 * mode of the socket keeps out. From inside nobody needs to come that way.
 */
static bool allowed(int fd, uid_t *uid)
{
	struct ucred peer;
	socklen_t length = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length))
		return false;
	*uid = peer.uid;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	for (unsigned i = 0; i < self.setup->count; i++)
		if (self.setup->allowed[i] == peer.uid)
			return true;
	return peer.uid == OVERFLOW_UID && peer.pid == 0 &&
	       !listener_world_writable(&self.listener);
}

/* A free record for a uid, or NULL where the table is full or it has its share. */
static struct connection *free_record(uid_t uid)
{
	struct connection *connection = NULL;
	unsigned same = 0;

	for (unsigned i = CONNECTIONS; i-- > 0;)
		if (i >= self.high || !connections[i].fd)
			connection = &connections[i];
		else
			same += connections[i].uid == uid;
	if (uid != 0 && uid != geteuid() && same >= CONNECTIONS_PER_UID)
		return NULL;
	return connection;
}

/* For want of room. Owns fd. */
static void refuse_peer(int fd, int error)
{
	const struct connection connection = {.fd = fd};
	char reason[REASON_SIZE];

	try_send(&connection, MESSAGE("failed\0stage=connect\0errno=#\0message=$"), N(error),
		reason_text(error, reason));
	close(fd);
}

/* Owns fd. */
static void greet(int fd, uid_t uid)
{
	struct connection *connection = free_record(uid);

	if (!connection) {
		refuse_peer(fd, EAGAIN);
		return;
	}
	*connection = (struct connection){.fd = fd, .uid = uid};
	if (self.high <= index_of(connection))
		self.high = index_of(connection) + 1;
	if (poll_for(EPOLL_CTL_ADD, fd, FROM_CONNECTION, index_of(connection), EPOLLIN))
		drop(connection);
	else
		reply(connection, 0, MESSAGE("init\0version=#\0oldest=#\0release=" INIT_VERSION),
			N(WIRE_VERSION), N(WIRE_OLDEST));
}

/*
 * Where we are out of descriptors a spare one makes room to take the connection off
 * the queue and tell it so; else it would wait there, and wake us for ever.
 */
static int accept_to_refuse(void)
{
	uid_t uid;
	int fd;

	close(self.spare);
	fd = sys_accept(self.listener.fd);
	if (fd >= 0 && allowed(fd, &uid))
		refuse_peer(fd, EMFILE);
	else if (fd >= 0)
		close(fd);
	self.spare = sys_fcntl(self.epoll, F_DUPFD_CLOEXEC, 3);
	return fd;
}

static void accept_some(void)
{
	uid_t uid;
	int fd = 0;

	for (int i = 0; i < ACCEPTS && (fd >= 0 || errno == ECONNABORTED); i++) {
		fd = sys_accept(self.listener.fd);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
			warn_errno("accept on control socket");
			fd = accept_to_refuse();
		} else if (fd >= 0) {
			if (allowed(fd, &uid))
				greet(fd, uid);
			else
				close(fd);
		}
	}
	/* Edge-triggered, so that a failure cannot spin; more to accept is a new edge. */
	if (fd >= 0)
		poll_for(EPOLL_CTL_MOD, self.listener.fd, FROM_LISTENER, 0, EPOLLIN | EPOLLET);
}

static void serve_connection(struct connection *connection, unsigned events)
{
	if (!connection->fd)
		return;
	if (events & EPOLLOUT) {
		if (connection->listing)
			list_sessions(connection);
		if (connection->fd && connection->lost && !tell_lost(connection))
			await_room(connection, connection->listing);
	}
	if (connection->fd && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(connection);
}

bool control_wanted(const struct control_setup *setup)
{
	return setup->path || setup->fd >= 0;
}

int control_open(const struct control_setup *setup)
{
	bool listens = false;

	self.setup = setup;
	self.listener.fd = self.listener.directory = -1;
	control_wish();
	fds_raise_limit();
	handout_open();
	if (setup->fd >= 0 && listener_inherit(setup->fd, &listens))
		return -1;
	if (listens && setup->path) {
		/* Which of the two would be the channel? */
		errno = EINVAL;
		return -1;
	}
	if (listens)
		self.listener.fd = setup->fd;
	return setup->path ? listener_bind(&self.listener, setup->path, setup->count) : 0;
}

int control_start(const struct control_view *view, int signals)
{
	self.view = view;
	self.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (self.epoll < 0)
		return -1;
	self.spare = sys_fcntl(self.epoll, F_DUPFD_CLOEXEC, 3);
	if (poll_for(EPOLL_CTL_ADD, signals, FROM_SIGNALS, 0, EPOLLIN))
		return -1;
	if (self.listener.fd >= 0 &&
		poll_for(EPOLL_CTL_ADD, self.listener.fd, FROM_LISTENER, 0, EPOLLIN | EPOLLET))
		return -1;
	/* Whoever made the socketpair made us: no check. */
	if (self.setup->fd >= 0 && self.setup->fd != self.listener.fd)
		greet(self.setup->fd, geteuid());
	return 0;
}

unsigned control_keep(int *list)
{
	unsigned count = handout_keep(list);

	list[count++] = self.epoll;
	list[count++] = self.spare;
	list[count++] = self.listener.fd;
	list[count++] = self.listener.directory;
	list[count++] = self.setup->fd;
	return count;
}

bool control_wait(int timeout)
{
	struct epoll_event events[EVENTS];
	int count = epoll_wait(self.epoll, events, EVENTS, timeout);
	bool signals = false;

	for (int i = 0; i < count; i++) {
		unsigned index = (unsigned)events[i].data.u64;
		switch ((enum source)(events[i].data.u64 >> 32)) {
		case FROM_SIGNALS:
			signals = true;
			break;
		case FROM_LISTENER:
			accept_some();
			break;
		case FROM_CONNECTION:
			serve_connection(&connections[index], events[i].events);
			break;
		case FROM_PROGRESS:
			if (session_at(index) && session_at(index)->progress)
				progress(session_at(index));
			break;
		}
	}
	return signals;
}

long long control_expire(long long now)
{
	return session_expire(now);
}

bool control_child_died(pid_t pid, int status)
{
	struct session *session = session_by_pid(pid);
	struct connection *connection;

	if (!session)
		return false;
	/* Its last words first. */
	if (session->progress)
		progress(session);
	if (!session->failed)
		publish(MESSAGE("event\0type=exited\0session=#\0pid=#\0?"), N(session->id), N(pid),
			status);
	connection = session->connection < 0 ? NULL : &connections[session->connection];
	session_died(session);
	if (connection) {
		connection->session = NULL;
		reply(connection, 0, MESSAGE("exited\0?"), status);
	}
	return true;
}

void control_main_ended(void)
{
	if (!self.view)
		return;
	publish(MESSAGE("event\0type=main\0?"), self.view->status);
	for (unsigned i = 0; i < self.high; i++)
		if (connections[i].fd && connections[i].waits)
			tell_end(&connections[i]);
}

void control_hang_up(void)
{
	struct session *session;

	for (unsigned i = 0; i < SESSIONS; i++)
		if ((session = session_at(i)))
			session_hang_up(session, self.view->grace);
}

struct control_wish control_wish(void)
{
	struct control_wish wish = self.wish;

	self.wish = (struct control_wish){.grace = -1};
	return wish;
}

void control_close(void)
{
	if (self.setup)
		listener_remove(&self.listener);
}
