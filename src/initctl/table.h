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
	bool right;        /* the cells are aligned to the right, as numbers are */
};

struct table {
	const char *name; /* the objects' "message" */
	const struct table_column *columns;
	unsigned count; /* of columns */
	bool json;
	unsigned filled; /* cells of the last row */
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
void table_load(struct table *table, long long thousandths); /* a percentage */
void table_size(struct table *table, long long bytes);

/*
 * Prints the table, unless it is JSON or has no rows, and removes its rows. On a terminal a row is
 * cut off at its width. Write errors are left to verb_printed().
 */
void table_print(struct table *table);

/* The columns of the terminal that stdout is, or 0 if it is none. */
unsigned table_terminal_width(void);

#endif
