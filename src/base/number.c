#include "number.h"

#include <errno.h>
#include <stdbool.h>

#include "duration.h"
#include "sys.h"
#include "text.h"

int number_parse_until(const char *text, char end, unsigned long long max, unsigned long long *out)
{
	unsigned long long value = 0;

	/* An empty number is refused here too: its NUL or end is not a digit. */
	do {
		unsigned digit = (unsigned)(*text - '0');
		if (digit > 9)
			return sys_fail(EINVAL);
		if (value > (max - digit) / 10 || digit > max)
			return sys_fail(ERANGE);
		value = value * 10 + digit;
	} while (*++text && *text != end);
	*out = value;
	return 0;
}

int number_parse(const char *text, unsigned long long max, unsigned long long *out)
{
	return number_parse_until(text, 0, max, out);
}

/* Of times. */
static const struct {
	char name[3];
	unsigned milliseconds;
} units[] = {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};

enum { UNITS = sizeof units / sizeof *units };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

int number_parse_time(const char *text, long long *milliseconds)
{
	const unsigned long long longest = 1000 * 3600000ULL;
	unsigned long long whole, part = 0, scale = 1;
	const char *p = text;
	unsigned unit;

	if (text_is(text, 0, "inf")) {
		*milliseconds = FOREVER;
		return 0;
	}
	while (is_digit(*p))
		p++;
	if (number_parse_until(text, *p, longest, &whole))
		return -1;
	if (*p == '.') {
		if (!is_digit(*++p))
			return sys_fail(EINVAL);
		for (; is_digit(*p); p++)
			if (scale < 1000000) {
				part = part * 10 + (unsigned)(*p - '0');
				scale *= 10;
			}
	}
	unit = TEXT_ROW(p, 0, units);
	if (unit == UNITS)
		return sys_fail(EINVAL);
	whole = whole * units[unit].milliseconds + part * units[unit].milliseconds / scale;
	if (whole > longest)
		return sys_fail(ERANGE);
	*milliseconds = (long long)whole;
	return 0;
}

char *number_join(char *to, const char *text, long long value)
{
	char digits[NUMBER_SIZE];

	return text_join(to, text, number_text(digits, value));
}

const char *number_text(char buffer[static NUMBER_SIZE], long long value)
{
	char *p = &buffer[NUMBER_SIZE - 1];
	unsigned long long rest = (unsigned long long)value;

	*p = 0;
	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	return p;
}
