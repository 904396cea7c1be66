/*
 * options: parses the words of a command line by a table with a row for each option, from which
 * the help is printed as well. Strings are not copied: they stay the words' and the tables'.
 */
#ifndef INITCTL_OPTIONS_H
#define INITCTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct option {
	char letter;           /* of "-u", or 0 */
	unsigned short offset; /* of what it sets in the target */
	const char *name;      /* of "--umask", or NULL */
	const char *value;     /* name of its value in the help; NULL: it takes none */
	const char *help;      /* one line */
	/* Stores the value, or NULL if it takes none, at the offset. */
	void (*store)(void *field, const char *value);
};

/* Functions for store: set a bool to true; set a const char * to the value. */
void option_true(void *field, const char *value);
void option_text(void *field, const char *value);

/*
 * Parses one option, as -x VALUE, -xVALUE, --xyz VALUE or --xyz=VALUE, or the next letter of -xyz,
 * stores its value in *target, and advances *arguments past it once all its letters are taken.
 * Returns false if the next word is not an option, or is "--". Ends the program if the option is
 * not in the table, or its value is missing. The last row of a table has neither letter nor name.
 */
bool option_take(const struct option *table, void *target, char ***arguments);

/* Parses all options before the first other word, and skips "--" after them. */
void options_take(const struct option *table, void *target, char ***arguments);

/*
 * The words that are parsed from now on are a verb's: messages name its help, and -h and --help
 * print it.
 */
void options_of_verb(const char *verb);

/* Prints the help of that verb, and ends the program with 0. */
_Noreturn void option_help(void);

/*
 * Parses options wherever they stand before a "--", and moves the other words together: afterwards
 * arguments has those, up to a NULL.
 */
void options_take_all(const struct option *table, void *target, char **arguments);

/* Prints a row of the help; the second column is on the next line if the first is too long. */
void help_row(const char *left, const char *help);

/* Prints a row of the help for each option of a table. */
void options_help(const struct option *table);

/* Returns the next word and advances *arguments past it. Ends the program: "no WHAT given". */
char *argument_take(char ***arguments, const char *what);

/* Ends the program if there is another word. */
void arguments_end(char **arguments);

/* Ends the program with EXIT_INITCTL and one line: "PROBLEM 'WORD', see 'initctl help VERB'", or
 * without the word where it is NULL. */
_Noreturn void fail_usage(const char *problem, const char *word);

#endif
