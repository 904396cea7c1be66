#include "base/number.h"

#include <errno.h>
#include <limits.h>

#include "check.h"

static void numbers(void)
{
	static const struct {
		const char *text;
		unsigned long long max, value;
		int error;
	} cases[] = {
		{"0", 0, 0, 0},
		{"1", 0, 0, ERANGE},
		{"255", 255, 255, 0},
		{"256", 255, 0, ERANGE},
		{"9", 8, 0, ERANGE},
		{"007", 7, 7, 0},
		{"4294967294", 4294967294ULL, 4294967294ULL, 0},
		{"18446744073709551615", ULLONG_MAX, ULLONG_MAX, 0},
		{"18446744073709551616", ULLONG_MAX, 0, ERANGE},
		{"99999999999999999999999", ULLONG_MAX, 0, ERANGE},
		{"", 9, 0, EINVAL},
		{"-1", 9, 0, EINVAL},
		{"+1", 9, 0, EINVAL},
		{" 1", 9, 0, EINVAL},
		{"1 ", 9, 0, EINVAL},
		{"1a", 99, 0, EINVAL},
		{"0x1", 99, 0, EINVAL},
		{"1.0", 99, 0, EINVAL},
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		unsigned long long value = 77;
		int result;
		errno = 0;
		result = number_parse(cases[i].text, cases[i].max, &value);
		check_case(result == (cases[i].error ? -1 : 0), "result", cases[i].text, __LINE__);
		check_case(value == (cases[i].error ? 77 : cases[i].value), "value", cases[i].text,
			__LINE__);
		check_case(errno == cases[i].error, "errno", cases[i].text, __LINE__);
	}
}

static void times(void)
{
	static const struct {
		const char *text;
		long long value;
		int error;
	} cases[] = {
		{"0", 0, 0},
		{"2", 2000, 0},
		{"2s", 2000, 0},
		{"1.5", 1500, 0},
		{"1.5s", 1500, 0},
		{"0.001", 1, 0},
		{"0.0009", 0, 0},
		{"1.9999999999999999999999999999999", 1999, 0},
		{"500ms", 500, 0},
		{"1.9ms", 1, 0},
		{"1m", 60000, 0},
		{"0.5m", 30000, 0},
		{"1h", 3600000, 0},
		{"1000h", 3600000000LL, 0},
		{"3600000", 3600000000LL, 0},
		{"3600000000ms", 3600000000LL, 0},
		{"inf", -1, 0},
		{"1000.1h", 0, ERANGE},
		{"1001h", 0, ERANGE},
		{"3600001", 0, ERANGE},
		{"3600000001ms", 0, ERANGE},
		{"99999999999999999999999999", 0, ERANGE},
		{"", 0, EINVAL},
		{"s", 0, EINVAL},
		{".5", 0, EINVAL},
		{"1.", 0, EINVAL},
		{"1.s", 0, EINVAL},
		{"1..5", 0, EINVAL},
		{"1.5.", 0, EINVAL},
		{"-1", 0, EINVAL},
		{"1 s", 0, EINVAL},
		{"1d", 0, EINVAL},
		{"1S", 0, EINVAL},
		{"1sm", 0, EINVAL},
		{"1e3", 0, EINVAL},
		{"INF", 0, EINVAL},
		{"infinity", 0, EINVAL},
	};

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		long long value = 77;
		int result;
		errno = 0;
		result = number_parse_time(cases[i].text, &value);
		check_case(result == (cases[i].error ? -1 : 0), "result", cases[i].text, __LINE__);
		check_case(value == (cases[i].error ? 77 : cases[i].value), "value", cases[i].text,
			__LINE__);
		check_case(errno == cases[i].error, "errno", cases[i].text, __LINE__);
	}
}

static void texts(void)
{
	static const long long values[] = {0, 1, 9, 10, 4194304, INT_MAX, LLONG_MAX};
	char buffer[NUMBER_SIZE], expected[32];

	for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
		const char *text = number_text(buffer, values[i]);
		snprintf(expected, sizeof expected, "%lld", values[i]);
		check_case(!strcmp(text, expected), "text", expected, __LINE__);
		check_case(text >= buffer && text + strlen(text) == buffer + NUMBER_SIZE - 1,
			"inside the buffer", expected, __LINE__);
	}
}

int main(void)
{
	numbers();
	times();
	texts();
	return check_end();
}
