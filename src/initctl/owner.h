/*
 * owner: the owners of the container's files as they are seen inside: ids by the container's
 * user namespace, names by its /etc/passwd and /etc/group.
 */
#ifndef INITCTL_OWNER_H
#define INITCTL_OWNER_H

#include "verbs.h"

enum owner_kind { OWNER_USER, OWNER_GROUP, OWNER_KINDS };

enum { OWNER_NAME = 64 }; /* bytes of a name with its NUL; for a longer one the number is used */

/*
 * Reads the names, below the directory root, and the maps of ids, where init tells them. What
 * cannot be read is done without: then owners are numbers, or those that this process sees.
 */
void owner_load(const struct context *context, int root);

/* The id that a process inside sees, by that which this process sees. */
unsigned owner_inside(enum owner_kind kind, unsigned id);

/* Stores the name, not escaped, or else the digits, of an id that a process inside sees. */
void owner_name(enum owner_kind kind, unsigned id, char name[OWNER_NAME]);

#endif
