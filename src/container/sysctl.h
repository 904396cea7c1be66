/*
 * sysctl: parameters of the kernel that belong to a namespace (sysctl(8)), set before the
 * command runs, which finds /proc/sys read-only.
 */
#ifndef SYSCTL_H
#define SYSCTL_H

enum { SYSCTLS = 32 };

struct sysctls {
	unsigned count;
	const char *settings[SYSCTLS];
};

/*
 * Adds NAME=VALUE. NAME is a path below /proc/sys, or has dots for its slashes and slashes for
 * its dots, as in sysctl.d(5). 0, or -1.
 */
int sysctl_add(struct sysctls *sysctls, const char *setting);

/*
 * Sets them all, in the namespaces that were made, CLONE_NEW... of sched.h. One that belongs to
 * none of these would be set for the host, and is refused. Whatever fails ends the process, and
 * says so.
 */
void sysctl_set(const struct sysctls *sysctls, unsigned long namespaces);

#endif
