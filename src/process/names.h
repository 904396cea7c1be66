/*
 * names: lists of names, each in one string: the names one after another, each with its NUL, and
 * an empty one at the end. A table of pointers, or of rows as wide as the longest, is larger.
 */
#ifndef NAMES_H
#define NAMES_H

/* The name of that number from 0 up; there are to be so many. */
const char *names_at(const char *names, unsigned number);

/*
 * The number of the name that a text, or what stands in it before the first `end`, is; as many as
 * there are names where it is none of them.
 */
unsigned names_find(const char *names, const char *text, char end);

#endif
