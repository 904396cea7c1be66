/*
 * guard: a process of the host that does nothing but outlive the container, whose
 * outer process may be killed, and then takes away what was made on the host for it.
 */
#ifndef GUARD_H
#define GUARD_H

#include "cgroup.h"

/*
 * Starts it, before anything is made. It removes the control socket at a path (NULL:
 * none) where nobody listens there any more, and the cgroups that it is told of. Returns
 * a descriptor, close-on-exec, which the outer process and the inner one hold: when both
 * are gone, the guard acts. Ends the process where it fails.
 */
int guard_start(const char *path, const struct cgroup_setup *cgroup);

/* In the inner process, whose child it is not: guard_end only lets go. */
void guard_keep(void);

/* Lets go of the descriptor, and waits until the guard has done its work. */
void guard_end(int guard);

#endif
