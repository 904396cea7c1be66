#include "reply.h"

#include <sys/wait.h>

void reply_begin(struct reply *reply, const char *name)
{
	wire_begin(&reply->out, reply->data, sizeof reply->data, name);
}

void reply_begin_event(struct reply *reply, const char *type)
{
	reply_begin(reply, "event");
	reply_add(reply, "type", type);
}

void reply_add(struct reply *reply, const char *key, const char *value)
{
	wire_add_field(&reply->out, key, value);
}

void reply_add_number(struct reply *reply, const char *key, long long value)
{
	wire_add_number(&reply->out, key, value);
}

void reply_add_status(struct reply *reply, int status)
{
	if (WIFSIGNALED(status))
		reply_add_number(reply, "signal", WTERMSIG(status));
	else
		reply_add_number(reply, "code", WEXITSTATUS(status));
}
