/*
 * list: the verb that lists containers. All sockets are asked at the same time, and nothing waits
 * for one of them alone: what has not answered at the deadline is a row like the others.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "beneath.h"
#include "out.h"
#include "proc.h"
#include "table.h"
#include "verbs.h"
#include "watchdog.h"

enum { RETRY = 20, HOUR = 3600000 }; /* milliseconds */
enum { NAME_SIZE = 16 };             /* bytes of a process's name, with its NUL */

/* What is awaited of a socket. */
enum stage { ROOM, GREETING, STATUS, PROC, DONE };

struct entry {
	const struct target *socket;
	enum stage stage;
	int connection, error; /* -1; errno of what failed, or 0 */
	bool answered;         /* there is a status */
	unsigned long long main, uptime, sessions;
	char state[16], command[NAME_SIZE];
};

static struct initctl_message message;

static void done(struct entry *entry, int error)
{
	if (entry->connection >= 0)
		close(entry->connection);
	entry->connection = -1;
	entry->stage = DONE;
	entry->error = error;
}

/* Where a server's backlog is full, or we have no descriptor left, it is to be tried again. */
static void connect_entry(struct entry *entry)
{
	if (entry->connection < 0)
		entry->connection = sys_socket(AF_UNIX, SOCK_SEQPACKET);
	if (entry->connection < 0)
		return;
	if (!seqpacket_connect(entry->connection, entry->socket->path))
		entry->stage = GREETING;
	else if (errno != EAGAIN && errno != EINTR && errno != EMFILE && errno != ENFILE)
		done(entry, errno);
}

static void request(struct entry *entry, enum stage stage, const char *name, const char *what)
{
	char data[64];
	struct initctl_request out;

	initctl_begin(&out, data, sizeof data, name);
	if (what)
		initctl_add(&out, "what", what);
	entry->stage = stage;
	if (initctl_send(entry->connection, &out, NULL, 0))
		done(entry, errno);
}

static void take_status(struct entry *entry)
{
	const char *state = initctl_field(&message, "state");

	entry->answered = true;
	entry->main = initctl_number(&message, "main", 1 << 22, 0);
	entry->uptime = initctl_number(&message, "uptime", 1ULL << 62, 0);
	entry->sessions = initctl_number(&message, "sessions", 1 << 30, 0);
	out_format(entry->state, sizeof entry->state, "%s", state ? state : "");
}

/* Reads the name of the main command. What was passed need not be the proc that it should be. */
static void read_command(struct entry *entry, int proc)
{
	ssize_t length = -1;

	watchdog_begin("read a process of ", entry->socket->path);
	if (file_system_of(proc) == FILE_SYSTEM_PROC)
		length = beneath_read(proc, proc_path((int)entry->main, "comm"), entry->command,
			sizeof entry->command);
	watchdog_end();
	/* A newline ends it. */
	entry->command[length > 0 ? length - 1 : 0] = 0;
}

static void take_reply(struct entry *entry)
{
	if (entry->stage == STATUS) {
		if (!initctl_is(&message, "failed") && !initctl_is(&message, "status")) {
			done(entry, EPROTO);
			return;
		}
		if (initctl_is(&message, "status"))
			take_status(entry);
		if (entry->main)
			request(entry, PROC, "open", "proc");
		else
			done(entry, 0);
		return;
	}
	if (initctl_is(&message, "opened") && message.count == 1)
		read_command(entry, message.fds[0]);
	done(entry, 0);
}

static void receive(struct entry *entry)
{
	int result;

	if (entry->stage == GREETING) {
		if (!initctl_greet(entry->connection))
			request(entry, STATUS, "status", NULL);
		else
			done(entry, errno);
		return;
	}
	result = initctl_receive(entry->connection, &message);
	if (result > 0) {
		take_reply(entry);
		initctl_discard(&message);
	} else if (!result || errno != EAGAIN) {
		done(entry, result ? errno : ECONNRESET);
	}
}

