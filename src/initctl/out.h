/*
 * out: text that is put together in memory, and what is printed on stdout. stdio would do both, but
 * its printf(3) cannot be had without floating point, and all of it is 17 kB.
 *
 * A format is that of printf(3) with the conversions d u x o c s and %, the flags - and 0, a width
 * and a precision, which may be *, and the sizes l, ll and z.
 */
#ifndef INITCTL_OUT_H
#define INITCTL_OUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Writes a string of at most size bytes with its NUL. Returns the length of the whole, which is
 * size or more if it was cut off.
 */
__attribute__((format(printf, 3, 4))) size_t out_format(
	char *text, size_t size, const char *format, ...);
size_t out_format_list(char *text, size_t size, const char *format, va_list list);

/*
 * These print on stdout. It is written when a buffer is full, and by out_flush(), which is to be
 * called at the end and before anything is waited for. Where it cannot be written, out_flush()
 * returns false with errno, then and later, and out_has_failed() is true.
 */
__attribute__((format(printf, 1, 2))) void out_print(const char *format, ...);
void out_text(const char *text);
void out_line(const char *text); /* with a newline */
void out_char(char c);
void out_bytes(const char *data, size_t length);
bool out_flush(void);
bool out_has_failed(void);

/* Has another buffer used, which stays the caller's; to be called before anything is printed. */
void out_use(char *data, size_t size);

#endif
