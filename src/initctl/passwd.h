/*
 * passwd: finds the login shell of a user of the container.
 */
#ifndef INITCTL_PASSWD_H
#define INITCTL_PASSWD_H

#include "verbs.h"

/* Bytes of a path with its NUL. */
enum { PASSWD_SHELL = 256 };

/*
 * Stores the path of the shell that the container's /etc/passwd gives for the uid in UID[:...], or
 * if user is NULL, for the user that sessions have by default, which init tells. The file is read
 * by this process, through the root directory that init passes. Stores "/bin/sh" if the shell
 * cannot be determined. Ends the program if there is no connection to init.
 */
void passwd_shell(const struct context *context, const char *user, char shell[PASSWD_SHELL]);

#endif
