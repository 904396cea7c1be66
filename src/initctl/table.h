/*
 * table: a listing, as an aligned table with a header, or with --json as one object a line. Cells
 * are added from left to right, row after row. Texts may come from the container: see display.h.
 */
#ifndef INITCTL_TABLE_H
#define INITCTL_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "memory.h"

enum { TABLE_COLUMNS = 32 };

struct table_column {
	const char *title; /* in the header */
	const char *key;   /* of the member in JSON */
};

struct table {
	const char *name; /* the objects' "message" */
	const struct table_column *columns;
	unsigned count; /* of columns */
	bool json;
	unsigned filled;  /* cells of the last row */
	unsigned numbers; /* which columns have numbers, and are aligned to the right: bits */
	size_t cells;
	size_t length;         /* of texts */
	struct memory texts;   /* of the cells, as they are displayed: strings */
	struct memory offsets; /* of each cell's text there: size_t */
};

/* The columns, at most TABLE_COLUMNS, stay the caller's, and have to stay. */
void table_begin(struct table *table, const char *name, const struct table_column *columns,
	unsigned count, bool json);

/*
 * Add a cell. What is not known is NULL, or a negative number, which is printed as "-" and as null.
 * Times are in milliseconds and sizes in bytes; JSON has them as such. With JSON a row is
 * printed as soon as it is complete. They end the program if there is no memory.
 */
void table_text(struct table *table, const char *text);
void table_number(struct table *table, long long number);
void table_bool(struct table *table, bool value);
void table_time(struct table *table, long long milliseconds);
/* A number that is displayed as this text; one with a fraction, which JSON has as displayed. */
void table_value(struct table *table, long long number, const char *text);
void table_fraction(struct table *table, const char *text);

/*
 * Prints the table, unless it is JSON or has no rows, and removes its rows. On a terminal a row is
 * cut off at its width. Write errors are left to verb_printed().
 */
void table_print(struct table *table);

/* The columns of the terminal that stdout is, or 0 if it is none. */
unsigned table_terminal_width(void);

#endif
