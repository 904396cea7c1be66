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
#include "base/text.h"
#include "container.h"
#include "inside.h"
#include "out.h"
#include "owner.h"
#include "units.h"

static struct initctl_message message;

void snapshot_open(struct snapshot *snapshot, const struct context *context)
{
	int root = verb_try_open(context, "what", "root");

	*snapshot = (struct snapshot){.context = context, .proc = container_proc(context)};
	if (snapshot->proc < 0)
		fail_note("cannot list processes: init does not pass /proc", NULL, NULL);
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

/*
 * Finds out how much of a CPU each process has used since the look before. One that was not there
 * then has used it since it started.
 */
static void find_loads(struct snapshot *snapshot)
{
	const long long elapsed = snapshot->now - snapshot->before_now;

	for (size_t i = 0; i < snapshot->list.count && snapshot->before_now && elapsed > 0; i++) {
		struct process *process = &snapshot->list.processes[i];
		const struct process *before = process_find(&snapshot->before, process->pid);
		long long used = process->user + process->system;
		if (before && before->started == process->started)
			used -= before->user + before->system;
		else if (snapshot->now - process->started > elapsed)
			continue;
		process->load = used > 0 ? used * 1000 / elapsed : 0;
	}
}

/* Keeps a list, in the order of the pids, for the next look. */
static void keep(struct snapshot *snapshot)
{
	struct process_list *before = &snapshot->before;
	const size_t size = snapshot->list.count * sizeof *before->processes;

	memory_reserve(&before->memory, size);
	before->processes = before->memory.data;
	before->count = snapshot->list.count;
	if (size)
		memcpy(before->processes, snapshot->list.processes, size);
	snapshot->before_now = snapshot->now;
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
	find_loads(snapshot);
	keep(snapshot);
}

void snapshot_role(
	const struct snapshot *snapshot, const struct process *process, char role[SNAPSHOT_ROLE])
{
	const struct snapshot_session *sessions = snapshot->sessions.data;

	*role = 0;
	if (process->pid == snapshot->main)
		text_copy(role, "main");
	else if (process->pid == snapshot->init)
		text_copy(role, "init");
	for (size_t i = 0; i < snapshot->session_count; i++)
		if (sessions[i].pid == process->session)
			out_format(role, SNAPSHOT_ROLE, "%%%llu", sessions[i].id);
}

const struct table_column snapshot_columns[SNAPSHOT_COLUMNS] = {
	[COLUMN_PID] = {"PID", "pid", true},
	[COLUMN_OUTSIDE] = {"OUTSIDE", "outside", true},
	[COLUMN_PPID] = {"PPID", "ppid", true},
	[COLUMN_PGID] = {"PGID", "pgid", true},
	[COLUMN_SID] = {"SID", "sid", true},
	[COLUMN_USER] = {"USER", "user", false},
	[COLUMN_UID] = {"UID", "uid", true},
	[COLUMN_STATE] = {"STATE", "state", false},
	[COLUMN_AGE] = {"AGE", "age", true},
	[COLUMN_RSS] = {"RSS", "rss", true},
	[COLUMN_PSS] = {"PSS", "pss", true},
	[COLUMN_CPU] = {"%CPU", "cpu", true},
	[COLUMN_TIME] = {"TIME", "time", true},
	[COLUMN_THREADS] = {"THREADS", "threads", true},
	[COLUMN_TTY] = {"TTY", "tty", false},
	[COLUMN_ROLE] = {"ROLE", "role", false},
	[COLUMN_NAME] = {"NAME", "name", false},
	[COLUMN_COMMAND] = {"COMMAND", "command", false},
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

/* A value as it is displayed is made from a number, or it is a text. */
enum kind { TEXT, NUMBER, TIME, SIZE, LOAD };

/* Use of the CPU, in thousandths of one, since the look before or the start of the process. */
static long long load_of(const struct snapshot *snapshot, const struct process *process)
{
	const long long age = snapshot->now - process->started;

	if (process->load >= 0)
		return process->load;
	return age > 0 ? (process->user + process->system) * 1000 / age : 0;
}

/* Stores the value of a column in *number, or in text, which is "" for none. */
static enum kind take_value(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, long long *number, char text[OWNER_NAME])
{
	*text = 0;
	switch (column) {
	case COLUMN_PID:
		*number = process->pid;
		return NUMBER;
	case COLUMN_OUTSIDE:
		*number = process->outside ? process->outside : -1;
		return NUMBER;
	case COLUMN_PPID:
		*number = process->parent;
		return NUMBER;
	case COLUMN_PGID:
		*number = process->group;
		return NUMBER;
	case COLUMN_SID:
		*number = process->session;
		return NUMBER;
	case COLUMN_UID:
		*number = ids_inside(IDS_USER, process->uid, OWNER_NOBODY);
		return NUMBER;
	case COLUMN_THREADS:
		*number = process->threads;
		return NUMBER;
	case COLUMN_AGE:
		*number = snapshot->now > process->started ? snapshot->now - process->started : 0;
		return TIME;
	case COLUMN_TIME:
		*number = process->user + process->system;
		return TIME;
	case COLUMN_CPU:
		*number = load_of(snapshot, process);
		return LOAD;
	case COLUMN_RSS:
		*number = process->resident;
		return SIZE;
	case COLUMN_PSS:
		*number = process_shared_memory(snapshot->proc, process->pid);
		return SIZE;
	case COLUMN_USER:
		owner_name(IDS_USER, ids_inside(IDS_USER, process->uid, OWNER_NOBODY), text);
		return TEXT;
	case COLUMN_STATE:
		out_format(text, OWNER_NAME, "%c", process->state);
		return TEXT;
	case COLUMN_TTY:
		terminal_name(process->terminal, text, OWNER_NAME);
		return TEXT;
	case COLUMN_ROLE:
		snapshot_role(snapshot, process, text);
		return TEXT;
	case COLUMN_NAME:
		out_format(text, OWNER_NAME, "%s", process->name);
		return TEXT;
	case COLUMN_COMMAND:
	case SNAPSHOT_COLUMNS:
		break;
	}
	return TEXT;
}

void snapshot_text(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, char text[OWNER_NAME])
{
	long long number = -1;
	const enum kind kind = take_value(snapshot, process, column, &number, text);

	if (kind == TIME)
		units_time(text, number);
	else if (kind == SIZE && number >= 0)
		units_size(text, (unsigned long long)number);
	else if (kind == LOAD)
		out_format(text, OWNER_NAME, "%lld.%lld", number / 10, number % 10);
	else if (kind == NUMBER)
		out_format(text, OWNER_NAME, "%lld", number);
}

static void add_command(struct table *table, const struct snapshot *snapshot,
	const struct process *process, const char *tree)
{
	static char text[SNAPSHOT_TREE + PROCESS_COMMAND];
	const size_t length = table->json ? 0 : out_format(text, SNAPSHOT_TREE, "%s", tree);

	process_command(snapshot->proc, process, text + length);
	table_text(table, text);
}

void snapshot_cell(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, const char *tree, struct table *table)
{
	char text[OWNER_NAME];
	long long number = -1;

	if (column == COLUMN_COMMAND) {
		add_command(table, snapshot, process, tree);
		return;
	}
	switch (take_value(snapshot, process, column, &number, text)) {
	case NUMBER:
		table_number(table, number);
		break;
	case TIME:
		table_time(table, number);
		break;
	case SIZE:
		table_size(table, number);
		break;
	case LOAD:
		table_load(table, number);
		break;
	case TEXT:
		table_text(table, *text ? text : NULL);
		break;
	}
}
