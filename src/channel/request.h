/*
 * request: what a message from an operator asks for, checked to the last field
 * before anything is done about it. PROTOCOL.md is the description for clients.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/wire.h"
#include "process/spawn.h"

enum verb {
	VERB_STATUS,
	VERB_EXEC,
	VERB_SIGNAL,
	VERB_SESSIONS,
	VERB_HOLD,
	VERB_ATTACH,
	VERB_WATCH,
	VERB_WAIT,
	VERB_STOP,
	VERB_OPEN,
	VERBS,
};

enum target { TARGET_SESSION, TARGET_MAIN, TARGET_ALL, TARGET_PID };

struct request {
	enum verb verb;
	struct wire wire;
	bool terminal, no_new_privileges, program;
	unsigned height, width; /* 0 to 65535 */
	const char *directory;  /* NULL: / */
	bool as_user;
	struct credentials user;
	int mask; /* umask, or -1 */
	int signal;
	enum target target;
	unsigned pid;           /* not 0 or 1 */
	unsigned session;       /* 0: that of the connection */
	long long grace;        /* milliseconds, or FOREVER where none is given */
	const char *what;       /* of open, as the client wrote it */
	const char *name_space; /* likewise */
};

/* A bit for each verb in a list such as "status,watch"; 0 where one is unknown. */
unsigned request_verbs(const char *list);

/*
 * Reads a request out of length bytes at data, which came with that many
 * descriptors. 0, or -1 with errno, and in *field the name of what is wrong:
 * EINVAL, ERANGE, ENOSYS for an unknown request, EPROTONOSUPPORT for a version.
 */
int request_read(struct request *request, char *data, size_t length, unsigned descriptors,
	const char **field);

/* "RLIMIT_NOFILE:SOFT:HARD", numbers or "unlimited". 0 or -1; applies it on demand. */
int request_limit(const char *text, bool apply);

#endif
