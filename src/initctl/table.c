/*
 * table: see table.h.
 */
#include "table.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "display.h"
#include "json.h"
#include "units.h"

void table_begin(struct table *table, const char *name, const struct table_column *columns,
	unsigned count, bool json)
{
	*table = (struct table){.name = name, .columns = columns, .count = count, .json = json};
}

/* Begins a cell. Returns its key in JSON, or NULL for a table to be displayed. */
static const char *begin_cell(struct table *table)
{
	if (!table->json)
		return NULL;
	if (!table->filled)
		json_begin(table->name);
	return table->columns[table->filled].key;
}

static void end_cell(struct table *table)
{
	table->filled = (table->filled + 1) % table->count;
	if (table->json && !table->filled)
		json_end();
}

/* Adds a cell to be displayed. A byte takes four characters at most. */
static void add(struct table *table, const char *text)
{
	const size_t length = strlen(text), size = 4 * length + 1;

	if (table->cells == table->room) {
		table->room = 2 * table->room + 256;
		table->texts = realloc(table->texts, table->room * sizeof *table->texts);
		if (!table->texts)
			fail_errno("print ", table->name);
	}
	table->texts[table->cells] = malloc(size);
	if (!table->texts[table->cells])
		fail_errno("print ", table->name);
	display_into(table->texts[table->cells++], size, text, length);
	end_cell(table);
}

void table_text(struct table *table, const char *text)
{
	const char *key = begin_cell(table);

	if (key) {
		json_text(key, text);
		end_cell(table);
	} else {
		add(table, text ? text : "-");
	}
}

/* Adds a number, which is displayed as this text. */
static void add_number(struct table *table, long long number, const char *text)
{
	const char *key = begin_cell(table);

	if (key) {
		json_number(key, number);
		end_cell(table);
	} else {
		add(table, number < 0 ? "-" : text);
	}
}

void table_number(struct table *table, long long number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", number);
	add_number(table, number, text);
}

void table_bool(struct table *table, bool value)
{
	const char *key = begin_cell(table);

	if (key) {
		json_bool(key, value);
		end_cell(table);
	} else {
		add(table, value ? "yes" : "-");
	}
}

void table_time(struct table *table, long long milliseconds)
{
	char text[UNITS_SIZE];

	units_time(text, milliseconds);
	add_number(table, milliseconds, text);
}

void table_size(struct table *table, long long bytes)
{
	char text[UNITS_SIZE];

	units_size(text, (unsigned long long)bytes);
	add_number(table, bytes, text);
}

unsigned table_terminal_width(void)
{
	struct winsize size;

	return !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
}

/* Prints a cell; *left is how many columns the line may still have. */
static void print_cell(const char *text, unsigned width, bool right, bool last, unsigned long *left)
{
	const unsigned columns = display_columns(text);
	const unsigned blanks = width > columns ? width - columns : 0;
	char shown[DISPLAY_CHARACTER];
	unsigned wide;
	size_t size;

	for (unsigned i = 0; right && i < blanks && *left; i++, --*left)
		putchar(' ');
	for (; (size = display_next(text, SIZE_MAX, shown, &wide)) && wide <= *left; text += size) {
		fputs(shown, stdout);
		*left -= wide;
	}
	for (unsigned i = 0; !last && !right && i < blanks && *left; i++, --*left)
		putchar(' ');
}

static void print_row(const struct table *table, char **texts, const unsigned *widths)
{
	const unsigned terminal = table_terminal_width();
	unsigned long left = terminal ? terminal : ~0UL;

	for (unsigned i = 0; i < table->count; i++) {
		if (i && left) {
			putchar(' ');
			left--;
		}
		print_cell(texts ? texts[i] : table->columns[i].title, widths[i],
			table->columns[i].right, i + 1 == table->count, &left);
	}
	putchar('\n');
}

void table_print(struct table *table)
{
	unsigned *widths;

	if (table->json || !table->cells)
		return;
	widths = calloc(table->count, sizeof *widths);
	if (!widths)
		fail_errno("print ", table->name);
	for (unsigned i = 0; i < table->count; i++)
		widths[i] = display_columns(table->columns[i].title);
	for (size_t i = 0; i < table->cells; i++) {
		const unsigned columns = display_columns(table->texts[i]);
		if (columns > widths[i % table->count])
			widths[i % table->count] = columns;
	}
	print_row(table, NULL, widths);
	for (size_t i = 0; i + table->count <= table->cells; i += table->count)
		print_row(table, table->texts + i, widths);
	for (size_t i = 0; i < table->cells; i++)
		free(table->texts[i]);
	free(table->texts);
	free(widths);
	table_begin(table, table->name, table->columns, table->count, false);
}
