#include "text.h"

char *text_copy(char *to, const char *text)
{
	while (*text)
		*to++ = *text++;
	*to = 0;
	return to;
}

char *text_join(char *to, const char *a, const char *b)
{
	return text_copy(text_copy(to, a), b);
}

size_t text_until(const char *text, char c)
{
	size_t length = 0;

	while (text[length] && text[length] != c)
		length++;
	return length;
}

const char *text_field(char *to, const char *text, char end)
{
	for (; *text && *text != end; text++) {
		if (*text == '\\' && text[1])
			text++;
		*to++ = *text;
	}
	*to = 0;
	return text;
}

const char *text_last(const char *text, char c)
{
	const char *last = text;

	while (*text)
		if (*text++ == c)
			last = text;
	return last;
}

const char *text_after(const char *text, const char *start)
{
	for (; *start; start++, text++)
		if (*text != *start)
			return NULL;
	return text;
}

bool text_is(const char *text, char end, const char *word)
{
	text = text_after(text, word);
	return text && (!*text || *text == end);
}

unsigned long long text_set(const char *list, unsigned long long (*bits_of)(const char *name))
{
	unsigned long long set = 0, bits;

	for (;; list++) {
		bits = bits_of(list);
		if (!bits)
			return 0;
		set |= bits;
		list += text_until(list, ',');
		if (!*list)
			return set;
	}
}

const char *text_name(const char *names, unsigned number)
{
	while (number--)
		names += text_until(names, 0) + 1;
	return names;
}

unsigned text_number(const char *names, const char *text, char end)
{
	unsigned number = 0;

	for (; *names && !text_is(text, end, names); number++)
		names = text_name(names, 1);
	return number;
}

unsigned text_row(const char *text, char end, const void *table, size_t width, unsigned rows)
{
	const char *name = table;
	unsigned row = 0;

	for (; row < rows && !text_is(text, end, name); row++)
		name += width;
	return row;
}
