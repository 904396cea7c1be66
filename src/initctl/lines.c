/*
 * lines: see lines.h.
 */
#include "lines.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "display.h"
#include "out.h"

enum {
	READ_SIZE = 65536, /* what a pipe holds */
	LINE_MOST = 1 << 20,
	COLOURS = 6,
	ROOM = 8 /* bytes of what stands before a name, or behind it, at most, with a NUL */
};

static struct {
	int signals;
	bool (*hurry)(void);
	unsigned width;
	bool json;
	bool coloured[3];     /* by descriptor */
	char text[READ_SIZE]; /* lines to be written */
	size_t length;
} self;

void lines_setup(unsigned width, bool json, int signals, bool (*hurry)(void))
{
	self.signals = signals;
	self.hurry = hurry;
	self.width = width;
	self.json = json;
	self.coloured[1] = display_has_colours(1);
	self.coloured[2] = display_has_colours(2);
}

static void flush(int to)
{
	struct pollfd ready[] = {
		{.fd = to, .events = POLLOUT}, {.fd = self.signals, .events = POLLIN}};
	const char *p = self.text;

	while (self.length) {
		/* A pipe that is ready takes as much as this without making us wait. */
		const size_t size = self.length < PIPE_BUF ? self.length : PIPE_BUF;
		const bool hurry = self.hurry();
		ssize_t written;
		if (poll(ready, 2, hurry ? 0 : -1) <= 0 || !ready->revents) {
			if (hurry)
				break;
			continue;
		}
		written = write(to, p, size);
		if (written < 0 && errno != EINTR && errno != EAGAIN)
			fail_cannot("write output", NULL);
		if (written > 0) {
			p += written;
			self.length -= (size_t)written;
		}
	}
	self.length = 0;
}

static void collect(int to, const char *text, size_t length)
{
	while (length) {
		size_t size = sizeof self.text - self.length;
		size = length < size ? length : size;
		memcpy(self.text + self.length, text, size);
		self.length += size;
		text += size;
		length -= size;
		if (self.length == sizeof self.text)
			flush(to);
	}
}

/* Makes the text in front of the lines: the name, padded, and its colour. */
static void show_name(struct lines *lines)
{
	const size_t length = strlen(lines->name);
	unsigned columns;
	char *p;

	memory_reserve(&lines->shown, 4 * length + self.width + (size_t)3 * ROOM);
	p = lines->shown.data;
	if (self.coloured[lines->to])
		p += out_format(p, ROOM, "\033[%um", 31 + lines->colour % COLOURS);
	columns = display_into(p, 4 * length + 1, lines->name, length);
	p += strlen(p);
	if (self.coloured[lines->to])
		p += out_format(p, ROOM, "\033[m");
	out_format(p, self.width + ROOM, "%*s | ",
		columns < self.width ? (int)(self.width - columns) : 0, "");
}

static bool has_name(int to, const char *line, size_t length)
{
	static const char start[] = "{\"container\":";

	return self.json && to == 1 && length >= sizeof start - 1 &&
	       !memcmp(line, start, sizeof start - 1);
}

static void print(struct lines *lines, const char *line, size_t length)
{
	if (!lines->shown.data)
		show_name(lines);
	if (!has_name(lines->to, line, length))
		collect(lines->to, lines->shown.data, strlen(lines->shown.data));
	collect(lines->to, line, length);
	collect(lines->to, "\n", 1);
}

static void keep(struct lines *lines, const char *text, size_t length)
{
	memory_reserve(&lines->line, lines->length + length);
	memcpy((char *)lines->line.data + lines->length, text, length);
	lines->length += length;
}

static void print_kept(struct lines *lines)
{
	print(lines, lines->line.data, lines->length);
	lines->length = 0;
}

static void take(struct lines *lines, const char *text, size_t length)
{
	const char *end;

	for (; length && (end = memchr(text, '\n', length)); text = end + 1) {
		const size_t line = (size_t)(end - text);
		length -= line + 1;
		if (!lines->length) {
			print(lines, text, line);
			continue;
		}
		keep(lines, text, line);
		print_kept(lines);
	}
	if (length)
		keep(lines, text, length);
	if (lines->length >= LINE_MOST)
		print_kept(lines);
}

bool lines_read(struct lines *lines)
{
	static char data[READ_SIZE];
	ssize_t length;

	if (lines->from < 0)
		return false;
	length = read(lines->from, data, sizeof data);
	if (length > 0) {
		take(lines, data, (size_t)length);
		flush(lines->to);
	} else if (!length || (errno != EAGAIN && errno != EINTR)) {
		close(lines->from);
		lines->from = -1;
	}
	return length > 0;
}

void lines_end(struct lines *lines)
{
	/*
	 * Not until the end: what a command has left in the background may hold the pipe, and write
	 * to it for ever. The kernel has no pipe of more than 1 MiB but for root.
	 */
	for (int reads = 0; reads < LINE_MOST / READ_SIZE && lines_read(lines); reads++)
		;
	if (lines->length)
		print_kept(lines);
	flush(lines->to);
	if (lines->from >= 0)
		close(lines->from);
	memory_release(&lines->line);
	memory_release(&lines->shown);
	*lines = (struct lines){.from = -1};
}
