/*
 * number: decimal text to number and back. No locale, no sign, no white space.
 */
#ifndef NUMBER_H
#define NUMBER_H

enum { NUMBER_SIZE = 24 };

/* The whole of text as a number of 0..max. Returns 0, or -1 with EINVAL or ERANGE. */
int number_parse(const char *text, unsigned long long max, unsigned long long *out);

/* The same of what stands before the first `end`, or is the whole. */
int number_parse_until(const char *text, char end, unsigned long long max, unsigned long long *out);

/*
 * A time as people write it: 2, 1.5, 500ms, 2s, 1m, 1h; seconds where no unit is
 * given. Stores milliseconds, at most 1,000 hours; "inf" is FOREVER (duration.h). Parts of a
 * millisecond are dropped. Returns 0, or -1 with EINVAL or ERANGE.
 */
int number_parse_time(const char *text, long long *milliseconds);

/* Writes a value that is not negative into the buffer, and returns where its first digit is. */
const char *number_text(char buffer[static NUMBER_SIZE], long long value);

/* Writes a text and such a value behind it to where there is room; returns where the NUL is. */
char *number_join(char *to, const char *text, long long value);

#endif
