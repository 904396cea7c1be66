/*
 * display: text from the container as the operator sees it. It may contain anything; what would
 * control the operator's terminal, or change the order in which text is shown, is printed as an
 * escape: \n, \t, \r, \x1b, \u202e. A byte that is not UTF-8 is printed as \xff.
 */
#ifndef INITCTL_DISPLAY_H
#define INITCTL_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes that a character of the container takes in a display, at most, with the NUL. */
enum { DISPLAY_CHARACTER = 8 };

/*
 * Takes the next character of a text that has length bytes left, and stores how it is displayed as
 * a string. Returns the number of bytes taken, which is 0 at the end; *columns is how many columns
 * of a terminal the display takes.
 */
size_t display_next(
	const char *text, size_t length, char shown[DISPLAY_CHARACTER], unsigned *columns);

/* The same of a whole string that is not empty, as log_show_by() wants it. */
size_t display_in_message(const char *text, char shown[DISPLAY_CHARACTER]);

/* Prints at most length bytes of a string on stdout, and blanks up to a width in columns. */
void display_text(const char *text, size_t length, unsigned width);

/* The same into a buffer, cut off where it is full. Returns the columns that it takes. */
unsigned display_into(char *out, size_t size, const char *text, size_t length);

/* The columns that display_text() prints for the whole of a string. */
unsigned display_columns(const char *text);

/* Bytes in the UTF-8 character at text, which a NUL ends; 0 if it is not valid. */
size_t display_character_size(const char *text);

/* Whether a valid character would control a terminal: C0, DEL, C1, or a change of direction. */
bool display_is_control(const char *text);

/* Whether colours may be used on a descriptor: it is a terminal, and NO_COLOR is empty or not set.
 */
bool display_has_colours(int fd);

#endif
