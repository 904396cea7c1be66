/*
 * duration: lengths of time and points in time, in milliseconds.
 *
 * A duration is a number of milliseconds, FOREVER or NOT_SAID. A point in time is a reading
 * of the monotonic clock (sys_now), or NEVER. The three have different values, so that one
 * that is taken for another shows.
 */
#ifndef DURATION_H
#define DURATION_H

#include <stdint.h>

/* A duration without end: "inf" on the command line. */
#define FOREVER (-1LL)

/* No duration was given: the default applies. */
#define NOT_SAID (-2LL)

/* A point in time that does not come. */
#define NEVER INT64_MAX

/* The point in time that is a duration after now; NEVER where the duration is FOREVER. */
static inline long long after(long long now, long long duration)
{
	return duration == FOREVER ? NEVER : now + duration;
}

/* The shorter of two durations that have an end; one that was not given does not count. */
static inline long long shorter(long long a, long long b)
{
	return a == NOT_SAID || (b != NOT_SAID && b < a) ? b : a;
}

/* The earlier of two points in time. */
static inline long long sooner(long long a, long long b)
{
	return a < b ? a : b;
}

#endif
