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
 * The first setting that does not belong to one of these namespaces, CLONE_NEW... of sched.h, and
 * so would be the host's; or NULL.
 */
const char *sysctl_of_host(const struct sysctls *sysctls, unsigned long namespaces);

/* Sets them all. Whatever fails ends the process, and says so. */
void sysctl_set(const struct sysctls *sysctls);

#endif
