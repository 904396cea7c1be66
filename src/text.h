/*
 * text: strings put together.
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/*
 * Writes a and then b to where there is room for both, with a NUL behind; returns
 * where that is. In a static program the libc's strcpy() and strcat() are four
 * functions of twice the size.
 */
char *text_join(char *to, const char *a, const char *b);

/* How many bytes stand before the first c, or before the end. */
size_t text_until(const char *text, char c);

#endif
