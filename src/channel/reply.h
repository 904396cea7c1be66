/*
 * reply: a message to an operator while it is put together, on the stack.
 */
#ifndef REPLY_H
#define REPLY_H

#include "base/wire.h"

enum { REPLY_SIZE = 512 };

struct reply {
	struct wire_out out; /* into data; where it is full the reply is not sent */
	char data[REPLY_SIZE];
};

void reply_begin(struct reply *reply, const char *name);

/* The event of that type. */
void reply_begin_event(struct reply *reply, const char *type);

void reply_add(struct reply *reply, const char *key, const char *value);
void reply_add_number(struct reply *reply, const char *key, long long value);

/* How a process ended, as of wait(2): code=... or signal=... */
void reply_add_status(struct reply *reply, int status);

#endif
