/*
 * sysctl: parameters of the kernel that belong to a namespace (sysctl(8)), set before the
 * command runs, which finds /proc/sys read-only.
 */
#ifndef SYSCTL_H
#define SYSCTL_H

#include "settings.h"

/*
 * Sets them all, in the namespaces that were made, CLONE_NEW... of sched.h. A name is a path below
 * /proc/sys, or has dots in the place of its slashes. What belongs to none of these namespaces
 * would be set for the host, and is refused. Whatever fails ends the process, and says so.
 */
void sysctl_set(const struct settings *settings, unsigned long namespaces);

#endif
