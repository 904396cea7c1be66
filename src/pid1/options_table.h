/*
 * options_table: the options of init, one row an option. The parser and the help (-h) both
 * read this table; the shell completions read the help.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "options.h"

enum option_section {
	SECTION_SIGNALS,
	SECTION_END,
	SECTION_COMMAND,
	SECTION_CONTAINER,
	SECTION_CHANNEL,
	SECTION_REPORTS,
	SECTION_OTHER,
};

/* What is done with the value: stored in a field of struct options, or given to a function. */
enum option_kind {
	OPTION_FLAG,       /* true, in a bool */
	OPTION_TEXT,       /* in a const char *; it may not be empty */
	OPTION_DESCRIPTOR, /* a descriptor from 3 on, in an int */
	OPTION_CALL,
};

struct option {
	const char *name;     /* without its "--" */
	const char *argument; /* what the help calls its value; NULL: it takes none */
	const char *help;
	char letters[3];       /* its short names; "": none */
	unsigned char section; /* enum option_section, under whose title the help has it */
	unsigned char kind;    /* enum option_kind */
	unsigned short field;  /* its offset in struct options, unless it is an OPTION_CALL */
	/* Of an OPTION_CALL. 0, or -1 for a bad value; value is NULL where none is taken. */
	int (*set)(struct options *options, const char *value);
};

/* The row at an index, or NULL after the last. */
const struct option *options_row(unsigned index);

/* The option with that long name, which ends at '=' or at the end of the text; or NULL. */
const struct option *options_by_name(const char *name);

/* The option with that short name, or NULL. */
const struct option *options_by_letter(char letter);

/*
 * Stores the value (NULL: the option takes none) in *options. 0, or -1 for a bad value.
 * --help, --version and --license print on stdout and end the process instead: with 0, or
 * 1 if stdout did not take all of it.
 */
int options_apply(const struct option *option, struct options *options, const char *value);

#endif
