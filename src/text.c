#include "text.h"

char *text_join(char *to, const char *a, const char *b)
{
	while (*a)
		*to++ = *a++;
	while (*b)
		*to++ = *b++;
	*to = 0;
	return to;
}

size_t text_until(const char *text, char c)
{
	size_t length = 0;

	while (text[length] && text[length] != c)
		length++;
	return length;
}
