/*
 * snapshot: see snapshot.h.
 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "container.h"
#include "inside.h"
#include "out.h"
#include "owner.h"

static struct initctl_message message;

void snapshot_open(struct snapshot *snapshot, const struct context *context)
{
	int root = container_open(context, "what", "root");

	*snapshot = (struct snapshot){.context = context, .proc = container_proc(context)};
	if (snapshot->proc < 0)
		fail("cannot list processes: init does not pass /proc");
	owner_load(context, root);
	if (root >= 0)
		sys_close(root);
}

/* Reads which process leads which session. */
static void read_sessions(struct snapshot *snapshot)
{
	const int connection = verb_connect(snapshot->context);
	char data[64];
	struct initctl_request request;
	int result;

	snapshot->session_count = 0;
	initctl_begin(&request, data, sizeof data, "sessions");
	result = initctl_call(connection, &request, NULL, 0, &message) ? -1 : 1;
	for (; result == 1 && initctl_is(&message, "session");
		result = initctl_receive(connection, &message)) {
		struct snapshot_session *session;
		initctl_discard(&message);
		memory_reserve(
			&snapshot->sessions, (snapshot->session_count + 1) * sizeof *session);
		session = (struct snapshot_session *)snapshot->sessions.data +
		          snapshot->session_count++;
		session->id = initctl_number(&message, "session", UINT32_MAX, 0);
		session->pid = (pid_t)initctl_number(&message, "pid", INT32_MAX, 0);
	}
	if (result < 0)
		verb_unanswered("list ", "sessions");
	initctl_discard(&message);
	close(connection);
}

void snapshot_take(struct snapshot *snapshot)
{
	int init, command;

	container_pids(snapshot->context, &init, &command);
	read_sessions(snapshot);
	snapshot->init = init;
	snapshot->main = command;
	process_list(snapshot->proc, &snapshot->list);
	snapshot->now = process_now();
	if (init)
		process_keep(&snapshot->list, init);
}

void snapshot_role(
	const struct snapshot *snapshot, const struct process *process, char role[SNAPSHOT_ROLE])
{
	const struct snapshot_session *sessions = snapshot->sessions.data;

	*role = 0;
	if (process->pid == snapshot->main)
		strcpy(role, "main");
	else if (process->pid == snapshot->init)
		strcpy(role, "init");
	for (size_t i = 0; i < snapshot->session_count; i++)
		if (sessions[i].pid == process->session)
			out_format(role, SNAPSHOT_ROLE, "%%%llu", sessions[i].id);
}

const struct snapshot_column snapshot_columns[SNAPSHOT_COLUMNS] = {
	[COLUMN_PID] = {"pid", {"PID", "pid", true}},
	[COLUMN_OUTSIDE] = {"outside", {"OUTSIDE", "outside", true}},
	[COLUMN_PPID] = {"ppid", {"PPID", "ppid", true}},
	[COLUMN_PGID] = {"pgid", {"PGID", "pgid", true}},
	[COLUMN_SID] = {"sid", {"SID", "sid", true}},
	[COLUMN_USER] = {"user", {"USER", "user", false}},
	[COLUMN_UID] = {"uid", {"UID", "uid", true}},
	[COLUMN_STATE] = {"state", {"STATE", "state", false}},
	[COLUMN_AGE] = {"age", {"AGE", "age", true}},
	[COLUMN_RSS] = {"rss", {"RSS", "rss", true}},
	[COLUMN_PSS] = {"pss", {"PSS", "pss", true}},
	[COLUMN_TIME] = {"time", {"TIME", "time", true}},
	[COLUMN_THREADS] = {"threads", {"THREADS", "threads", true}},
	[COLUMN_TTY] = {"tty", {"TTY", "tty", false}},
	[COLUMN_ROLE] = {"role", {"ROLE", "role", false}},
	[COLUMN_NAME] = {"name", {"NAME", "name", false}},
	[COLUMN_COMMAND] = {"command", {"COMMAND", "command", false}},
};

/* The name of a terminal by its device number, as ps(1) has it; "" for none. */
static void terminal_name(int device, char *name, size_t size)
{
	const unsigned major_number = major((unsigned)device), number = minor((unsigned)device);

	*name = 0;
	if (major_number >= 136 && major_number <= 143)
		out_format(name, size, "pts/%u", number + (major_number - 136) * 256);
	else if (major_number == 4)
		out_format(name, size, number < 64 ? "tty%u" : "ttyS%u", number % 64);
	else if (device)
		out_format(name, size, "%u:%u", major_number, number);
}

static const char *or_none(const char *text)
{
	return *text ? text : NULL;
}

static void add_command(struct table *table, const struct snapshot *snapshot,
	const struct process *process, const char *tree)
{
	static char text[SNAPSHOT_TREE + PROCESS_COMMAND];
	const size_t length = table->json ? 0 : strlen(tree);

	memcpy(text, tree, length);
	process_command(snapshot->proc, process, text + length);
	table_text(table, text);
}

void snapshot_cell(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, const char *tree, struct table *table)
{
	const unsigned uid = ids_inside(IDS_USER, process->uid, OWNER_NOBODY);
	char text[OWNER_NAME], state[2] = {process->state, 0};

	switch (column) {
	case COLUMN_PID:
		table_number(table, process->pid);
		break;
	case COLUMN_OUTSIDE:
		table_number(table, process->outside ? process->outside : -1);
		break;
	case COLUMN_PPID:
		table_number(table, process->parent);
		break;
	case COLUMN_PGID:
		table_number(table, process->group);
		break;
	case COLUMN_SID:
		table_number(table, process->session);
		break;
	case COLUMN_USER:
		owner_name(IDS_USER, uid, text);
		table_text(table, text);
		break;
	case COLUMN_UID:
		table_number(table, uid);
		break;
	case COLUMN_STATE:
		table_text(table, state);
		break;
	case COLUMN_AGE:
		table_time(table,
			snapshot->now > process->started ? snapshot->now - process->started : 0);
		break;
	case COLUMN_RSS:
		table_size(table, process->resident);
		break;
	case COLUMN_PSS:
		table_size(table, process_shared_memory(snapshot->proc, process->pid));
		break;
	case COLUMN_TIME:
		table_time(table, process->user + process->system);
		break;
	case COLUMN_THREADS:
		table_number(table, process->threads);
		break;
	case COLUMN_TTY:
		terminal_name(process->terminal, text, sizeof text);
		table_text(table, or_none(text));
		break;
	case COLUMN_ROLE:
		snapshot_role(snapshot, process, text);
		table_text(table, or_none(text));
		break;
	case COLUMN_NAME:
		table_text(table, process->name);
		break;
	case COLUMN_COMMAND:
		add_command(table, snapshot, process, tree);
		break;
	case SNAPSHOT_COLUMNS:
		break;
	}
}
