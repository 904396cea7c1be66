/*
 * login: a user of the container, by name or number, with what a login would give him. The
 * container's /etc/passwd and /etc/group are read by this process, through the root directory that
 * init passes; they are the container's, and may say anything.
 */
#ifndef INITCTL_LOGIN_H
#define INITCTL_LOGIN_H

#include "verbs.h"

enum {
	LOGIN_USER = 1024, /* bytes of UID:GID,GID... with its NUL */
	LOGIN_VALUE = 256  /* of a home directory, a shell or a name with its NUL */
};

struct login {
	char user[LOGIN_USER]; /* UID[:GID[,GID...]], as a request has it */
	char shell[LOGIN_VALUE];
	/* HOME=, USER=, LOGNAME= and SHELL= of a user who was given by name, up to a NULL. */
	const char *variables[5];
	char strings[4][LOGIN_VALUE + 8];
};

/* Whether a user is given by numbers alone, and needs no look-up. */
bool login_is_numeric(const char *user);

/*
 * Finds a user, given as NAME[:GROUP[,GROUP...]], each a name or a number. Without GROUP he has the
 * group of his line in /etc/passwd and those that list him in /etc/group. If user is NULL, the one
 * that sessions have by default is meant, whom init tells, and login->user is "". The shell is
 * /bin/sh if it cannot be determined. Ends the program if there is no such user or group, or no
 * connection to init.
 */
void login_find(const struct context *context, const char *user, struct login *login);

#endif
