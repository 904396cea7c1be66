/*
 * proctotal: see proctotal.h.
 */
#include "proctotal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "process.h"
#include "scan.h"

/* Adds what follows a key that begins a line to a value, which is unknown before the first. */
static void add_line(const char *text, const char *key, uint64_t *value)
{
	const char *line = scan_find(text, key);
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

	for (unsigned i = 0; i < USAGE_VALUES; i++)
		values[i] = USAGE_UNKNOWN;
	if (proc < 0 || !init)
		return;
	process_list(proc, &list);
	process_keep(&list, init);
	values[PROCESSES] = values[CPU_USER] = values[CPU_SYSTEM] = values[MEMORY] = 0;
	for (size_t i = 0; i < list.count; i++)
		add_process(proc, &list.processes[i], values);
	values[CPU_USAGE] = values[CPU_USER] + values[CPU_SYSTEM];
}
