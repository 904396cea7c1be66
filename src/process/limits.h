/*
 * limits: limits of resources, as setrlimit(2) has them.
 */
#ifndef LIMITS_H
#define LIMITS_H

#include "base/sys.h"

enum { LIMITS = 16 };

struct limits {
	unsigned set; /* a bit for each resource that has one, by its number */
	struct sys_limit of[LIMITS];
};

/*
 * Adds NAME, the sign, SOFT:HARD: two numbers or "unlimited" for a resource, with or without its
 * "RLIMIT_". The last for a resource is the one that counts. 0, or -1.
 */
int limits_add(struct limits *limits, const char *text, char sign);

/* Sets them for this process. 0, or -1 with errno. */
int limits_apply(const struct limits *limits);

#endif
