#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/error.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/version.h"
#include "base/wire.h"

/* Of one uid that is neither root nor ours. */
enum { CONNECTIONS_PER_UID = CONNECTIONS / 4 };

static struct {
	int epoll;
	const struct server_view *view;
} self;

static struct connection connections[CONNECTIONS] SECTION_LAST;

void connection_setup(int epoll, const struct server_view *view)
{
	self.epoll = epoll;
	self.view = view;
}

int connection_epoll_ctl(int operation, int fd, enum source source, unsigned index, unsigned events)
{
	struct epoll_event event = {.events = events, .data.u64 = (unsigned)source << 16 | index};

	return sys_epoll_ctl(self.epoll, operation, fd, &event);
}

unsigned connection_index(const struct connection *connection)
{
	return (unsigned)(connection - connections);
}

struct connection *connection_at(unsigned index)
{
	return connections[index].open ? &connections[index] : NULL;
}

/* The same for a connection. */
static int epoll_ctl_of(int operation, const struct connection *connection, unsigned events)
{
	return connection_epoll_ctl(
		operation, connection->fd, FROM_CONNECTION, connection_index(connection), events);
}

void connection_bind(struct connection *connection, struct session *session)
{
	connection->session = session;
	session->connection = connection;
}

struct connection *connection_unbind(struct session *session)
{
	struct connection *connection = session->connection;

	session->connection = NULL;
	if (connection)
		connection->session = NULL;
	return connection;
}

void connection_drop(struct connection *connection)
{
	struct session *session = connection->session;

	/* A child on its way to exec may hold a copy, and epoll(7) goes by the copies. */
	epoll_ctl_of(EPOLL_CTL_DEL, connection, 0);
	sys_close(connection->fd);
	*connection = (struct connection){.open = false, .fd = -1};
	if (session) {
		session->connection = NULL;
		session_hang_up(session, self.view->grace);
	}
}

int connection_send(struct connection *connection, int fd)
{
	if (!connection->open)
		return -1;
	if (!reply_send(connection->fd, fd))
		return 0;
	connection_drop(connection);
	return -1;
}

/* The reply "failed"; field may be NULL, and message is then the text of that errno. */
static void compose_failure(const char *stage, int error, const char *field, const char *message)
{
	reply_begin("failed");
	reply_add("stage", stage);
	reply_add_number("errno", error);
	if (field)
		reply_add("field", field);
	reply_add("message", message ? message : error_text(error));
}

/* What to say of a refusal where the text of its errno would mislead; or NULL. */
static const char *refusal(int error)
{
	switch (error) {
	case EAGAIN:
		return "too many connections";
	case ENOSYS:
		return "unknown request";
	case EPROTONOSUPPORT:
		return "unsupported protocol version";
	case E2BIG:
		return "too many descriptors";
	case EMFILE:
		return "init is out of descriptors";
	case EBADF:
		return "directories and O_PATH are not accepted";
	default:
		return NULL;
	}
}

void connection_fail(
	struct connection *connection, const char *stage, int error, const char *message)
{
	compose_failure(stage, error, NULL, message);
	connection_send(connection, -1);
}

void connection_refuse(struct connection *connection, int error, const char *field)
{
	/* A key that would not fit into the reply is none of ours. */
	if (text_until(field, 0) > REPLY_SIZE / 2)
		field = "request";
	compose_failure("request", error, field, refusal(error));
	if (!connection_send(connection, -1))
		connection_drop(connection);
}

int connection_tell_lost(struct connection *connection)
{
	reply_begin_event("lost");
	reply_add_number("count", connection->lost);
	if (reply_send(connection->fd, -1))
		return -1;
	connection->lost = 0;
	return 0;
}

void connection_await_room(struct connection *connection)
{
	const bool wanted = connection->listing >= 0 || connection->lost;

	epoll_ctl_of(EPOLL_CTL_MOD, connection, EPOLLIN | (wanted ? EPOLLOUT : 0));
}

void connection_publish(void)
{
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		struct connection *connection = &connections[i];
		if (!connection->watches)
			continue;
		if (connection->lost || reply_send(connection->fd, -1)) {
			connection->lost++;
			connection_await_room(connection);
		}
	}
}

/* A free record for a uid, or NULL where the table is full or it has its share. */
static struct connection *free_record(uid_t uid)
{
	struct connection *connection = NULL;
	unsigned same = 0;

	for (struct connection *at = connections + CONNECTIONS; at-- > connections;)
		if (!at->open)
			connection = at;
		else
			same += at->uid == uid;
	return same < CONNECTIONS_PER_UID || !uid || uid == geteuid() ? connection : NULL;
}

void connection_refuse_peer(int fd, int error)
{
	compose_failure("connect", error, NULL, refusal(error));
	reply_send(fd, -1);
	sys_close(fd);
}

void connection_greet(int fd, uid_t uid)
{
	struct connection *connection = free_record(uid);

	if (!connection) {
		connection_refuse_peer(fd, EAGAIN);
		return;
	}
	*connection = (struct connection){.open = true, .listing = -1, .fd = fd, .uid = uid};
	if (epoll_ctl_of(EPOLL_CTL_ADD, connection, EPOLLIN)) {
		connection_drop(connection);
		return;
	}
	reply_begin("init");
	reply_add_number("version", WIRE_VERSION);
	reply_add_number("oldest", WIRE_OLDEST);
	reply_add("release", INIT_VERSION);
	connection_send(connection, -1);
}
