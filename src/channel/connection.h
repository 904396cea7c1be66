/*
 * connection: the operators' connections, a fixed table of records, and what is sent to
 * them. Nothing here waits for a peer: one that does not read its replies is dropped.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "reply.h"
#include "server.h"
#include "session.h"

/* A few more than sessions, so that status and stop still work when those are all in use. */
enum { CONNECTIONS = SESSIONS + 24 };

/* What an epoll event is about: in its data from bit 16 on, above an index. */
enum source { FROM_SIGNALS, FROM_LISTENER, FROM_CONNECTION, FROM_PROGRESS };

struct connection {
	bool open; /* else this record is free, and all but fd is zero */
	bool watches, waits;
	int listing; /* index of the next session of the list that is being sent, or -1 */
	int fd;
	uid_t uid;
	unsigned lost; /* events that the peer was too slow for */
	struct session *session;
};

/* The epoll instance for all descriptors, and the view with the grace of sessions. */
void connection_setup(int epoll, const struct server_view *view);

/* epoll_ctl(2). 0, or -1 with errno. */
int connection_epoll_ctl(
	int operation, int fd, enum source source, unsigned index, unsigned events);

/*
 * Accepts a connection and greets it; or tells the peer that there is no room, for all or
 * for its uid. Owns fd.
 */
void connection_greet(int fd, uid_t uid);

/* Tells a peer that is not accepted why: EAGAIN for no room, or EMFILE. Owns fd. */
void connection_refuse_peer(int fd, int error);

/* By index; NULL where that record is free. And back. */
struct connection *connection_at(unsigned index);
unsigned connection_index(const struct connection *connection);

/* The connection carries the session from now on: neither may have another. */
void connection_bind(struct connection *connection, struct session *session);

/* No connection carries the session any more. Returns the one that did, or NULL. */
struct connection *connection_unbind(struct session *session);

/* Closes it, and hangs up the session that it carries. */
void connection_drop(struct connection *connection);

/*
 * Sends the reply, and fd with it unless fd is -1. fd stays the caller's. The connection is
 * dropped where the reply cannot be sent, and nothing is done on one that is not open: then -1.
 */
int connection_send(struct connection *connection, int fd);

/*
 * Replies "failed": what was asked for did not work. The connection stays. A message of
 * NULL is the text of that errno.
 */
void connection_fail(
	struct connection *connection, const char *stage, int error, const char *message);

/* Replies "failed" for bad input in that field, and drops the connection. */
void connection_refuse(struct connection *connection, int error, const char *field);

/* Sends the event to all who watch; those without room for it lose it, which is counted. */
void connection_publish(void);

/* Says how many were lost. 0, or -1 where there still is no room for that. */
int connection_tell_lost(struct connection *connection);

/* Waits for room to write as well where a list or lost events are to be sent, or no longer. */
void connection_await_room(struct connection *connection);

#endif
