/*
 * pattern: names with wildcards, as the shell has them: "*", "?", "[a-z]", "[!a-z]", and a
 * backslash before a character that stands for itself.
 */
#ifndef INITCTL_PATTERN_H
#define INITCTL_PATTERN_H

#include <stdbool.h>

/* The characters that make a name a pattern; a backslash alone does not. */
#define PATTERN_WILDCARDS "*?["

/* Whether a name is matched by the part of a pattern that ends at a slash, or at its end. */
bool pattern_matches(const char *pattern, const char *name);

#endif
