/*
 * check: the frame of the unit tests. CHECK continues after a failure, so that one run
 * shows all of them; main returns check_end().
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdio.h>
#include <string.h>

static unsigned check_count, check_failures;

#define CHECK(truth) check_that((truth) ? 1 : 0, #truth, __FILE__, __LINE__)

static inline int check_that(int truth, const char *text, const char *file, int line)
{
	check_count++;
	if (!truth) {
		check_failures++;
		printf("%s:%d: not so: %s\n", file, line, text);
	}
	return truth;
}

/* Says which of the cases of a table it is, where one fails. */
static inline void check_case(int truth, const char *what, const char *text, int line)
{
	if (!check_that(truth, what, "case", line))
		printf("\twith '%s'\n", text);
}

static inline int check_end(void)
{
	printf("%u checks, %u failed\n", check_count, check_failures);
	return check_failures || !check_count;
}

#endif
