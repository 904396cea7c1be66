/*
 * scan: see scan.h.
 */
#include "scan.h"

#include <string.h>

unsigned long long scan_number(const char **text)
{
	const char *p = *text + strspn(*text, " \t");
	unsigned long long number = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		number = number * 10 + (unsigned)(*p - '0');
	*text = p + strcspn(p, " \t\n");
	return number;
}

unsigned long long scan_hex(const char **text, unsigned most)
{
	const char *digits = "0123456789abcdefABCDEF", *digit;
	unsigned long long number = 0;

	for (; most-- && **text && (digit = strchr(digits, **text)); ++*text) {
		const unsigned value = (unsigned)(digit - digits);
		number = number << 4 | (value < 16 ? value : value - 6);
	}
	return number;
}

char *scan_find(const char *text, const char *word)
{
	const size_t length = strlen(word);

	for (; *text; text++)
		if (!strncmp(text, word, length))
			return (char *)text;
	return NULL;
}
