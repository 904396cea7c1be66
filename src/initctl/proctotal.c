/*
 * proctotal: see proctotal.h.
 */
#include "proctotal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "process.h"

enum belongs { NOT_KNOWN, OURS, NOT_OURS };

static int compare(const void *a, const void *b)
{
	const pid_t one = ((const struct process *)a)->pid,
		    other = ((const struct process *)b)->pid;

	return (one > other) - (one < other);
}

/* The number of a process in the list, which is in the order of pids; or SIZE_MAX. */
static size_t find(const struct process_list *list, pid_t pid)
{
	const struct process wanted = {.pid = pid}, *found = NULL;

	if (list->count)
		found = bsearch(&wanted, list->processes, list->count, sizeof wanted, compare);
	return found ? (size_t)(found - list->processes) : SIZE_MAX;
}

/*
 * Finds out whether a process descends from init, and notes it for its ancestors as well. The way
 * ends where it was noted before, so that each process is visited twice; and after as many steps as
 * there are processes, since a pid that was given to another one meanwhile could make a cycle.
 */
static void mark(const struct process_list *list, unsigned char *marks, size_t first, pid_t init)
{
	unsigned char mark = NOT_OURS;
	size_t at = first;

	for (size_t steps = 0; at != SIZE_MAX && steps < list->count; steps++) {
		if (list->processes[at].pid == init)
			mark = OURS;
		if (marks[at] != NOT_KNOWN)
			mark = marks[at];
		if (mark == OURS || marks[at] != NOT_KNOWN)
			break;
		at = find(list, list->processes[at].parent);
	}
	for (at = first; at != SIZE_MAX && marks[at] == NOT_KNOWN;) {
		marks[at] = mark;
		if (list->processes[at].pid == init)
			break;
		at = find(list, list->processes[at].parent);
	}
}

/* Adds what follows a key that begins a line to a value, which is unknown before the first. */
static void add_line(const char *text, const char *key, uint64_t *value)
{
	const char *line = strstr(text, key);
	unsigned long long number;

	if (line && !number_parse_until(line + strlen(key), '\n', UINT64_MAX, &number))
		*value = number + (*value == USAGE_UNKNOWN ? 0 : *value);
}

static void add_process(int proc, const struct process *process, uint64_t *values)
{
	char text[512];

	values[PROCESSES]++;
	values[CPU_USER] += (uint64_t)(process->user + process->waited_user) * 1000;
	values[CPU_SYSTEM] += (uint64_t)(process->system + process->waited_system) * 1000;
	if (process->resident > 0)
		values[MEMORY] += (uint64_t)process->resident;
	if (process_file(proc, process->pid, "io", text, sizeof text) > 0) {
		add_line(text, "\nread_bytes: ", &values[IO_READ]);
		add_line(text, "\nwrite_bytes: ", &values[IO_WRITE]);
	}
}

void proctotal_read(int proc, int init, struct usage *usage)
{
	uint64_t *values = usage->values;
	static struct process_list list;
	struct memory memory = {0};
	unsigned char *marks;

	for (unsigned i = 0; i < USAGE_VALUES; i++)
		values[i] = USAGE_UNKNOWN;
	if (proc < 0 || !init)
		return;
	process_list(proc, &list);
	memory_reserve(&memory, list.count + 1);
	marks = memory.data;
	values[PROCESSES] = values[CPU_USER] = values[CPU_SYSTEM] = values[MEMORY] = 0;
	for (size_t i = 0; i < list.count; i++) {
		if (init != 1)
			mark(&list, marks, i, init);
		if (init == 1 || marks[i] == OURS)
			add_process(proc, &list.processes[i], values);
	}
	values[CPU_USAGE] = values[CPU_USER] + values[CPU_SYSTEM];
	memory_release(&memory);
}
