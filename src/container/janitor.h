/*
 * guard: a process of the host that does nothing but outlive the container, whose
 * outer process may be killed, and then takes away what was made on the host for it.
 */
#ifndef JANITOR_H
#define JANITOR_H

#include <stdbool.h>

#include "cgroup.h"

/*
 * Starts it, before anything is made. It removes the control socket at a path (NULL:
 * none) where nobody listens there any more, and the cgroups that it is told of, when
 * the outer process and the inner one are both gone. Ends the process where it fails.
 */
void janitor_start(const char *path, const struct cgroup_setup *cgroup);

/* What those two hold it by, close-on-exec; 0 where there is no guard. */
int janitor_descriptor(void);

/* In the inner process, whose child it is not: janitor_end only lets go. */
void janitor_keep(void);

/* Lets go of it, and waits until it has done its work. Returns whether there is one. */
bool janitor_end(void);

#endif
