/*
 * help: what initctl prints about its verbs.
 */
#ifndef INITCTL_HELP_H
#define INITCTL_HELP_H

#include "options.h"

/* Prints the summary: the options that precede the verb, and a line for each verb. */
void help_summary(const struct option *common);

/* Prints a screen about a verb: its forms, its options, examples. Returns false if it is none. */
bool help_verb(const char *name);

/* Ends the program: "unknown verb 'NAME'", with the verb of the most similar name if there is one.
 */
_Noreturn void help_unknown(const char *name);

#endif
