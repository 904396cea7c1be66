/*
 * display: see display.h.
 */
#include "display.h"
#include "out.h"
#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The code point of a UTF-8 character of that many bytes, which is valid but for its range. */
static unsigned long code_point(const char *text, size_t size)
{
	const unsigned char *p = (const unsigned char *)text;
	unsigned long code = p[0] & (size > 1 ? 0x7fU >> size : 0x7f);

	for (size_t i = 1; i < size; i++)
		code = code << 6 | (p[i] & 0x3f);
	return code;
}

size_t display_character_size(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;
	const size_t size = p[0] < 0x80   ? 1
	                    : p[0] < 0xc2 ? 0
	                    : p[0] < 0xe0 ? 2
	                    : p[0] < 0xf0 ? 3
	                                  : 4;
	unsigned long code;

	for (size_t i = 1; i < size; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	code = size ? code_point(text, size) : 0;
	/* Refuse overlong forms, surrogates, and what is beyond the last code point. */
	if ((size == 3 && code < 0x800) || (size == 4 && (code < 0x10000 || code > 0x10ffff)) ||
		(code >= 0xd800 && code < 0xe000))
		return 0;
	return size;
}

/* C0, DEL, C1; line and paragraph separators; marks that change the direction of what follows. */
static bool is_control(unsigned long code)
{
	return code < ' ' || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

bool display_is_control(const char *text)
{
	return is_control(code_point(text, display_character_size(text)));
}

/*
 * Columns of a character on a terminal: those of East Asia and emoji are wide, combining marks
 * have none. The blocks suffice here, as a wrong column spoils no more than an alignment; the
 * tables of wcwidth(3) are larger than all of this file.
 */
static unsigned character_columns(unsigned long code)
{
	static const struct {
		unsigned first, last, columns;
	} blocks[] = {
		{0x300, 0x36f, 0},
		{0x1100, 0x115f, 2},
		{0x200b, 0x200d, 0},
		{0x20d0, 0x20ff, 0},
		{0x2e80, 0xa4cf, 2},
		{0xac00, 0xd7a3, 2},
		{0xf900, 0xfaff, 2},
		{0xfe00, 0xfe0f, 0},
		{0xfe30, 0xfe6f, 2},
		{0xff00, 0xff60, 2},
		{0xffe0, 0xffe6, 2},
		{0x1f300, 0x1f64f, 2},
		{0x1f900, 0x1faff, 2},
		{0x20000, 0x3fffd, 2},
	};

	for (unsigned i = 0; i < sizeof blocks / sizeof *blocks; i++)
		if (code >= blocks[i].first && code <= blocks[i].last)
			return blocks[i].columns;
	return 1;
}

size_t display_next(
	const char *text, size_t length, char shown[DISPLAY_CHARACTER], unsigned *columns)
{
	static const char letters[] = "\aa\bb\tt\nn\vv\ff\rr";
	size_t size = length ? display_character_size(text) : 1;
	const bool valid = size && size <= length;
	unsigned long code;
	const char *letter;

	*columns = 0;
	shown[0] = 0;
	if (!length || !*text)
		return 0;
	if (!valid)
		size = 1;
	code = valid ? code_point(text, size) : (unsigned char)*text;
	if (valid && !is_control(code)) {
		memcpy(shown, text, size);
		shown[size] = 0;
		*columns = character_columns(code);
		return size;
	}
	letter = code < ' ' ? strchr(letters, (char)code) : NULL;
	if (letter)
		out_format(shown, DISPLAY_CHARACTER, "\\%c", letter[1]);
	else
		out_format(shown, DISPLAY_CHARACTER, code > 0xff ? "\\u%04lx" : "\\x%02lx", code);
	*columns = (unsigned)strlen(shown);
	return size;
}

size_t display_in_message(const char *text, char shown[DISPLAY_CHARACTER])
{
	unsigned columns;

	return display_next(text, SIZE_MAX, shown, &columns);
}

void display_text(const char *text, size_t length, unsigned width)
{
	char shown[DISPLAY_CHARACTER];
	unsigned used = 0, columns;
	size_t size;

	while ((size = display_next(text, length, shown, &columns))) {
		out_text(shown);
		used += columns;
		text += size;
		length -= size;
	}
	for (; used < width; used++)
		out_char(' ');
}

unsigned display_into(char *out, size_t size, const char *text, size_t length)
{
	char shown[DISPLAY_CHARACTER];
	unsigned used = 0, columns;
	size_t taken, room;

	while ((taken = display_next(text, length, shown, &columns)) &&
		(room = strlen(shown)) < size) {
		memcpy(out, shown, room);
		out += room;
		size -= room;
		used += columns;
		text += taken;
		length -= taken;
	}
	*out = 0;
	return used;
}

unsigned display_columns(const char *text)
{
	char shown[DISPLAY_CHARACTER];
	unsigned used = 0, columns;
	size_t size;

	while ((size = display_next(text, SIZE_MAX, shown, &columns))) {
		used += columns;
		text += size;
	}
	return used;
}

bool display_has_colours(int fd)
{
	const char *none = getenv("NO_COLOR"), *type = getenv("TERM");

	return terminal_is_open(fd) && (!none || !*none) && type && strcmp(type, "dumb") != 0;
}
