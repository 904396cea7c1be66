/*
 * passwd: which shell a user of the container has.
 */
#ifndef INITCTL_PASSWD_H
#define INITCTL_PASSWD_H

#include "verbs.h"

enum { PASSWD_SHELL = 256 };

/*
 * Writes the shell of the user UID[:...] (NULL: 0) by the container's /etc/passwd,
 * read through the root that init hands out; /bin/sh where that does not say.
 */
void passwd_shell(const struct context *context, const char *user, char shell[PASSWD_SHELL]);

#endif
