#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/section.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "connection.h"
#include "events.h"
#include "exports.h"
#include "listener.h"
#include "process/fds.h"
#include "request.h"
#include "session.h"
#include "verbs.h"

enum {
	EVENTS = 16,
	ACCEPTS = 16,
	OVERFLOW_UID = 65534,
};

static struct {
	const struct server_setup *setup;
	const struct server_view *view;
	struct listener listener;
	int epoll, spare;
	bool is_full; /* out of descriptors, which was said */
} self;

static char received[WIRE_SIZE] SECTION_LAST;

/* Neither a directory nor a bare path may become the stdio of a command (CVE-2024-21626). */
static bool are_acceptable(const int *fds, unsigned count)
{
	struct file_status status;

	for (unsigned i = 0; i < count; i++)
		if (file_status_of(fds[i], &status) || S_ISDIR(status.mode) ||
			(sys_fcntl(fds[i], F_GETFL, 0) & O_PATH))
			return false;
	return true;
}

/*
 * close(2) can block, on a socket with SO_LINGER or on a file of a network or FUSE file system.
 * A child that shares our table of descriptors closes them, and blocks in our place.
 */
static void discard(const int *fds, unsigned count)
{
	pid_t child = sys_fork(CLONE_FILES);

	/* The end of the container need not wait for it. */
	if (!child)
		signals_reset();
	if (child <= 0)
		seqpacket_discard(fds, count);
	if (!child)
		_exit(0);
}

/* What a long message touched is given back, so that PID 1 does not grow by it. */
static void trim_buffer(ssize_t length)
{
	const uintptr_t page = SECTION_PAGE, from = (uintptr_t)received / page + 1;

	if (length > (ssize_t)page)
		sys_madvise((void *)(from * page), sizeof received - page, MADV_DONTNEED);
}

static void receive(struct connection *connection)
{
	static struct request request;
	int fds[WIRE_DESCRIPTORS];
	struct verb_call call = {.connection = connection, .request = &request, .fds = fds};
	const char *field;
	ssize_t length = seqpacket_receive(
		connection->fd, received, sizeof received, fds, &call.count, MSG_DONTWAIT);

	if (length < 0) {
		if (errno != EAGAIN)
			connection_refuse(
				connection, errno, errno == EMSGSIZE ? "message" : "descriptors");
		return;
	}
	/*
	 * The end of the connection reads like an empty message, which is a bad one and
	 * may have come with descriptors. Then the reply has no reader.
	 */
	if (verbs_read(&request, received, (size_t)length, call.count, &field))
		connection_refuse(connection, errno, field);
	else if (self.setup->verbs && (field = verbs_withheld(self.setup->verbs, &request)))
		connection_refuse(connection, EPERM, field);
	else if (!are_acceptable(fds, call.count))
		connection_refuse(connection, EBADF, "descriptors");
	else
		request.verb->run(&call);
	if (call.count)
		discard(fds, call.count);
	trim_buffer(length);
}

/*
 * Whether the peer may use the channel: root, init's own user and those listed. A host's root shows
 * as the overflow uid in a user namespace that does not map it; so does everyone else unmapped,
 * whom the mode of the socket keeps out. A process inside is never let in by this rule.
 */
static bool admit(const struct ucred *peer)
{
	/* With others allowed the socket is open to all, and 65534 may be any unmapped user. */
	if (peer->uid == OVERFLOW_UID && self.setup->count)
		return false;
	if (peer->uid == 0 || peer->uid == geteuid())
		return true;
	for (unsigned i = 0; i < self.setup->count; i++)
		if (self.setup->allowed[i] == peer->uid)
			return true;
	return peer->uid == OVERFLOW_UID && peer->pid == 0 &&
	       !socket_file_is_world_writable(&self.listener.file);
}

/*
 * Takes a connection off the queue, and greets the peer or tells it that we are out of
 * descriptors. Returns what accept(2) does.
 */
static int accept_one(bool is_full)
{
	struct ucred peer;
	socklen_t length = sizeof peer;
	int fd = sys_accept(self.listener.fd);

	if (fd < 0)
		return fd;
	if (sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) || !admit(&peer))
		sys_close(fd);
	else if (is_full)
		connection_refuse_peer(fd, EMFILE);
	else
		connection_greet(fd, peer.uid);
	return fd;
}

/*
 * Where we are out of descriptors a spare one makes room to take the connection off
 * the queue and tell it so; else it would stay queued and wake us repeatedly.
 */
static int accept_to_refuse(void)
{
	int fd;

	sys_close(self.spare);
	fd = accept_one(true);
	self.spare = sys_fcntl(self.epoll, F_DUPFD_CLOEXEC, 3);
	return fd;
}

