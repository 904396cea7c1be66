#include "connection.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"
#include "base/version.h"
#include "base/wire.h"

enum {
	/* Of one uid that is neither root nor ours. */
	CONNECTIONS_PER_UID = CONNECTIONS / 4,
	REPLY_SIZE = 512,
};

static struct {
	int epoll;
	long long grace;
	unsigned high; /* connections in use are below */
	unsigned watchers;
} self;

static struct connection connections[CONNECTIONS] SYS_LAST;

void connection_setup(int epoll, long long grace)
{
	self.epoll = epoll;
	self.grace = grace;
}

int connection_poll(int operation, int fd, enum source source, unsigned index, unsigned events)
{
	struct epoll_event event = {
		.events = events, .data.u64 = (unsigned long long)source << 32 | index};

	return epoll_ctl(self.epoll, operation, fd, &event);
}

unsigned connection_index(const struct connection *connection)
{
	return (unsigned)(connection - connections);
}

struct connection *connection_at(unsigned index)
{
	return index < self.high && connections[index].fd ? &connections[index] : NULL;
}

void connection_drop(struct connection *connection)
{
	struct session *session = connection->session;

	/* A child on its way to exec may hold a copy, and epoll(7) goes by the copies. */
	connection_poll(EPOLL_CTL_DEL, connection->fd, FROM_CONNECTION, 0, 0);
	close(connection->fd);
	self.watchers -= connection->watches;
	*connection = (struct connection){.fd = 0};
	if (session) {
		session->connection = -1;
		session_hang_up(session, self.grace);
	}
	while (self.high && !connections[self.high - 1].fd)
		self.high--;
}

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

int connection_try(const struct connection *connection, const char *template, size_t length, ...)
{
	va_list values;
	int result;

	va_start(values, length);
	result = try_send_list(connection, 0, template, length, values);
	va_end(values);
	return result;
}

int connection_reply(
	struct connection *connection, int fd, const char *template, size_t length, ...)
{
	va_list values;
	int result = -1;

	va_start(values, length);
	if (connection->fd) {
		result = try_send_list(connection, fd, template, length, values);
		if (result)
			connection_drop(connection);
	}
	va_end(values);
	return result;
}

void connection_fail(struct connection *connection, const char *stage, int error)
{
	connection_reply(connection, 0, MESSAGE("failed\0stage=$\0errno=#\0message=$"), stage,
		N(error), strerror(error));
}

void connection_refuse(struct connection *connection, int error, const char *field)
{
	/* What does not fit was no field of ours. */
	if (text_until(field, 0) > REPLY_SIZE / 2)
		field = "request";
	connection_reply(connection, 0,
		MESSAGE("failed\0stage=request\0errno=#\0field=$\0message=$"), N(error), field,
		strerror(error));
	if (connection->fd)
		connection_drop(connection);
}

int connection_tell_lost(struct connection *connection)
{
	if (connection_try(connection, MESSAGE("event\0type=lost\0count=#"), N(connection->lost)))
		return -1;
	connection->lost = 0;
	return 0;
}

void connection_await_room(struct connection *connection, bool wanted)
{
	connection_poll(EPOLL_CTL_MOD, connection->fd, FROM_CONNECTION,
		connection_index(connection), EPOLLIN | (wanted ? EPOLLOUT : 0));
}

void connection_publish(const char *template, size_t length, ...)
{
	va_list values;

	for (unsigned i = 0; self.watchers && i < self.high; i++) {
		struct connection *connection = &connections[i];
		if (!connection->fd || !connection->watches)
			continue;
		va_start(values, length);
		if (connection->lost || try_send_list(connection, 0, template, length, values)) {
			connection->lost++;
			connection_await_room(connection, true);
		}
		va_end(values);
	}
}

void connection_watch(struct connection *connection)
{
	self.watchers += !connection->watches;
	connection->watches = true;
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

void connection_refuse_peer(int fd, int error)
{
	const struct connection connection = {.fd = fd};
	connection_try(&connection, MESSAGE("failed\0stage=connect\0errno=#\0message=$"), N(error),
		strerror(error));
	close(fd);
}

void connection_greet(int fd, uid_t uid)
{
	struct connection *connection = free_record(uid);

	if (!connection) {
		connection_refuse_peer(fd, EAGAIN);
		return;
	}
	*connection = (struct connection){.fd = fd, .uid = uid};
	if (self.high <= connection_index(connection))
		self.high = connection_index(connection) + 1;
	if (connection_poll(
		    EPOLL_CTL_ADD, fd, FROM_CONNECTION, connection_index(connection), EPOLLIN))
		connection_drop(connection);
	else
		connection_reply(connection, 0,
			MESSAGE("init\0version=#\0oldest=#\0release=" INIT_VERSION),
			N(WIRE_VERSION), N(WIRE_OLDEST));
}
