#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/socket_file.h"
#include "base/sys.h"
#include "base/text.h"
#include "fds.h"
#include "reap.h"

enum { SERVICE = NOTIFY_FDS };

/* -1: none. */
static int fds[NOTIFY_KEEPS] = {-1, -1, -1};
static const char *stage;

/* As sd_notify(3) reads the name; unlike there a failure is told: it was asked for by option. */
static int connect_to(const char *name)
{
	struct sockaddr_un address;
	size_t length = offsetof(struct sockaddr_un, sun_path) + text_until(name, 0);
	int fd;

	if (socket_address(&address, name))
		return -1;
	if (*name == '@')
		address.sun_path[0] = 0;
	fd = (int)syscall(SYS_socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return fd < 0 || sys_connect(fd, &address, length) ? -1 : fd;
}

void notify_open(const struct notify_setup *setup)
{
	char digits[NUMBER_SIZE];

	memcpy(fds, setup->fds, sizeof setup->fds);
	for (unsigned i = 0; i < NOTIFY_FDS; i++)
		if (fds[i] >= 0 && fds_claim(fds[i]))
			fail_cannot("take descriptor ", number_text(digits, fds[i]));
	if (!setup->socket)
		return;
	fds[SERVICE] = connect_to(setup->socket);
	if (fds[SERVICE] < 0)
		fail_cannot("connect to NOTIFY_SOCKET ", setup->socket);
}

unsigned notify_keep(int *list)
{
	memcpy(list, fds, sizeof fds);
	return NOTIFY_KEEPS;
}

/* Writes one line: the event, key and number unless key is NULL, the code unless it is -1. */
static void tell(const char *event, const char *what, const char *key, int number, int code)
{
	char line[128], *end = text_join(line, event, what);

	if (key)
		end = number_join(end, key, number);
	if (code >= 0)
		end = number_join(end, " code=", code);
	*end++ = '\n';
	if (fds[NOTIFY_STATUS] >= 0)
		log_put(fds[NOTIFY_STATUS], line, (size_t)(end - line));
}

void notify_started(pid_t pid, bool served)
{
	tell("event=started", "", " pid=", pid, -1);
	for (unsigned i = NOTIFY_READY; i < NOTIFY_KEEPS; i++) {
		/* No MAINPID: ours is what the manager knows already, or means nothing outside. */
		const char *text = i == NOTIFY_READY ? "\n" : "READY=1";
		if (fds[i] < 0)
			continue;
		if (served && log_put(fds[i], text, text_until(text, 0)))
			warn_cannot("report readiness", NULL);
		sys_close(fds[i]);
		fds[i] = -1;
	}
}

void notify_exited(int status)
{
	tell("event=exited", "", WTERMSIG(status) ? " signal=" : NULL, WTERMSIG(status),
		reap_code(status));
}

void notify_stage(const char *name)
{
	stage = name;
}

void notify_failed(int code, int error)
{
	tell("event=failed stage=", stage, " errno=", error, code);
}
