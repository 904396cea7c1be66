/*
 * error: the text of an errno.
 */
#ifndef ERROR_H
#define ERROR_H

/* The libc's text, or the name, as in errno(3), of one that the libc has no text for. */
const char *error_text(int error);

#endif
