#include "events.h"

#include <sys/epoll.h>
#include <unistd.h>

void events_add_session(struct reply *reply, const struct session *session)
{
	reply_add_number(reply, "session", session->id);
	reply_add_number(reply, "pid", session->pid);
}

static void tell_runs(struct session *session)
{
	struct reply event, reply;
	int master = session_take_master(session);

	session_run(session);
	reply_begin_event(&event, "started");
	events_add_session(&event, session);
	connection_publish(&event);
	if (session->connection) {
		reply_begin(&reply, "started");
		events_add_session(&reply, session);
		connection_send(session->connection, &reply, master);
	}
	if (master >= 0)
		close(master);
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
	enum session_news news;

	do
		news = session_read_news(session, &failure);
	while (news == NEWS_MASTER);
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
	struct reply event;

	/* First the report of its start, if that is still to be read. */
	if (session_awaits_news(session))
		events_session_started(session);
	if (session->state != SESSION_FAILED) {
		reply_begin_event(&event, "exited");
		events_add_session(&event, session);
		reply_add_status(&event, status);
		connection_publish(&event);
	}
	connection = connection_unbind(session);
	session_died(session);
	if (connection)
		events_tell_end(connection, status);
}

void events_main_ended(int status)
{
	struct connection *connection;
	struct reply event;

	reply_begin_event(&event, "main");
	reply_add_status(&event, status);
	connection_publish(&event);
	for (unsigned i = 0; i < CONNECTIONS; i++) {
		connection = connection_at(i);
		if (connection && connection->waits)
			events_tell_end(connection, status);
	}
}

void events_tell_end(struct connection *connection, int status)
{
	struct reply reply;

	reply_begin(&reply, "exited");
	reply_add_status(&reply, status);
	connection_send(connection, &reply, -1);
}
