/*
 * namespaces: namespaces of our own (namespaces(7)), and what belongs into new ones:
 * the host's name, the loopback interface, a session keyring.
 */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "idmap.h"

struct namespaces {
	unsigned long flags; /* CLONE_NEW... of sched.h */
	struct idmap uids, gids;
	bool map_same; /* where root gives no map: every id is the same outside */
	const char *hostname, *domainname; /* NULL: as it is */
	bool loopback;
	bool keyring; /* a session keyring of our own (session-keyring(7)) */
};

/* Adds a list of pid, mount, uts, ipc, net, user, cgroup, time, or all. 0, or -1. */
int namespaces_parse(struct namespaces *namespaces, const char *list);

/*
 * Makes the namespaces. With one of pids among them a child is born into them all,
 * and goes on as their PID 1: there 0 is returned. In the outer process it is the child's
 * pid, and *life a descriptor that it owns and keeps open: until the kernel tells the child
 * of the outer process's death, it knows of it by the end of that pipe. Without a PID
 * namespace 0 is returned, and *life is -1.
 * In a new user namespace we are root of it, where it has a root.
 *
 * `time` is for children alone (time_namespaces(7)): without one of pids, a vfork
 * into it takes Linux 6.1.
 *
 * Whatever fails ends the process, with one message.
 */
pid_t namespaces_enter(const struct namespaces *namespaces, int *life);

/* Kills the child that waits for us, inner process or id mapper, where we fail. */
void namespaces_abandon(void);

/*
 * Sets the names, brings up the loopback interface and joins a new session keyring. Ends the
 * process where it fails.
 */
void namespaces_furnish(const struct namespaces *namespaces);

#endif