static void accept_some(void)
{
	int fd = 0;

	for (int i = 0; i < ACCEPTS && (fd >= 0 || errno != EAGAIN); i++) {
		fd = accept_one(false);
		if (fd >= 0) {
			self.is_full = false;
		} else if (errno == EMFILE || errno == ENFILE) {
			if (!self.is_full)
				warn_cannot("accept on control socket", "");
			self.is_full = true;
			fd = accept_to_refuse();
		}
	}
	/* Edge-triggered, so that a failure cannot spin; more to accept is a new edge. */
	if (fd >= 0)
		connection_epoll_ctl(
			EPOLL_CTL_MOD, self.listener.fd, FROM_LISTENER, 0, EPOLLIN | EPOLLET);
}

static void serve_connection(struct connection *connection, unsigned events)
{
	if (!connection)
		return;
	if (events & EPOLLOUT) {
		if (connection->listing >= 0)
			verbs_continue_list(connection);
		if (connection->lost && !connection_tell_lost(connection))
			connection_await_room(connection);
	}
	if (connection->open && events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		receive(connection);
}

bool server_is_wanted(const struct server_setup *setup)
{
	return setup->path || setup->fd >= 0;
}

int server_open(const struct server_setup *setup)
{
	bool listens = false;

	self.setup = setup;
	self.listener.fd = self.listener.file.directory = -1;
	self.epoll = self.spare = -1;
	fds_raise_limit();
	if (setup->fd >= 0 && listener_inherit(setup->fd, &listens))
		return -1;
	/* Which of the two would be the channel? */
	if (listens && setup->path)
		fail_note("cannot open control channel ", setup->path,
			": a listening socket is given");
	if (listens)
		self.listener.fd = setup->fd;
	return setup->path ? listener_bind(&self.listener, setup->path, setup->count) : 0;
}

int server_start(const struct server_view *view, int signals)
{
	self.epoll = sys_epoll();
	if (self.epoll < 0)
		return -1;
	self.view = view;
	self.spare = sys_fcntl(self.epoll, F_DUPFD_CLOEXEC, 3);
	connection_setup(self.epoll, view);
	verbs_setup(view);
	if (connection_epoll_ctl(EPOLL_CTL_ADD, signals, FROM_SIGNALS, 0, EPOLLIN))
		return -1;
	if (self.listener.fd >= 0 && connection_epoll_ctl(EPOLL_CTL_ADD, self.listener.fd,
					     FROM_LISTENER, 0, EPOLLIN | EPOLLET))
		return -1;
	/* The process that made the socketpair also started us: no check. */
	if (self.setup->fd >= 0 && self.setup->fd != self.listener.fd)
		connection_greet(self.setup->fd, geteuid());
	return 0;
}

unsigned server_keep(int *list)
{
	unsigned count = exports_keep(list);

	list[count++] = self.epoll;
	list[count++] = self.spare;
	list[count++] = self.listener.fd;
	list[count++] = self.listener.file.directory;
	list[count++] = self.setup->fd;
	return count;
}

bool server_wait(int timeout)
{
	struct epoll_event events[EVENTS];
	int count = sys_epoll_wait(self.epoll, events, EVENTS, timeout);
	bool signals = false;

	for (int i = 0; i < count; i++) {
		unsigned data = (unsigned)events[i].data.u64, index = data & 0xffff;
		switch ((enum source)(data >> 16)) {
		case FROM_SIGNALS:
			signals = true;
			break;
		case FROM_LISTENER:
			accept_some();
			break;
		case FROM_CONNECTION:
			serve_connection(connection_at(index), events[i].events);
			break;
		case FROM_PROGRESS:
			if (session_at(index) && session_awaits_news(session_at(index)))
				events_session_started(session_at(index));
			break;
		}
	}
	return signals;
}

long long server_expire(long long now)
{
	return session_expire(now);
}

bool server_child_died(pid_t pid, int status)
{
	struct session *session = session_by_pid(pid);

	if (session)
		events_session_died(session, status);
	return session;
}

void server_main_ended(void)
{
	if (self.view)
		events_main_ended(self.view->status);
}

void server_state_changed(void)
{
	if (!self.view)
		return;
	events_begin_state(self.view);
	connection_publish();
}

void server_signal_forwarded(int signal)
{
	if (!self.view)
		return;
	reply_begin_event("signal");
	reply_add_number("signal", signal);
	connection_publish();
}

void server_hang_up(void)
{
	if (self.view)
		session_hang_up_all(self.view->grace);
}

bool server_take_stop(long long *grace)
{
	return verbs_take_stop(grace);
}

int server_remove_socket(void)
{
	int result;

	if (!self.setup)
		return 0;
	result = socket_file_remove(&self.listener.file);
	/* Once is enough; and where the channel could not be served its number is another's. */
	self.listener.file.directory = -1;
	return result;
}

const char *server_path(void)
{
	return self.setup ? self.setup->path : NULL;
}
