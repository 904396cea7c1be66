/*
 * ids: the ids of users and groups as a container with a user namespace has them, and as this
 * process has them.
 */
#ifndef INITCTL_IDS_H
#define INITCTL_IDS_H

#include "verbs.h"

enum ids_kind { IDS_USER, IDS_GROUP, IDS_KINDS };

/*
 * Reads the maps of init's user namespace. Where it does not tell, or the namespace is ours, ids
 * are the same inside and outside.
 */
void ids_read(const struct context *context);

/* The id inside of one outside, and the other way; or otherwise if it has none there. */
unsigned ids_inside(enum ids_kind kind, unsigned id, unsigned otherwise);
unsigned ids_outside(enum ids_kind kind, unsigned id, unsigned otherwise);

#endif
