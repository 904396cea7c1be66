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

/*
 * What is done with the value, by options_apply: the first of these store it in a field of struct
 * options, of which there may be several. Each of the others is of one option.
 */
enum option_kind {
	OPTION_FLAG,         /* true, in a bool */
	OPTION_TEXT,         /* in a const char *; it may not be empty */
	OPTION_TIME,         /* in a long long */
	OPTION_DESCRIPTOR,   /* a descriptor from 3 on, in an int */
	OPTION_MAP,          /* a line of a struct idmap */
	OPTION_SETTING,      /* NAME=VALUE, added to a struct settings */
	OPTION_SIGNALS,      /* added to an unsigned long long, see signals.h */
	OPTION_CAPABILITIES, /* the same, see capabilities.h */

	OPTION_SINGLE_CHILD,
	OPTION_REWRITE,
	OPTION_PARENT_DEATH,
	OPTION_GRACE,
	OPTION_WAIT_ALL,
	OPTION_EXPECT,
	OPTION_USER,
	OPTION_RLIMIT,
	OPTION_UNSHARE,
	OPTION_MAP_ROOT,
	OPTION_MOUNT, /* without a value: proc */
	OPTION_BIND,
	OPTION_TMPFS,
	OPTION_CONTROL_ALLOW,
	OPTION_CONTROL_VERBS,
	OPTION_VERBOSE,
	OPTION_SUBREAPER,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_LICENSE,
};

struct option {
	/*
	 * The name without its "--", where it takes a value a blank and what the help calls that,
	 * a tab, and what the option does.
	 */
	const char *text;
	char letters[3];       /* its short names; "": none */
	unsigned char section; /* enum option_section, under whose title the help has it */
	unsigned char kind;    /* enum option_kind */
	unsigned short field;  /* its offset in struct options, where the kind needs one */
};

/* The row at an index, or NULL after the last. */
const struct option *options_row(unsigned index);

/* Its name alone, with room for what stands before the tab; returns whether it takes a value. */
enum { OPTION_NAME = 32 };
bool options_name(const struct option *option, char name[static OPTION_NAME]);

/*
 * The option with that long name, which ends at '=' or at the end of the text; or NULL. Of the
 * options whose letters are `abbreviated`, it may be a beginning that no other of these has.
 */
const struct option *options_by_name(const char *name, const char *abbreviated);

/* The option with that short name, or NULL. */
const struct option *options_by_letter(char letter);

/*
 * Stores the value (NULL: the option takes none) in *options. 0, or -1 for a bad value.
 * --help, --version and --license print on stdout and end the process instead: with 0, or
 * 1 if stdout did not take all of it.
 */
int options_apply(const struct option *option, struct options *options, const char *value);

/* No command was given: says so, or how init is called, on stderr and ends the process. */
_Noreturn void options_explain(const struct persona *persona);

#endif
