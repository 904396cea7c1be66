/*
 * say: see say.h.
 */
#include "say.h"

#include <stdarg.h>

#include "out.h"

struct said said;

char *say(const char *format, ...)
{
	size_t needs = 0, room;
	va_list list;

	va_start(list, format);
	do {
		memory_reserve(&said.memory, said.length + needs + 1);
		room = said.memory.size - said.length;
		needs = out_format_list((char *)said.memory.data + said.length, room, format, list);
	} while (needs >= room);
	va_end(list);
	said.length += needs;
	return said.memory.data;
}
