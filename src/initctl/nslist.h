/*
 * nslist: namespaces by kind: their names, and descriptors of some.
 */
#ifndef INITCTL_NSLIST_H
#define INITCTL_NSLIST_H

#include <stdbool.h>

#include "base/nskind.h"

/* Some, in the order in which they were asked for. */
struct nslist {
	enum ns_kind kinds[NS_KINDS];
	unsigned count;
	bool all; /* as it was said: what there is, each kind that is not there left out */
};

/* Takes "net,uts" or "all". Ends the program with 125 where that is no list. */
void nslist_parse(struct nslist *list, const char *text);

/* Whether a kind is one of them. */
bool nslist_has(const struct nslist *list, enum ns_kind kind);

/* Takes a kind out, where it is there. */
void nslist_drop(struct nslist *list, enum ns_kind kind);

/* Whether a descriptor is of a namespace of that kind. */
bool ns_is(enum ns_kind kind, int fd);

/* Whether the namespace of that descriptor is the one of this process. */
bool ns_is_ours(enum ns_kind kind, int fd);

/*
 * Prints them, a line each: kind, inode, uid of the owner, inode of the user namespace
 * that it belongs to, whether it is ours too. fds is indexed by kind.
 */
void nslist_print(const struct nslist *list, const int *fds, bool json);

#endif
