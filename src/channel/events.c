#include "events.h"

#include <sys/epoll.h>

void events_add_session(const struct session *session)
{
	reply_add_number("session", session->id);
	reply_add_number("pid", session->pid);
}

void events_begin_state(const struct server_view *view)
{
	reply_begin_event("state");
	reply_add("state", view->state);
	reply_add_number("main", view->command->pid);
}

void events_tell_session(const char *type, const struct session *session)
{
	reply_begin_event(type);
	events_add_session(session);
	connection_publish();
}

static void tell_runs(struct session *session)
{
	session_run(session);
	events_tell_session("started", session);
	if (session->connection) {
		reply_begin("started");
		events_add_session(session);
		connection_send(session->connection, session->master);
	}
	session_drop_master(session);
}

static void tell_failed(struct session *session, const struct spawn_failure *failure)
{
	struct connection *connection = connection_unbind(session);

	session_fail(session);
	if (connection)
		connection_fail(connection, spawn_stage_name(failure->stage), failure->error, NULL);
}

void events_session_started(struct session *session)
{
	struct spawn_failure failure;
	enum session_news news = session_read_news(session, &failure);

	if (news == NEWS_NONE)
		return;
	connection_epoll_ctl(EPOLL_CTL_DEL, session->progress, FROM_PROGRESS, 0, 0);
	if (news == NEWS_FAILED)
		tell_failed(session, &failure);
	else
		tell_runs(session);
}

void events_session_died(struct session *session, int status)
{
	struct connection *connection;

	/* First the report of its start, if that is still to be read. */
	if (session_awaits_news(session))
		events_session_started(session);
	if (session->state != SESSION_FAILED) {
		reply_begin_event("exited");
		events_add_session(session);
		reply_add_status(status);
		connection_publish();
	}
	connection = connection_unbind(session);
	session_died(session);
	if (connection)
		events_tell_end(connection, status);
}

void events_main_ended(int status)
{
	struct connection *connection;

	reply_begin_event("main");
	reply_add_status(status);
	connection_publish();
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		connection = connection_at(i);
		if (connection && connection->waits)
			events_tell_end(connection, status);
	}
}

void events_tell_end(struct connection *connection, int status)
{
	reply_begin("exited");
	reply_add_status(status);
	connection_send(connection, -1);
}
