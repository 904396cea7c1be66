/*
 * credentials: the user and groups that a command runs as. They are numbers: the
 * container's passwd(5) is not read.
 */
#ifndef CREDENTIALS_H
#define CREDENTIALS_H

#include <sys/types.h>

enum { CREDENTIALS_GROUPS = 64 };

struct credentials {
	uid_t uid;
	gid_t gid;
	unsigned count; /* of supplementary groups; those we have are dropped */
	gid_t groups[CREDENTIALS_GROUPS];
};

/*
 * An id up to the character end, behind which another has to follow, or up to the NUL; *text is
 * moved behind both. 0, or -1.
 */
int credentials_parse_id(const char **text, char end, unsigned *id);

/* UID[:GID[,GID...]]; without GID it is the same number. 0, or -1. */
int credentials_parse(struct credentials *user, const char *text);

/* ID[,ID...], appended to the *count in a list with room for that many. 0, or -1. */
int credentials_parse_list(const char *text, unsigned *list, unsigned room, unsigned *count);

/* Takes these ids, and leaves the groups. 0, or -1 with errno. */
int credentials_take_ids(uid_t uid, gid_t gid);

/* Becomes that user, for good. 0, or -1 with errno. */
int credentials_become(const struct credentials *user);

#endif
