/*
 * topview: draws the screen of initctl top.
 */
#include <stdint.h>
#include <string.h>

#include "base/sys.h"
#include "display.h"
#include "out.h"
#include "owner.h"
#include "pstree.h"
#include "say.h"
#include "top.h"
#include "units.h"

enum { BAR = 24 /* columns of a bar without its brackets */, PROCESSORS = 1024 /* at most */ };

/* Sequences of ECMA-48. */
#define HOME        "\x1b[H"
#define CLEAR_LINE  "\x1b[K"
#define CLEAR_BELOW "\x1b[J"
#define INVERSE     "\x1b[7m"
#define BOLD        "\x1b[1m"
#define NORMAL      "\x1b[0m"

static const char orders[TOP_ORDERS][7] = {"CPU", "memory", "time", "pid"};

/* Ends a line; the terminal does not add carriage returns in raw mode. */
static void end_line(void)
{
	out_text(NORMAL CLEAR_LINE "\r\n");
}

/* Prints a text cut off and filled up to a width, and returns how many columns are left of room. */
static unsigned cell(const char *text, unsigned width, bool right, unsigned room)
{
	char shown[DISPLAY_CHARACTER];
	const unsigned needs = display_columns(text);
	unsigned columns, used = 0;
	size_t size;

	if (width > room)
		width = room;
	for (; right && needs + used < width; used++)
		out_char(' ');
	for (; (size = display_next(text, SIZE_MAX, shown, &columns)) && used + columns <= width;
		text += size) {
		out_text(shown);
		used += columns;
	}
	for (; used < width; used++)
		out_char(' ');
	room -= width;
	if (room)
		out_char(' ');
	return room ? room - 1 : 0;
}

/* Prints a text in the room that is left, and ends the line. */
static void last_cell(const char *text, unsigned room)
{
	cell(text, room, false, room);
	end_line();
}

static unsigned count_processors(void)
{
	unsigned char set[PROCESSORS / 8];
	const long bits = 8 * syscall(SYS_sched_getaffinity, 0, sizeof set, set);
	unsigned count = 0;

	for (long i = 0; i < bits; i++)
		count += set[i / 8] >> i % 8 & 1;
	return count ? count : 1;
}

/* A line as "memory [||||      ] 12M of 64M". Without a limit the bar is empty. */
static void bar(
	const char *title, uint64_t value, uint64_t limit, const char *text, unsigned columns)
{
	const bool limited = limit && limit < USAGE_NO_LIMIT;
	const unsigned full = !limited ? 0 : value < limit ? (unsigned)(value * BAR / limit) : BAR;

	columns = cell(title, 9, false, columns);
	if (columns > BAR + 3) {
		out_char('[');
		for (unsigned i = 0; i < BAR; i++)
			out_char(i < full ? '|' : ' ');
		out_text("] ");
		columns -= BAR + 3;
	}
	last_cell(text, columns);
}

static void draw_cpu(const struct top *top, unsigned columns)
{
	const uint64_t *values = top->look.now.values;
	const uint64_t quota = values[CPU_QUOTA], period = values[CPU_PERIOD];
	const bool limited = quota < USAGE_NO_LIMIT && period && period < USAGE_NO_LIMIT;
	/* In hundredths of a CPU. */
	const uint64_t limit = limited ? quota * 100 / period : 100ULL * count_processors();
	uint64_t use = 0;
	char text[80];

	usagelines_cpu(&top->look, &use);
	out_format(text, sizeof text, "%llu.%llu%% of %llu.%02llu CPUs",
		(unsigned long long)use / 100, (unsigned long long)use / 10 % 10,
		(unsigned long long)limit / 100, (unsigned long long)limit % 100);
	bar("CPU", use / 100, limit, text, columns);
}

static void draw_memory(const struct top *top, unsigned columns)
{
	const uint64_t *values = top->look.now.values;
	const uint64_t limit = values[MEMORY_MAX], used = values[MEMORY];
	char text[80], size[UNITS_SIZE], most[UNITS_SIZE];

	units_size(size, used < USAGE_NO_LIMIT ? used : 0);
	units_size(most, limit);
	out_format(text, sizeof text, limit < USAGE_NO_LIMIT ? "%s of %s" : "%s, no limit", size,
		most);
	bar("memory", used, limit, text, columns);
}

static void draw_processes(const struct top *top, unsigned columns)
{
	const uint64_t *values = top->look.now.values;
	const uint64_t limit = values[PROCESSES_MAX], used = values[PROCESSES];
	char text[80];

	out_format(text, sizeof text, "%zu", top->snapshot.list.count);
	if (limit < USAGE_NO_LIMIT)
		out_format(text, sizeof text, "%llu of %llu", (unsigned long long)used,
			(unsigned long long)limit);
	bar("processes", used, limit, text, columns);
}

