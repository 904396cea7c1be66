/*
 * process: see process.h.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "out.h"
#include "proc.h"
#include "scan.h"
#include "watchdog.h"

ssize_t process_file(int proc, pid_t pid, const char *name, char *text, size_t size)
{
	const char *path = proc_path(pid, name);
	ssize_t length;

	watchdog_begin("read /proc/", path);
	length = file_take(sys_open(proc, path, O_RDONLY), text, size);
	watchdog_end();
	return length;
}

/* A number of the line with this key, as "\nUid:"; field counts from 0. -1 if there is none. */
static long long line_number(const char *text, const char *key, unsigned field)
{
	const char *line = scan_find(text, key);

	if (!line)
		return -1;
	line += strlen(key);
	while (field--)
		scan_number(&line);
	return (long long)scan_number(&line);
}

/* Ticks of the times in /proc/PID/stat a second, on all machines that the programs are built for.
 */
enum { USER_HZ = 100 };

static long long milliseconds(long long ticks)
{
	return ticks * 1000 / USER_HZ;
}

/*
 * Reads /proc/PID/stat, whose fields are numbered as in proc_pid_stat(5). The second, the name,
 * may contain anything.
 */
static int read_stat(char *text, struct process *process)
{
	char *name = strchr(text, '('), *rest = strrchr(text, ')');
	long long fields[23] = {0};
	const char *p;

	if (!name || !rest || rest < name || strlen(rest) < 4)
		return -1;
	*rest = 0;
	out_format(process->name, sizeof process->name, "%s", name + 1);
	process->state = rest[2];
	p = rest + 3;
	for (unsigned field = 4; field < sizeof fields / sizeof *fields; field++)
		fields[field] = (long long)scan_number(&p);
	process->parent = (pid_t)fields[4];
	process->group = (pid_t)fields[5];
	process->session = (pid_t)fields[6];
	process->terminal = (int)fields[7];
	process->user = milliseconds(fields[14]);
	process->system = milliseconds(fields[15]);
	process->waited_user = milliseconds(fields[16]);
	process->waited_system = milliseconds(fields[17]);
	process->threads = (unsigned)fields[20];
	process->started = milliseconds(fields[22]);
	return 0;
}

int process_read(int proc, pid_t pid, struct process *process)
{
	char text[4096];
	long long kilobytes;

	*process = (struct process){.pid = pid, .outside = -1, .uid = (uid_t)-1, .load = -1};
	if (process_file(proc, pid, "stat", text, sizeof text) <= 0)
		return -1;
	errno = EPROTO;
	if (read_stat(text, process))
		return -1;
	if (process_file(proc, pid, "status", text, sizeof text) > 0) {
		process->uid = (uid_t)line_number(text, "\nUid:", 1);
		/* A zombie has none. The number in stat is cached per thread, and inaccurate. */
		if ((kilobytes = line_number(text, "\nVmRSS:", 0)) >= 0)
			process->resident = kilobytes * 1024;
	}
	return 0;
}

struct process *process_find(const struct process_list *list, pid_t pid)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (list->processes[middle].pid == pid)
			return &list->processes[middle];
		if (list->processes[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

enum belongs { NOT_KNOWN, OURS, NOT_OURS };

/*
 * Finds out whether a process descends from init, and notes it for its ancestors as well. The way
 * ends where it was noted before, so that each process is visited twice; and after as many steps as
 * there are processes, since a pid that was given to another one meanwhile could make a cycle.
 */
static void mark(const struct process_list *list, struct process *first, pid_t init)
{
	unsigned char belongs = NOT_OURS;
	size_t steps = 0;

	for (struct process *at = first; at && steps < list->count; steps++) {
		if (at->belongs != NOT_KNOWN || at->pid == init) {
			belongs = at->belongs != NOT_KNOWN ? at->belongs : OURS;
			break;
		}
		at = process_find(list, at->parent);
	}
	for (struct process *at = first; at && at->belongs == NOT_KNOWN;) {
		at->belongs = belongs;
		at = at->pid == init ? NULL : process_find(list, at->parent);
	}
}

void process_keep(struct process_list *list, pid_t init)
{
	size_t kept = 0;

	if (init == 1)
		return;
	for (size_t i = 0; i < list->count; i++)
		mark(list, &list->processes[i], init);
	for (size_t i = 0; i < list->count; i++)
		if (list->processes[i].belongs == OURS)
			list->processes[kept++] = list->processes[i];
	list->count = kept;
}

/* The list that is read. */
static struct process_list *reading;

/* Reads a process into the record behind the last one. */
static void read_next(int proc, const char *name)
{
	unsigned long long pid;

	memory_reserve(&reading->memory, (reading->count + 1) * sizeof *reading->processes);
	reading->processes = reading->memory.data;
	if (!number_parse(name, 1U << 30, &pid) &&
		!process_read(proc, (pid_t)pid, &reading->processes[reading->count]))
		reading->count++;
}

void process_list(int proc, struct process_list *list)
{
	reading = list;
	list->count = 0;
	/* The descriptor that init passes shares its position with that of every other client. */
	if (proc_each(sys_open(proc, ".", O_RDONLY | O_DIRECTORY), read_next))
		fail_cannot("list processes", NULL);
}

void process_command(int proc, const struct process *process, char command[PROCESS_COMMAND])
{
	ssize_t length = process_file(proc, process->pid, "cmdline", command, PROCESS_COMMAND);

	while (length > 0 && !command[length - 1])
		length--;
	for (ssize_t i = 0; i < length; i++)
		if (!command[i])
			command[i] = ' ';
	if (length <= 0)
		out_format(command, PROCESS_COMMAND, "[%s]", process->name);
}

long long process_shared_memory(int proc, pid_t pid)
{
	char text[4096];
	long long kilobytes;

	if (process_file(proc, pid, "smaps_rollup", text, sizeof text) <= 0)
		return -1;
	kilobytes = line_number(text, "\nPss:", 0);
	return kilobytes < 0 ? -1 : kilobytes * 1024;
}

long long process_now(void)
{
	return sys_clock(CLOCK_BOOTTIME);
}