/*
 * Tries to connect those that are not, and says what to poll for. Returns how many are not done;
 * *retry is set if there is one that poll(2) does not tell of.
 */
static size_t prepare(struct entry *entries, struct pollfd *polls, size_t count, bool *retry)
{
	size_t waiting = 0;

	*retry = false;
	for (size_t i = 0; i < count; i++) {
		struct entry *entry = &entries[i];
		if (entry->stage == ROOM)
			connect_entry(entry);
		*retry |= entry->stage == ROOM;
		waiting += entry->stage != DONE;
		polls[i] = (struct pollfd){
			.fd = entry->stage == ROOM ? -1 : entry->connection, .events = POLLIN};
	}
	return waiting;
}

/* Asks all until they are done, or the time is over; 0: there is no limit. */
static void ask(struct entry *entries, struct pollfd *polls, size_t count, long long timeout)
{
	const long long start = sys_now();
	bool retry;

	while (prepare(entries, polls, count, &retry)) {
		long long left = timeout ? start + timeout - sys_now() : HOUR;
		if (left <= 0)
			break;
		left = left < HOUR ? left : HOUR;
		poll(polls, count, (int)(retry && left > RETRY ? RETRY : left));
		for (size_t i = 0; i < count; i++)
			if (polls[i].revents)
				receive(&entries[i]);
	}
	for (size_t i = 0; i < count; i++)
		if (entries[i].stage != DONE && !entries[i].answered)
			done(&entries[i], ETIMEDOUT);
}

static const char *condition(const struct entry *entry)
{
	switch (entry->error) {
	case 0:
		return "alive";
	case ECONNREFUSED:
		return "dead";
	case EACCES:
	case EPERM:
		return "no permission";
	case ETIMEDOUT:
		return "no answer";
	case EAGAIN:
	case EMFILE:
		return "no room";
	case EPROTONOSUPPORT:
		return "other version";
	default:
		return error_text(entry->error);
	}
}

static const struct table_column columns[] = {
	{"NAME", "name"},
	{"STATUS", "status"},
	{"STATE", "state"},
	{"PID", "pid"},
	{"COMMAND", "command"},
	{"UP", "uptime"},
	{"SESSIONS", "sessions"},
	{"SOCKET", "socket"},
};

static void add_row(struct table *table, const struct entry *entry)
{
	const bool known = entry->answered;

	table_text(table, entry->socket->name);
	table_text(table, condition(entry));
	table_text(table, *entry->state ? entry->state : NULL);
	table_number(table, entry->main ? (long long)entry->main : -1);
	table_text(table, *entry->command ? entry->command : NULL);
	table_time(table, known ? (long long)entry->uptime : -1);
	table_number(table, known ? (long long)entry->sessions : -1);
	table_text(table, entry->socket->path);
}

int verb_list(const struct context *context, char **arguments)
{
	struct targets targets = context->targets;
	struct entry *entries;
	struct pollfd *polls;
	struct memory memory = {0};
	struct table table;

	options_take(&(const struct option){0}, NULL, &arguments);
	if (!*arguments && !targets.count && !targets.several)
		targets_find_all(&targets);
	for (; *arguments; arguments++)
		targets_find(&targets, *arguments, false);
	targets_name(&targets);
	memory_reserve(&memory, targets.count * (sizeof *entries + sizeof *polls) + 1);
	entries = memory.data;
	polls = (struct pollfd *)(entries + targets.count);
	for (size_t i = 0; i < targets.count; i++)
		entries[i] = (struct entry){.socket = &targets.rows[i], .connection = -1};
	ask(entries, polls, targets.count, watchdog_timeout());
	table_begin(&table, "container", columns, sizeof columns / sizeof *columns, context->json);
	for (size_t i = 0; i < targets.count; i++)
		if (entries[i].error != EPROTOTYPE && entries[i].error != ENOENT)
			add_row(&table, &entries[i]);
	table_print(&table);
	return verb_printed();
}
