/*
 * nslist: lists of namespaces as the operator names them, and the properties of namespaces.
 */
#ifndef INITCTL_NSLIST_H
#define INITCTL_NSLIST_H

#include <stdbool.h>

#include "base/nskind.h"

/* Kinds of namespaces, each once, in the order in which they were named. */
struct nslist {
	enum ns_kind kinds[NS_KINDS];
	unsigned count;
	bool all; /* "all" was named: a kind that is not available is removed, not an error */
};

/* Adds the kinds named in text, as "net,uts" or "all". Ends the program if one is unknown. */
void nslist_parse(struct nslist *list, const char *text);

/* Whether the list contains a kind. */
bool nslist_has(const struct nslist *list, enum ns_kind kind);

/* Removes a kind from the list, if it is there. */
void nslist_drop(struct nslist *list, enum ns_kind kind);

/* Whether a descriptor refers to a namespace of that kind. Another file may pose as one. */
bool ns_is(enum ns_kind kind, int fd);

/* Ends the program if one of the descriptors, indexed by kind, is not of a namespace of its kind.
 */
void nslist_check(const int *fds);

/* Whether a descriptor refers to the file of that path. */
bool ns_is_file(int fd, const char *path);

/* Whether this process is in the namespace that a descriptor of that kind refers to. */
bool ns_is_ours(enum ns_kind kind, int fd);

/*
 * Prints a line for each namespace: kind, inode, uid of the owner, inode of the user namespace that
 * it belongs to, and whether this process is in it. fds is indexed by kind; the descriptors stay
 * the caller's.
 */
void nslist_print(const struct nslist *list, const int *fds, bool json);

#endif
