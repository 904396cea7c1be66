/*
 * spawn: a child becomes the command: its process group or session, terminal,
 * credentials, directory, and exec.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

enum { SPAWN_GROUPS = 64 };

/* What the child was doing when it failed. */
enum spawn_stage {
	SPAWN_FORK = 1,
	SPAWN_GROUP,
	SPAWN_TERMINAL,
	SPAWN_PARENT,
	SPAWN_SETGROUPS,
	SPAWN_SETGID,
	SPAWN_SETUID,
	SPAWN_PRIVILEGES,
	SPAWN_CHDIR,
	SPAWN_EXEC,
};

struct user {
	uid_t uid;
	gid_t gid;
	unsigned count; /* of supplementary groups */
	gid_t groups[SPAWN_GROUPS];
};

/* Which process group the command goes to. */
enum spawn_group { SPAWN_OWN_GROUP, SPAWN_OWN_SESSION, SPAWN_OUR_GROUP };

struct spawn {
	char *const *argv;
	char **envp;             /* searched for PATH; LISTEN_PID naming us is rewritten */
	const struct user *user; /* NULL: as we are */
	const char *directory;   /* NULL: as we are */
	enum spawn_group group;
	int take;       /* terminal that the new session makes its own, or -1 */
	int foreground; /* terminal whose foreground the new group becomes, or -1 */
	bool asks;      /* for the foreground, by being stopped when it needs it */
	bool no_new_privileges;
	bool die_with_us; /* KILL when init dies, which as PID 1 the kernel sees to */
};

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

/* A stage as a verb with a blank behind it, for a message: "exec ", "set user id ". */
const char *spawn_stage_text(enum spawn_stage stage);

#endif
