/*
 * usagesource: from where the use of a container's resources can be read.
 */
#ifndef INITCTL_USAGESOURCE_H
#define INITCTL_USAGESOURCE_H

#include "usage.h"
#include "verbs.h"

/*
 * Opens the command's cgroup of version 2, which init passes, those of version 1, which this
 * process sees or not, and the container's /proc, as far as there are any. The descriptors are the
 * caller's. Ends the program if there is no connection to init.
 */
void usagesource_open(const struct context *context, struct usage_from *from);

#endif
