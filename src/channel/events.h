/*
 * events: what happens to the sessions and to the main command, told to the connections
 * that it concerns and to those that watch.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include "connection.h"
#include "server.h"
#include "session.h"

/* The session's progress is readable: tells, once, how its start went. */
void events_session_started(struct session *session);

/* The leader of a session was reaped, with a status as of wait(2). Frees the session. */
void events_session_died(struct session *session, int status);

/* The main command ended, with a status as of wait(2). */
void events_main_ended(int status);

/* Begins an event with the state of the container, which is the first that a client sees. */
void events_begin_state(const struct server_view *view);

/* Tells those who watch that a session was held or attached. */
void events_tell_session(const char *type, const struct session *session);

/* Adds the fields by which clients know a session: its id and the pid of its leader. */
void events_add_session(const struct session *session);

/* Replies how a session or the main command ended. */
void events_tell_end(struct connection *connection, int status);

#endif
