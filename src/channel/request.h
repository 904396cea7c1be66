/*
 * request: a message from an operator, checked to the last field before anything is
 * done about it. init-control(7) describes the messages for the authors of clients.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/wire.h"
#include "process/spawn.h"

/* Where at most one of several fields may be given, errors name the one listed first here. */
enum field {
	FIELD_ADDITIONAL_GIDS,
	FIELD_ARGUMENTS,
	FIELD_CWD,
	FIELD_ENV,
	FIELD_GRACE,
	FIELD_HEIGHT,
	FIELD_NO_NEW_PRIVILEGES,
	FIELD_PRIVILEGED,
	FIELD_PROGRAM,
	FIELD_RLIMITS,
	FIELD_SIGNAL,
	FIELD_TARGET,
	FIELD_PID,
	FIELD_SESSION,
	FIELD_TERMINAL,
	FIELD_UMASK,
	FIELD_USER,
	FIELD_VERSION,
	FIELD_WHAT,
	FIELD_NAMESPACE,
	FIELD_SOCKET,
	FIELD_WIDTH,
	FIELDS,
};

/* For a set of fields. */
#define FIELD_BIT(name) (1U << FIELD_##name)

/* The descriptors that a request comes with, by their number. */
enum request_descriptors {
	REQUEST_MASTER = 1, /* at most one, the master of a terminal */
	/* None with a terminal; then the program, then the arguments, if these are passed. */
	REQUEST_STDIO = 3,
};

enum target { TARGET_SESSION, TARGET_MAIN, TARGET_ALL, TARGET_PID };

struct verb; /* see verbs.h */

struct request {
	const struct verb *verb;
	struct wire wire;
	unsigned given; /* the fields that were there, as FIELD_BIT has them */
	bool terminal, no_new_privileges, privileged;
	unsigned height, width; /* 0 to 65535 */
	const char *directory;  /* NULL: / */
	int mask;               /* umask, or -1 */
	int signal;
	enum target target;
	unsigned pid;            /* not 0 or 1 */
	unsigned session;        /* 0: that of the connection */
	long long grace;         /* milliseconds, or NOT_SAID */
	const char *name;        /* of what is to be opened, as the client wrote it */
	struct credentials user; /* with FIELD_USER */
	struct limits limits;
};

/* Whether a field was given. */
static inline bool request_has(const struct request *request, enum field field)
{
	return request->given & 1U << field;
}

/*
 * Checks the fields of a message that came with that many descriptors against what its
 * verb takes, and reads them into a request that is zero but for verb and wire. It points
 * into the message from then on. 0, or -1 with errno and the name of what is wrong in
 * *field: EINVAL, ERANGE, or EPROTONOSUPPORT for a version.
 */
int request_read(struct request *request, unsigned descriptors, const char **field);

#endif
