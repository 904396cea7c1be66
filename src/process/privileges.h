/*
 * privileges: what a process in the container may do: the command, and unless an operator asks
 * for more, what the channel starts. PID 1 itself keeps what it was started with, so that nothing
 * inside that has less can trace it or read its files in /proc (ptrace(2)).
 */
#ifndef PRIVILEGES_H
#define PRIVILEGES_H

#include <stdbool.h>

#include "capabilities.h"
#include "credentials.h"
#include "limits.h"

struct privileges {
	const struct credentials *user;  /* NULL: as we are */
	unsigned long long capabilities; /* that it keeps of ours */
	bool no_new_privileges;
	bool filtered; /* by the filter of seccomp.h */
	const struct limits *limits;
};

#endif
