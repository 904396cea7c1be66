#include "limits.h"

#include <sys/resource.h>

#include "base/number.h"
#include "base/text.h"

/* Resources of setrlimit(2) by their numbers, without their "RLIMIT_". */
static const char *const names = "CPU\0"
				 "FSIZE\0"
				 "DATA\0"
				 "STACK\0"
				 "CORE\0"
				 "RSS\0"
				 "NPROC\0"
				 "NOFILE\0"
				 "MEMLOCK\0"
				 "AS\0"
				 "LOCKS\0"
				 "SIGPENDING\0"
				 "MSGQUEUE\0"
				 "NICE\0"
				 "RTPRIO\0"
				 "RTTIME\0";

_Static_assert(RLIMIT_STACK == 3 && RLIMIT_NPROC == 6 && RLIMIT_AS == 9 && RLIMIT_RTTIME == 15 &&
		       LIMITS == 16,
	"the numbers of <asm-generic/resource.h>");

/* Reads the number before the first `end`. */
static int read_value(const char *text, char end, uint64_t *value)
{
	unsigned long long number;

	*value = UINT64_MAX;
	if (text_is(text, end, "unlimited"))
		return 0;
	if (text_until(text, end) >= NUMBER_SIZE ||
		number_parse_until(text, end, UINT64_MAX, &number))
		return -1;
	*value = number;
	return 0;
}

int limits_add(struct limits *limits, const char *text, char sign)
{
	const char *name = text_after(text, "RLIMIT_"), *now, *most;
	struct sys_limit *limit;
	unsigned resource;

	if (!name)
		name = text;
	resource = text_number(names, name, sign);
	now = name + text_until(name, sign);
	if (resource == LIMITS || !*now++)
		return -1;
	limit = &limits->of[resource];
	most = now + text_until(now, ':');
	if (!*most++ || read_value(now, ':', &limit->now) || read_value(most, 0, &limit->most) ||
		limit->now > limit->most)
		return -1;
	limits->set |= 1U << resource;
	return 0;
}

int limits_apply(const struct limits *limits)
{
	for (int i = 0; i < LIMITS; i++)
		if (limits->set & 1U << i && sys_limit(i, &limits->of[i], NULL))
			return -1;
	return 0;
}
