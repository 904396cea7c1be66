#include "reply.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/wire.h"

static struct wire_out out; /* into data; where it is full nothing is sent */
static char data[REPLY_SIZE];

void reply_begin(const char *name)
{
	wire_begin(&out, data, sizeof data, name);
}

void reply_begin_event(const char *type)
{
	reply_begin("event");
	reply_add("type", type);
}

void reply_add(const char *key, const char *value)
{
	wire_add_field(&out, key, value);
}

void reply_add_number(const char *key, long long value)
{
	wire_add_number(&out, key, value);
}

void reply_add_status(int status)
{
	const int signal = WTERMSIG(status); /* 0 where it exited by itself */

	reply_add_number(signal ? "signal" : "code", signal ? signal : WEXITSTATUS(status));
}

int reply_send(int to, int fd)
{
	if (out.full)
		return sys_fail(EMSGSIZE);
	return seqpacket_send(to, data, out.length, &fd, fd >= 0, MSG_DONTWAIT);
}
