/*
 * nskind: the kinds of namespaces (namespaces(7)): their names and the flags by which
 * they are made and entered.
 */
#ifndef NSKIND_H
#define NSKIND_H

#include <stdbool.h>

/* In the order in which initctl enters them: the user namespace where it is needed. */
enum ns_kind { NS_CGROUP, NS_IPC, NS_UTS, NS_NET, NS_TIME, NS_PID, NS_MNT, NS_USER, NS_KINDS };

/* One row for each kind. */
extern const struct ns_name {
	char name[7]; /* of the file in /proc/PID/ns */
	int flag;     /* CLONE_NEW..., for clone(2), unshare(2) and setns(2) */
} ns_names[NS_KINDS];

/*
 * Whether a text, or what stands in it before the first `end`, is the name of that kind: mnt is
 * also called mount, as by unshare(1).
 */
bool ns_has_name(enum ns_kind kind, const char *text, char end);

#endif
