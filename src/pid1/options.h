/*
 * options: everything init was asked for, in one struct.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "channel/server.h"
#include "container/cgroup.h"
#include "container/mounts.h"
#include "container/namespaces.h"
#include "process/notify.h"
#include "process/signals.h"
#include "process/spawn.h"

/* A program that init stands in for when called by its name, and ours. */
struct persona {
	char name[12];
	bool group;          /* signals go to the command's group, not to it alone */
	bool at_once;        /* exit when the main command ends, and leave the others be */
	bool parting;        /* ... with a TERM to the command's group */
	bool stop_stops;     /* TSTP, TTIN and TTOU are forwarded as STOP */
	unsigned char setup; /* exit code where init itself could not set up */
	unsigned char absent, denied, other; /* exec: not found, not permitted, else */
	bool not_a_directory;                /* ENOTDIR counts as not found */
	const char *version;                 /* what -V prints; engines parse it */
};

/* For times: no limit. */
enum { FOREVER = -1 };

struct options {
	const struct persona *persona;
	char **command; /* argv of the command; NULL with pause */
	bool pause;
	bool group;
	bool at_once;
	bool wait_all;
	bool warn_on_reap;
	bool no_new_privileges;
	int verbosity;        /* enum log_level */
	int parent_death;     /* signal, 0: none */
	long long grace;      /* milliseconds, or FOREVER */
	long long kill_after; /* milliseconds, or FOREVER */
	bool expected[256];   /* exit codes that count as 0 */
	struct rewrite rewrite;
	const char *directory; /* of the command; NULL: ours */
	bool as_user;
	struct credentials user;
	struct server_setup control;
	struct namespaces namespaces;
	struct mounts mounts;
	struct cgroup_setup cgroup;
	struct notify_setup notify;
};

/*
 * Reads the peers' environment variables, then INIT_OPTIONS, which it takes out of
 * envp, then argv; a later word wins. NOTIFY_SOCKET is taken out where it is for us. The strings in
 * *options point into both. What cannot be understood ends the process with one line that names the
 * word; -h, -V and -l print on stdout and end it with 0. Nothing else has an effect.
 */
void options_parse(struct options *options, char **argv, char **envp);

#endif
