/*
 * connection: who is talking to us. A fixed table of records, and what is said to
 * them: nothing here waits for a peer, and whoever does not read is dropped.
 */
#ifndef CONNECTION_H
#define CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "session.h"

/* A few more than sessions, so that a full house can still be asked and stopped. */
enum { CONNECTIONS = SESSIONS + 24 };

/* What an epoll event is about: in the upper half of its data, with an index in the lower. */
enum source { FROM_SIGNALS, FROM_LISTENER, FROM_CONNECTION, FROM_PROGRESS };

struct connection {
	int fd; /* 0: this record is free */
	uid_t uid;
	struct session *session;
	bool watches, waits;
	unsigned short listing; /* next index of the list being sent, plus 1; 0: none */
	unsigned lost;          /* events that it was too slow for */
};

/* For the # of a template (see wire_compose); a message is sized with its last NUL. */
#define N(number)        ((long long)(number))
#define MESSAGE(message) (message), sizeof(message)

/* The epoll that all are polled by, and the grace of a session whose connection ends. */
void connection_setup(int epoll, long long grace);

/* epoll_ctl(2). 0, or -1 with errno. */
int connection_poll(int operation, int fd, enum source source, unsigned index, unsigned events);

/*
 * Takes a connection in, and greets it; or tells it that there is no room, for all or
 * for its uid. Owns fd.
 */
void connection_greet(int fd, uid_t uid);

/* Tells a peer that is not taken in why. Owns fd. */
void connection_refuse_peer(int fd, int error);

/* By index; NULL where that record is free. And back. */
struct connection *connection_at(unsigned index);
unsigned connection_index(const struct connection *connection);

/* Ends it, and hangs up the session that it carries. */
void connection_drop(struct connection *connection);

/*
 * Sends a message from its template. 0, or -1 with errno: it was not sent, and
 * nothing else was done about it.
 */
int connection_try(const struct connection *connection, const char *template, size_t length, ...);

/*
 * The same with a descriptor, where it is not 0, which stays the caller's. A client
 * that does not read its replies is no client, and dropped: then fd in it is 0.
 */
int connection_reply(
	struct connection *connection, int fd, const char *template, size_t length, ...);

/* "failed": what was asked for did not work. The connection stays. */
void connection_fail(struct connection *connection, const char *stage, int error);

/* "failed" for bad input, and the end of the connection. */
void connection_refuse(struct connection *connection, int error, const char *field);

/* To all who watch: whoever is slow loses events, and is told how many. */
void connection_publish(const char *template, size_t length, ...);

/* Says how many were lost. 0, or -1 where there still is no room for that. */
int connection_tell_lost(struct connection *connection);

/* Until its peer has read something, this connection is one to write to. */
void connection_await_room(struct connection *connection, bool wanted);

/* It wants to hear of events from now on. */
void connection_watch(struct connection *connection);

#endif
