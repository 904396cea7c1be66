/*
 * options: see options.h.
 */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "help.h"
#include "out.h"
#include "verbs.h"

/* Characters before the second column of the help. */
enum { HELP_COLUMN = 34 };

/* The verb whose words are parsed, or NULL. */
static const char *verb_now;

void options_of_verb(const char *verb)
{
	verb_now = verb;
}

void option_help(void)
{
	help_verb(verb_now);
	exit(verb_printed());
}

/* Ends the program with the parts of a message, and where to read about it. */
_Noreturn static void fail_words(
	const char *text, const char *before, const char *word, const char *rest)
{
	const char *verb = verb_now ? verb_now : "";

	fail(text, before, word, rest, ", see 'initctl ", verb_now ? "help " : "--help", verb, "'");
}

void fail_usage(const char *problem, const char *word)
{
	if (!word)
		fail_words(problem, "", "", "");
	fail_words(problem, " '", word, "'");
}

char *argument_take(char ***arguments, const char *what)
{
	char *word = **arguments;

	if (!word)
		fail_words("no ", "", what, " given");
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

/* Returns what follows the option's name, long or as the next letter, or NULL for another one. */
static const char *match(const struct option *option, const char *word, const char *letters)
{
	size_t length;

	if (word[1] != '-')
		return option->letter == *letters ? letters + 1 : NULL;
	word += strlen("--");
	length = option->name ? strlen(option->name) : 0;
	if (!length || strncmp(word, option->name, length) != 0)
		return NULL;
	return word[length] && (!option->value || word[length] != '=') ? NULL : word + length;
}

bool option_take(const struct option *table, void *target, char ***arguments)
{
	/* Those of a word as -la that are still to be parsed, or NULL. */
	static const char *letters;
	const char *word = **arguments, *rest = NULL, *value = NULL;

	if (!word || word[0] != '-' || !word[1] || !strcmp(word, "--"))
		return false;
	letters = letters ? letters : word + 1;
	while ((table->letter || table->name) && !(rest = match(table, word, letters)))
		table++;
	if (!rest && verb_now && (!strcmp(word, "-h") || !strcmp(word, "--help")))
		option_help();
	if (!rest)
		fail_usage("unknown option", word[1] == '-' ? word : (char[]){'-', *letters, 0});
	letters = word[1] != '-' && !table->value && *rest ? rest : NULL;
	if (letters) {
		table->store((char *)target + table->offset, NULL);
		return true;
	}
	++*arguments;
	if (table->value && *rest)
		value = rest + (word[1] == '-');
	else if (table->value && !**arguments)
		fail_words("option ", "", word, " needs a value");
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

void options_take_all(const struct option *table, void *target, char **arguments)
{
	char **kept = arguments;

	while (*arguments) {
		if (option_take(table, target, &arguments))
			continue;
		if (!strcmp(*arguments, "--")) {
			while (*++arguments)
				*kept++ = *arguments;
			break;
		}
		*kept++ = *arguments++;
	}
	*kept = NULL;
}

void help_row(const char *left, const char *help)
{
	const int length = (int)strlen(left) + 2;

	out_print("  %s", left);
	if (length + 2 > HELP_COLUMN)
		out_print("\n%*s%s\n", HELP_COLUMN, "", help);
	else
		out_print("%*s%s\n", HELP_COLUMN - length, "", help);
}

void options_help(const struct option *table)
{
	for (; table->letter || table->name; table++) {
		char left[80];
		const char letter[] = {'-', table->letter, 0};

		out_format(left, sizeof left, "%s%s%s%s%s%s", table->letter ? letter : "",
			table->letter && table->name ? ", " : "", table->name ? "--" : "",
			table->name ? table->name : "", table->value ? " " : "",
			table->value ? table->value : "");
		help_row(left, table->help);
	}
}
