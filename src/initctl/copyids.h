/*
 * copyids: the owners of files as a container with a user namespace has them, and as we have them.
 */
#ifndef INITCTL_COPYIDS_H
#define INITCTL_COPYIDS_H

#include <stdbool.h>

#include "verbs.h"

enum copyids_kind { COPYIDS_USER, COPYIDS_GROUP };

/* Asks the container which of its ids are which of ours; where it does not tell, they are equal. */
void copyids_read(const struct context *context);

/* No id. chown(2) would leave the owner as it is. */
#define COPYIDS_NONE (~0U)

/*
 * The id inside of one of ours, which stays as it is where there is none; or with inwards ours
 * of one inside, or COPYIDS_NONE.
 */
unsigned copyids_of(enum copyids_kind kind, unsigned id, bool inwards);

/* Makes this process create files as those of root inside are. */
void copyids_become_root(void);

#endif
