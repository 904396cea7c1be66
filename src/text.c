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
