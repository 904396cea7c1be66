/*
 * usage: the resources that a container uses, and their limits, from a cgroup of version 2, from
 * cgroups of version 1, or from /proc.
 */
#ifndef INITCTL_USAGE_H
#define INITCTL_USAGE_H

#include <stdint.h>

#include "cgroup1.h"

/* Which resources come from one source together. */
enum usage_part {
	USAGE_CPU,
	USAGE_QUOTA, /* of the CPU */
	USAGE_MEMORY,
	USAGE_SWAP,
	USAGE_IO,
	USAGE_PROCESSES,
	USAGE_PRESSURE,
	USAGE_STATE,
	USAGE_PARTS
};

enum usage_source { USAGE_NOWHERE, USAGE_CGROUP2, USAGE_CGROUP1, USAGE_PROC, USAGE_SOURCES };

/* The first value of a part is one that every source of the part has. */
enum usage_value {
	CPU_USAGE,
	CPU_USER,
	CPU_SYSTEM,
	CPU_THROTTLED, /* in how many periods, of how many, and for how long */
	CPU_PERIODS,
	CPU_THROTTLED_TIME,
	CPU_QUOTA, /* how much of each period it may use */
	CPU_PERIOD,
	MEMORY,
	MEMORY_MAX,
	MEMORY_HIGH,
	MEMORY_PEAK,
	MEMORY_AT_HIGH, /* how often each occurred */
	MEMORY_AT_MAX,
	MEMORY_OOM,
	MEMORY_OOM_KILL,
	SWAP,
	SWAP_MAX,
	IO_READ,
	IO_WRITE,
	PROCESSES, /* cgroups count threads */
	PROCESSES_MAX,
	PROCESSES_REFUSED, /* how many forks were, at the limit */
	PRESSURE_CPU,      /* of the last 10 seconds: some processes waited, and all */
	PRESSURE_CPU_FULL,
	PRESSURE_MEMORY,
	PRESSURE_MEMORY_FULL,
	PRESSURE_IO,
	PRESSURE_IO_FULL,
	FROZEN,
	USAGE_VALUES
};

/* What a value counts. */
enum usage_kind {
	USAGE_TIMES, /* how often something occurred, or how many there are */
	USAGE_BYTES,
	USAGE_TIME,    /* microseconds */
	USAGE_PERCENT, /* hundredths of a per cent */
};

/* Bytes of a value's name in JSON with its NUL. */
enum { USAGE_KEY = 40 };

/* Instead of a value: there is none; there is no limit. */
#define USAGE_UNKNOWN  UINT64_MAX
#define USAGE_NO_LIMIT (UINT64_MAX - 1)

struct usage {
	enum usage_source sources[USAGE_PARTS];
	uint64_t values[USAGE_VALUES];
};

/* Descriptors, which are the caller's; -1 for what there is not. */
struct usage_from {
	int cgroup2;
	int cgroup1[CGROUP1_CONTROLLERS];
	int proc;
	int init; /* PID 1, or the init of the container, as /proc numbers it */
	int main; /* the command, likewise; it may have ended */
};

/* Reads all values from the first source that has them: version 2, version 1, /proc. */
void usage_read(const struct usage_from *from, struct usage *usage);

/* The part and the kind of a value. */
enum usage_part usage_part(enum usage_value value);
enum usage_kind usage_kind(enum usage_value value);

/* What it is called in a line; " ": it is the first of the line, and that says it. */
const char *usage_label(enum usage_value value);

/* What it is called in JSON, as its place in version 2, "memory.events.oom". */
void usage_key(enum usage_value value, char key[static USAGE_KEY]);

#endif
