/*
 * owner: the owners of the container's files as they are seen inside: ids by the container's
 * user namespace, names by its /etc/passwd and /etc/group.
 */
#ifndef INITCTL_OWNER_H
#define INITCTL_OWNER_H

#include "ids.h"
#include "verbs.h"

enum { OWNER_NAME = 64 }; /* bytes of a name with its NUL; for a longer one the number is used */

/*
 * Reads the names, below the directory root, and the maps of ids, where init tells them. What
 * cannot be read is done without: then owners are numbers, or those that this process sees.
 */
void owner_load(const struct context *context, int root);

enum { OWNER_NOBODY = 65534 }; /* inside, who has no id there; user_namespaces(7) */

/* Stores the name, not escaped, or else the digits, of an id that a process inside sees. */
void owner_name(enum ids_kind kind, unsigned id, char name[OWNER_NAME]);

#endif
