/*
 * pattern: see pattern.h.
 */
#include "pattern.h"

#include <stddef.h>

/*
 * Whether a character is one of the set that follows a '[', as "a-z]" or "!abc]"; *after is what
 * follows the set, or NULL where it has no end.
 */
static bool is_in_set(const char *set, char c, const char **after)
{
	const bool negated = *set == '!' || *set == '^';
	const char *p = set += negated;
	bool found = false;

	for (; *p && *p != '/' && (*p != ']' || p == set); p++) {
		if (p[1] == '-' && p[2] && p[2] != ']') {
			found |= (unsigned char)*p <= (unsigned char)c &&
			         (unsigned char)c <= (unsigned char)p[2];
			p += 2;
		} else {
			found |= *p == c;
		}
	}
	*after = *p == ']' ? p + 1 : NULL;
	return found != negated;
}

/* Whether a character is what a pattern begins with; *after is the rest of the pattern. */
static bool matches_one(const char *pattern, char c, const char **after)
{
	bool found;

	if (*pattern == '[') {
		found = is_in_set(pattern + 1, c, after);
		if (*after)
			return found;
	}
	if (*pattern == '\\' && pattern[1] && pattern[1] != '/') {
		*after = pattern + 2;
		return pattern[1] == c;
	}
	*after = pattern + 1;
	return *pattern == '?' || *pattern == c;
}

bool pattern_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *taken = NULL, *after;

	for (;;) {
		const bool ends = !*pattern || *pattern == '/';
		if (*pattern == '*') {
			star = ++pattern;
			taken = name;
		} else if (!*name) {
			return ends;
		} else if (!ends && matches_one(pattern, *name, &after)) {
			pattern = after;
			name++;
		} else if (star) {
			/* The star takes one more. */
			pattern = star;
			name = ++taken;
		} else {
			return false;
		}
	}
}
