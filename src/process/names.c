#include "names.h"

#include "base/text.h"

const char *names_at(const char *names, unsigned number)
{
	while (number--)
		names += text_until(names, 0) + 1;
	return names;
}

unsigned names_find(const char *names, const char *text, char end)
{
	unsigned number = 0;

	for (; *names && !text_is(text, end, names); number++)
		names = names_at(names, 1);
	return number;
}
