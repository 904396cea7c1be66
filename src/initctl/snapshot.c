/*
 * snapshot: see snapshot.h.
 */
#include "snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
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
	[COLUMN_PID] = {"PID", "pid"},
	[COLUMN_OUTSIDE] = {"OUTSIDE", "outside"},
	[COLUMN_PPID] = {"PPID", "ppid"},
	[COLUMN_PGID] = {"PGID", "pgid"},
	[COLUMN_SID] = {"SID", "sid"},
	[COLUMN_USER] = {"USER", "user"},
	[COLUMN_UID] = {"UID", "uid"},
	[COLUMN_STATE] = {"STATE", "state"},
	[COLUMN_AGE] = {"AGE", "age"},
	[COLUMN_RSS] = {"RSS", "rss"},
	[COLUMN_PSS] = {"PSS", "pss"},
	[COLUMN_CPU] = {"%CPU", "cpu"},
	[COLUMN_TIME] = {"TIME", "time"},
	[COLUMN_THREADS] = {"THREADS", "threads"},
	[COLUMN_TTY] = {"TTY", "tty"},
	[COLUMN_ROLE] = {"ROLE", "role"},
	[COLUMN_NAME] = {"NAME", "name"},
	[COLUMN_COMMAND] = {"COMMAND", "command"},
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

/*
 * A value as it is displayed is made from a number, or it is a text. MEMBER is a number as well: an
 * int or unsigned in struct process.
 */
enum kind { TEXT, MEMBER, NUMBER, TIME, SIZE, LOAD };

static const struct {
	unsigned char kind, offset;
} values[SNAPSHOT_COLUMNS] = {
	[COLUMN_PID] = {MEMBER, offsetof(struct process, pid)},
	[COLUMN_OUTSIDE] = {MEMBER, offsetof(struct process, outside)},
	[COLUMN_PPID] = {MEMBER, offsetof(struct process, parent)},
	[COLUMN_PGID] = {MEMBER, offsetof(struct process, group)},
	[COLUMN_SID] = {MEMBER, offsetof(struct process, session)},
	[COLUMN_UID] = {.kind = NUMBER},
	[COLUMN_AGE] = {.kind = TIME},
	[COLUMN_RSS] = {.kind = SIZE},
	[COLUMN_PSS] = {.kind = SIZE},
	[COLUMN_CPU] = {.kind = LOAD},
	[COLUMN_TIME] = {.kind = TIME},
	[COLUMN_THREADS] = {MEMBER, offsetof(struct process, threads)},
};

bool snapshot_is_number(enum snapshot_name column)
{
	return values[column].kind != TEXT;
}

/* Use of the CPU, in thousandths of one, since the look before or the start of the process. */
static long long load_of(const struct snapshot *snapshot, const struct process *process)
{
	const long long age = snapshot->now - process->started;

	if (process->load >= 0)
		return process->load;
	return age > 0 ? (process->user + process->system) * 1000 / age : 0;
}

/* The value of a column of numbers, or -1. */
static long long number_of(
	const struct snapshot *snapshot, const struct process *process, enum snapshot_name column)
{
	const long long age = snapshot->now - process->started;

	if (values[column].kind == MEMBER)
		return *(const int *)((const char *)process + values[column].offset);
	if (column == COLUMN_UID)
		return ids_inside(IDS_USER, process->uid, OWNER_NOBODY);
	if (column == COLUMN_AGE)
		return age > 0 ? age : 0;
	if (column == COLUMN_TIME)
		return process->user + process->system;
	if (column == COLUMN_CPU)
		return load_of(snapshot, process);
	if (column == COLUMN_RSS)
		return process->resident;
	if (column == COLUMN_PSS)
		return process_shared_memory(snapshot->proc, process->pid);
	return -1;
}

/* Stores the value of a column of texts, "" for none. */
static void take_text(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, char text[OWNER_NAME])
{
	*text = 0;
	if (column == COLUMN_USER)
		owner_name(IDS_USER, ids_inside(IDS_USER, process->uid, OWNER_NOBODY), text);
	else if (column == COLUMN_STATE)
		out_format(text, OWNER_NAME, "%c", process->state);
	else if (column == COLUMN_TTY)
		terminal_name(process->terminal, text, OWNER_NAME);
	else if (column == COLUMN_ROLE)
		snapshot_role(snapshot, process, text);
	else if (column == COLUMN_NAME)
		out_format(text, OWNER_NAME, "%s", process->name);
}

long long snapshot_text(const struct snapshot *snapshot, const struct process *process,
	enum snapshot_name column, char text[OWNER_NAME])
{
	const long long number = number_of(snapshot, process, column);

	if (values[column].kind == TEXT)
		take_text(snapshot, process, column, text);
	else if (values[column].kind == TIME)
		units_time(text, number);
	else if (values[column].kind == SIZE)
		units_size(text, (unsigned long long)number);
	else if (values[column].kind == LOAD)
		out_format(text, OWNER_NAME, "%lld.%lld", number / 10, number % 10);
	else
		out_format(text, OWNER_NAME, "%lld", number);
	return number;
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
	long long number;

	if (column == COLUMN_COMMAND) {
		add_command(table, snapshot, process, tree);
		return;
	}
	number = snapshot_text(snapshot, process, column, text);
	if (values[column].kind == TEXT)
		table_text(table, *text ? text : NULL);
	else if (values[column].kind == LOAD)
		table_fraction(table, text);
	else
		table_value(table, number, text);
}
