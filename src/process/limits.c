#include "limits.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/number.h"
#include "base/text.h"

/* Resources of setrlimit(2), without their "RLIMIT_". */
static const char names[LIMITS][11] = {
	[RLIMIT_AS] = "AS",
	[RLIMIT_CORE] = "CORE",
	[RLIMIT_CPU] = "CPU",
	[RLIMIT_DATA] = "DATA",
	[RLIMIT_FSIZE] = "FSIZE",
	[RLIMIT_LOCKS] = "LOCKS",
	[RLIMIT_MEMLOCK] = "MEMLOCK",
	[RLIMIT_MSGQUEUE] = "MSGQUEUE",
	[RLIMIT_NICE] = "NICE",
	[RLIMIT_NOFILE] = "NOFILE",
	[RLIMIT_NPROC] = "NPROC",
	[RLIMIT_RSS] = "RSS",
	[RLIMIT_RTPRIO] = "RTPRIO",
	[RLIMIT_RTTIME] = "RTTIME",
	[RLIMIT_SIGPENDING] = "SIGPENDING",
	[RLIMIT_STACK] = "STACK",
};

/* Reads the number before the first `end`. */
static int read_value(const char *text, char end, uint64_t *value)
{
	unsigned long long number = UINT64_MAX;

	if (!text_is(text, end, "unlimited") &&
		(text_until(text, end) >= NUMBER_SIZE ||
			number_parse_until(text, end, UINT64_MAX, &number)))
		return -1;
	*value = number;
	return 0;
}

int limits_add(struct limits *limits, const char *text, char sign)
{
	const char *name = text_after(text, "RLIMIT_"), *now, *most;
	struct sys_limit limit;
	unsigned resource;

	errno = EINVAL;
	if (!name)
		name = text;
	resource = TEXT_ROW(name, sign, names);
	now = name + text_until(name, sign);
	if (resource == LIMITS || !*now++)
		return -1;
	most = now + text_until(now, ':');
	if (!*most++ || read_value(now, ':', &limit.now) || read_value(most, 0, &limit.most) ||
		limit.now > limit.most)
		return -1;
	limits->of[resource] = limit;
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
