/*
 * text: strings put together, taken apart and looked up. In a static program the
 * libc's functions of that kind are several times the size.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Writes a text to where there is room for it, with a NUL; returns where that is. */
char *text_copy(char *to, const char *text);

/* The same of a, and b behind it. */
char *text_join(char *to, const char *a, const char *b);

/* How many bytes stand before the first c, or before the end: with 0 its length. */
size_t text_until(const char *text, char c);

/*
 * Copies what stands before the first `end`, or before the end, to where there is room for the
 * whole text. A backslash is left out, and what follows it is no `end`. Returns where it ends.
 */
const char *text_field(char *to, const char *text, char end);

/* What follows the last c, or the whole. */
const char *text_last(const char *text, char c);

/* What follows the start of a text, or NULL where it does not start like that. */
const char *text_after(const char *text, const char *start);

/* Whether a text, or what stands in it before the first `end`, is the word. */
bool text_is(const char *text, char end, const char *word);

/*
 * The union of the sets that the names in a comma-separated list stand for, or 0 where one is
 * unknown. bits_of() gives the set of a name, which ends at a comma or at the end, or 0.
 */
unsigned long long text_set(const char *list, unsigned long long (*bits_of)(const char *name));

/*
 * A list of names is one string: the names one after another, each with its NUL, and an empty one
 * at the end. A table of pointers, or of rows as wide as the longest name, is larger.
 */

/* The name of that number, from 0 up; for as many as there are names the empty one. */
const char *text_name(const char *names, unsigned number);

/* The number of the name that a text, or what stands in it before the first `end`, is. */
unsigned text_number(const char *names, const char *text, char end);

/*
 * The row of a table whose name that is, or as many as there are rows. A row is of
 * width bytes, and starts with its name.
 */
unsigned text_row(const char *text, char end, const void *table, size_t width, unsigned rows);

/* In an array. */
#define TEXT_ROW(text, end, table)                                                                 \
	text_row(text, end, table, sizeof *(table), sizeof(table) / sizeof *(table))

#endif
