/*
 * janitor: a process on the host that outlives the container, whose outer process may be
 * killed, and then removes what was made on the host for it.
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

/* The socket by which those two hold it, close-on-exec; -1 where there is no janitor. */
int janitor_descriptor(void);

/* In the inner process, whose child it is not: janitor_end only closes the socket. */
void janitor_disown(void);

/*
 * Lets it do its work, waits for the end of that, and passes on what it warns of. Returns
 * false where there is none, or where it ended before it was done.
 */
bool janitor_end(void);

#endif
