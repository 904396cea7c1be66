/*
 * reply: the message to an operator that is being put together. There is one at a time:
 * each is sent before the next begins.
 */
#ifndef REPLY_H
#define REPLY_H

enum { REPLY_SIZE = 512 };

void reply_begin(const char *name);

/* The event of that type. */
void reply_begin_event(const char *type);

void reply_add(const char *key, const char *value);
void reply_add_number(const char *key, long long value);

/* How a process ended, as of wait(2): code=... or signal=... */
void reply_add_status(int status);

/*
 * Sends it to a socket, and fd with it unless fd is -1. It may be sent to others then. 0, or -1
 * with errno: EMSGSIZE where it did not fit.
 */
int reply_send(int to, int fd);

#endif
