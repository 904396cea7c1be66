/*
 * answer: what is done about a request: fork, kill(), or send a descriptor.
 */
#ifndef VERBS_H
#define VERBS_H

#include <stdbool.h>

#include "connection.h"
#include "request.h"
#include "server.h"

/* What may be seen of init, for as long as it runs. */
void verbs_setup(const struct server_view *view);

/*
 * Does what the request asks for, and replies. Of the *count descriptors in fds it
 * keeps all, and then says 0, or none.
 */
void answer(struct connection *connection, const struct request *request, const int *fds,
	unsigned *count);

/* There is room again for a list of sessions that was being sent. */
void verbs_list(struct connection *connection);

/* News of a session's start: tells its connection and those who watch. */
void verbs_progress(struct session *session);

/* The leader of a session was reaped: the same. */
void verbs_death(struct session *session, int status);

/* The command ended: tells those who wait, and those who watch. */
void verbs_main_ended(void);

/* What init itself was asked to do since the last call. */
struct server_wish verbs_wish(void);

#endif
