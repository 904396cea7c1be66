/*
 * error: the text of an errno.
 */
#ifndef ERROR_H
#define ERROR_H

/*
 * A text, or for a rare one its name, as in errno(3), or "errno " and the number. It stays until
 * the next call.
 */
const char *error_text(int error);

#endif
