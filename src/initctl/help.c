/*
 * help: see help.h.
 */
#include "help.h"

#include <string.h>

#include "base/log.h"
#include "out.h"
#include "verbs.h"

void help_summary(const struct option *common)
{
	out_line("usage: initctl [OPTIONS] VERB [ARGUMENTS]\n");
	options_help(common);
	out_line("\nVerbs:");
	for (const struct verb *verb = verbs; verb->name; verb++) {
		char left[80];
		out_format(left, sizeof left, "%s%s%s", verb->name, *verb->arguments ? " " : "",
			verb->arguments);
		help_row(left, verb->help);
	}
	out_line("\n'initctl help VERB' describes a verb, with examples.\n\n"
		 "Exit status: the command's; 128+n if signal n ended it; 127 not found; 126 not\n"
		 "executable; 125 initctl or the channel failed; 137 the container ended.");
}

bool help_verb(const char *name)
{
	const struct option *options = NULL;
	const char *examples = NULL;
	bool found = false;

	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, name) != 0)
			continue;
		out_print("%sinitctl %s%s%s\n    %s\n", found ? "" : "usage:\n", name,
			*verb->arguments ? " " : "", verb->arguments, verb->help);
		found = true;
		options = verb->options ? verb->options : options;
		examples = verb->examples ? verb->examples : examples;
	}
	if (options) {
		out_line("\nOptions:");
		options_help(options);
	}
	if (examples)
		out_print("\nExamples:\n%s", examples);
	return found;
}

/* The number of characters to insert, remove or replace to make one of the other. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32], before, above;
	const size_t width = strlen(b);

	for (unsigned i = 0; i <= width; i++)
		row[i] = i;
	for (unsigned i = 1; *a; a++, i++) {
		before = row[0];
		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			above = row[j];
			before += *a != b[j - 1];
			row[j] = above + 1 < before ? above + 1 : before;
			if (row[j - 1] + 1 < row[j])
				row[j] = row[j - 1] + 1;
			before = above;
		}
	}
	return row[width];
}

void help_unknown(const char *name)
{
	const char *nearest = NULL;
	unsigned least = 3;

	for (const struct verb *verb = verbs; verb->name && strlen(name) < 32; verb++) {
		unsigned far = distance(name, verb->name);
		/* The beginning of a name is as good as a typing error; another word is not. */
		if (!strncmp(verb->name, name, strlen(name)))
			far = 1;
		if (far < least && far < strlen(verb->name)) {
			least = far;
			nearest = verb->name;
		}
	}
	if (nearest)
		fail("unknown verb '", name, "', did you mean '", nearest, "'?");
	fail_usage("unknown verb", name);
}
