/*
 * options: the words of a command line by a table, one row an option, from which the help is
 * printed too.
 */
#ifndef INITCTL_OPTIONS_H
#define INITCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option {
	const char *letter; /* "-u", or NULL */
	const char *name;   /* "--umask", or NULL */
	const char *value;  /* how the help calls its value; NULL: it takes none */
	const char *help;   /* one line */
	/* Stores the value (NULL where there is none) at offset in the struct that is filled. */
	void (*store)(void *field, const char *value);
	size_t offset;
};

/* Functions for store: a bool becomes true; a const char * becomes the value. */
void option_true(void *field, const char *value);
void option_text(void *field, const char *value);

/*
 * Takes one option of the table, as -x VALUE, -xVALUE, --xyz VALUE or --xyz=VALUE, into *target,
 * and moves *arguments behind it. Returns false where the next word is no option, or is "--".
 * Ends the program at a word that begins with "-" and is not in the table. The last row of a
 * table has neither letter nor name.
 */
bool option_take(const struct option *table, void *target, char ***arguments);

/* The same for all options up to the first other word, and for "--" behind them. */
void options_take(const struct option *table, void *target, char ***arguments);

/* Prints a row of the help: two columns, the second on the next line if the first is too long. */
void help_row(const char *left, const char *help);
void options_help(const struct option *table);

/* The next word, and *arguments behind it; ends the program where there is none. */
char *argument_take(char ***arguments, const char *what);

/* Ends the program where there is another word. */
void arguments_end(char **arguments);

/* A mistake in the words: one line, and the end of the program with EXIT_INITCTL. */
_Noreturn void fail_usage(const char *problem, const char *word);

#endif
