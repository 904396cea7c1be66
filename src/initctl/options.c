/*
 * options: see options.h.
 */
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* Characters before the second column of the help. */
enum { HELP_COLUMN = 34 };

void fail_usage(const char *problem, const char *word)
{
	fail(problem, " '", word, "', see 'initctl --help'");
}

char *argument_take(char ***arguments, const char *what)
{
	char *word = **arguments;

	if (!word)
		fail("no ", what, " given, see 'initctl --help'");
	++*arguments;
	return word;
}

void arguments_end(char **arguments)
{
	if (*arguments)
		fail_usage("too many arguments:", *arguments);
}

void option_true(void *field, const char *value)
{
	(void)value;
	*(bool *)field = true;
}

void option_text(void *field, const char *value)
{
	*(const char **)field = value;
}

/* Returns what follows the option's name in the word, or NULL if the word is another option. */
static const char *match(const struct option *option, const char *word)
{
	const bool is_long = word[1] == '-';
	const char *name = is_long ? option->name : option->letter;
	const size_t length = name ? strlen(name) : 0;

	if (!name || strncmp(word, name, length) != 0)
		return NULL;
	if (word[length] && (!option->value || (is_long && word[length] != '=')))
		return NULL;
	return word + length;
}

bool option_take(const struct option *table, void *target, char ***arguments)
{
	const char *word = **arguments, *rest = NULL, *value = NULL;

	if (!word || word[0] != '-' || !word[1] || !strcmp(word, "--"))
		return false;
	while ((table->letter || table->name) && !(rest = match(table, word)))
		table++;
	if (!rest)
		fail_usage("unknown option", word);
	++*arguments;
	if (table->value && *rest)
		value = rest + (word[1] == '-');
	else if (table->value && !**arguments)
		fail("option ", word, " needs a value, see 'initctl --help'");
	else if (table->value)
		value = *(*arguments)++;
	table->store((char *)target + table->offset, value);
	return true;
}

void options_take(const struct option *table, void *target, char ***arguments)
{
	while (option_take(table, target, arguments))
		;
	if (**arguments && !strcmp(**arguments, "--"))
		++*arguments;
}

void help_row(const char *left, const char *help)
{
	const int length = printf("  %s", left);

	if (length + 2 > HELP_COLUMN)
		printf("\n%*s%s\n", HELP_COLUMN, "", help);
	else
		printf("%*s%s\n", HELP_COLUMN - length, "", help);
}

void options_help(const struct option *table)
{
	for (; table->letter || table->name; table++) {
		char left[80];
		const char *both = table->letter && table->name ? ", " : "";

		snprintf(left, sizeof left, "%s%s%s%s%s", table->letter ? table->letter : "", both,
			table->name ? table->name : "", table->value ? " " : "",
			table->value ? table->value : "");
		help_row(left, table->help);
	}
}