/* Which share of the last 10 seconds processes waited for CPU, memory, and I/O. */
static void draw_pressure(const struct top *top, unsigned columns)
{
	static const struct {
		unsigned char value;
		char title[7];
	} pressures[] = {{PRESSURE_CPU, "CPU"}, {PRESSURE_MEMORY, "memory"}, {PRESSURE_IO, "I/O"}};

	said.length = 0;
	for (unsigned i = 0; i < 3; i++) {
		const uint64_t value = top->look.now.values[pressures[i].value];
		if (value < USAGE_NO_LIMIT)
			say("%s%s %llu.%02llu%%", said.length ? ", " : "", pressures[i].title,
				(unsigned long long)value / 100, (unsigned long long)value % 100);
	}
	if (!said.length)
		return;
	columns = cell("pressure", 9, false, columns);
	last_cell(said.memory.data, columns);
}

/* The columns before the command. */
static const struct {
	enum snapshot_name name;
	unsigned width;
} shown[] = {{COLUMN_PID, 7}, {COLUMN_USER, 8}, {COLUMN_STATE, 1}, {COLUMN_CPU, 6}, {COLUMN_RSS, 6},
	{COLUMN_TIME, 7}, {COLUMN_ROLE, 5}};

static void draw_titles(unsigned columns)
{
	out_text(INVERSE);
	for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++) {
		const enum snapshot_name name = shown[i].name;
		columns = cell(snapshot_columns[name].title, shown[i].width,
			snapshot_is_number(name), columns);
	}
	last_cell("COMMAND", columns);
}

static void draw_process(struct top *top, size_t index, unsigned columns)
{
	const struct process *process = &top->snapshot.list.processes[index];
	static char text[PROCESS_COMMAND];
	char tree[SNAPSHOT_TREE];

	if (process->pid == top->selected)
		out_text(INVERSE);
	for (unsigned i = 0; i < sizeof shown / sizeof *shown; i++) {
		const enum snapshot_name name = shown[i].name;
		snapshot_text(&top->snapshot, process, name, text);
		columns = cell(text, shown[i].width, snapshot_is_number(name), columns);
	}
	*tree = 0;
	if (top->tree)
		pstree_draw(&top->snapshot.list, index, tree, sizeof tree);
	for (const char *p = tree; *p && columns; p++, columns--)
		out_char(*p);
	process_command(top->snapshot.proc, process, text);
	last_cell(text, columns);
}

/* The last line: a question, what was done, or the keys. */
static void draw_foot(const struct top *top, unsigned columns)
{
	static const char keys[] = "q quit  arrows select  s signal  / filter  t tree  "
				   "c m i p order: ";
	const char *text = top->note;

	said.length = 0;
	if (top->prompt)
		text = say("%s: %s_", top->prompt, top->input);
	else if (!*text)
		text = say("%s%s%s%s", keys, orders[top->order], *top->filter ? "  filter: " : "",
			top->filter);
	out_text(BOLD);
	cell(text, columns, false, columns);
	out_text(NORMAL CLEAR_LINE);
}

/* Sees to it that the selected process is on the screen. */
static void scroll(struct top *top, size_t rows)
{
	const struct process_list *list = &top->snapshot.list;
	size_t at = 0;

	while (at < list->count && list->processes[at].pid != top->selected)
		at++;
	if (at == list->count)
		at = 0;
	if (at < top->first)
		top->first = at;
	if (rows && at >= top->first + rows)
		top->first = at - rows + 1;
	if (top->first >= list->count)
		top->first = 0;
}

void topview_draw(struct top *top, unsigned rows, unsigned columns)
{
	enum { HEAD = 5, FOOT = 1 };
	const size_t room = rows > HEAD + FOOT ? rows - HEAD - FOOT : 0;

	out_text(HOME);
	if (rows > HEAD) {
		draw_cpu(top, columns);
		draw_memory(top, columns);
		draw_processes(top, columns);
		draw_pressure(top, columns);
	}
	if (rows > 1 + FOOT)
		draw_titles(columns);
	scroll(top, room);
	for (size_t i = 0; i < room && top->first + i < top->snapshot.list.count; i++)
		draw_process(top, top->first + i, columns);
	out_text(CLEAR_BELOW);
	out_print("\x1b[%u;1H", rows);
	draw_foot(top, columns);
	out_flush();
}
