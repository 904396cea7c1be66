/*
 * table: see table.h.
 */
#include "table.h"

#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/sys.h"
#include "display.h"
#include "json.h"
#include "out.h"
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
	char *place;

	memory_reserve(&table->texts, table->length + size);
	memory_reserve(&table->offsets, (table->cells + 1) * sizeof(size_t));
	place = (char *)table->texts.data + table->length;
	((size_t *)table->offsets.data)[table->cells++] = table->length;
	display_into(place, size, text, length);
	table->length += strlen(place) + 1;
	end_cell(table);
}

static const char *cell(const struct table *table, size_t number)
{
	return (const char *)table->texts.data + ((const size_t *)table->offsets.data)[number];
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

/* Adds a number to be displayed. */
static void add_number(struct table *table, const char *text)
{
	table->numbers |= 1U << table->filled;
	add(table, text);
}

void table_value(struct table *table, long long number, const char *text)
{
	const char *key = begin_cell(table);

	if (key) {
		json_number(key, number);
		end_cell(table);
	} else {
		add_number(table, number < 0 ? "-" : text);
	}
}

void table_fraction(struct table *table, const char *text)
{
	const char *key = begin_cell(table);

	if (key) {
		json_fraction(key, text);
		end_cell(table);
	} else {
		add_number(table, text);
	}
}

void table_number(struct table *table, long long number)
{
	char text[24];

	out_format(text, sizeof text, "%lld", number);
	table_value(table, number, text);
}

void table_time(struct table *table, long long milliseconds)
{
	char text[UNITS_SIZE];

	units_time(text, milliseconds);
	table_value(table, milliseconds, text);
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

unsigned table_terminal_width(void)
{
	struct winsize size;

	return !sys_ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ? size.ws_col : 0;
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
		out_char(' ');
	for (; (size = display_next(text, SIZE_MAX, shown, &wide)) && wide <= *left; text += size) {
		out_text(shown);
		*left -= wide;
	}
	for (unsigned i = 0; !last && !right && i < blanks && *left; i++, --*left)
		out_char(' ');
}

/* Prints a row, which begins with the cell first, or the header. */
static void print_row(const struct table *table, bool header, size_t first, const unsigned *widths)
{
	const unsigned terminal = table_terminal_width();
	unsigned long left = terminal ? terminal : ~0UL;

	for (unsigned i = 0; i < table->count; i++) {
		if (i && left) {
			out_char(' ');
			left--;
		}
		print_cell(header ? table->columns[i].title : cell(table, first + i), widths[i],
			table->numbers >> i & 1, i + 1 == table->count, &left);
	}
	out_char('\n');
}

void table_print(struct table *table)
{
	unsigned widths[TABLE_COLUMNS];

	if (table->json || !table->cells || !table->count)
		return;
	for (unsigned i = 0; i < table->count; i++)
		widths[i] = display_columns(table->columns[i].title);
	for (size_t i = 0; i < table->cells; i++) {
		const unsigned columns = display_columns(cell(table, i));
		if (columns > widths[i % table->count])
			widths[i % table->count] = columns;
	}
	print_row(table, true, 0, widths);
	for (size_t i = 0; i + table->count <= table->cells; i += table->count)
		print_row(table, false, i, widths);
	table->cells = table->length = 0;
}
