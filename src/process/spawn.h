/*
 * spawn: a child becomes the command: its process group or session, terminal,
 * privileges, directory, and exec.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "privileges.h"

/* What the child was doing when it failed. */
enum spawn_stage {
	SPAWN_FORK,
	SPAWN_CGROUP,
	SPAWN_ARGUMENTS,
	SPAWN_STDIO,
	SPAWN_SESSION,
	SPAWN_TERMINAL,
	SPAWN_LIMITS,
	SPAWN_CAPABILITIES,
	SPAWN_USER,
	SPAWN_PRIVILEGES,
	SPAWN_FILTER,
	SPAWN_PARENT,
	SPAWN_DIRECTORY,
	SPAWN_EXEC,
};

/* Which process group the command goes to. */
enum spawn_group { SPAWN_OWN_GROUP, SPAWN_OWN_SESSION, SPAWN_OUR_GROUP };

/* What it does about a terminal. */
enum spawn_terminal {
	SPAWN_LEAVE,      /* nothing */
	SPAWN_CONTROL,    /* its session takes it as the controlling one */
	SPAWN_FOREGROUND, /* its group becomes the foreground */
	SPAWN_ASK, /* it stops when it reads from the background, so that init hands it over */
};

struct spawn {
	char *const *argv;
	char **envp; /* searched for PATH; LISTEN_PID naming us is rewritten */
	const struct privileges *privileges; /* NULL: ours */
	const struct limits *limits;         /* beside those; NULL: none. Set without privilege. */
	const char *directory;               /* NULL: as we are */
	/*
	 * Descriptors of ours that are closed before any path is looked up: by /proc/self/fd a
	 * directory of the host would lead out of the container (CVE-2024-21626).
	 */
	const int *kept;
	unsigned kept_count;
	int program; /* descriptor of what to exec, or -1: found by argv[0] */
	int cgroup;  /* descriptor of what it is born in, or -1: where we are */
	enum spawn_group group;
	enum spawn_terminal use; /* of the terminal */
	int terminal;            /* its descriptor, where it is used */
	bool afresh;             /* no signal blocked or ignored, whatever init inherited */
	bool die_with_us;        /* KILL when init dies, which as PID 1 the kernel sees to */
};

/* What a child that could not become the command exits with; nobody looks at it. */
enum { SPAWN_FAILED = 125 };

struct spawn_failure {
	enum spawn_stage stage;
	int error;
};

/*
 * Starts the command, and returns its pid once the program runs: from then on its
 * group exists and no signal for it is lost. On failure -1, with stage and errno
 * in *failure and no child left. Changes no descriptor of ours.
 */
pid_t spawn_start(const struct spawn *spawn, struct spawn_failure *failure);

/*
 * As fork(2), with flags of clone(2) and the child born in that cgroup unless that is
 * -1. Where the child cannot be, it writes a struct spawn_failure to report and ends.
 */
pid_t spawn_fork(int cgroup, unsigned long flags, int report);

/*
 * In a child of the process parent, with all signals blocked: does what the struct
 * asks for, and execs. Returns only on failure, with errno.
 */
enum spawn_stage spawn_become(const struct spawn *spawn, pid_t parent);

/*
 * In a child that cannot become the command: tells its parent the stage and errno, as one struct
 * spawn_failure, by a pipe or a socket, and ends it. Uses no calls but write(2) and exit_group(2),
 * as a filter of the command's may be in force already.
 */
_Noreturn void spawn_fail(int report, enum spawn_stage stage);

/* A stage as one word, for a reply: "exec", "user". */
const char *spawn_stage_name(enum spawn_stage stage);

/* As a verb with a blank behind it, for a message: "exec ", "become user of ". */
const char *spawn_stage_text(enum spawn_stage stage);

#endif
