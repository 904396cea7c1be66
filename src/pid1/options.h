/*
 * options: everything init was asked for, in one struct. The table of the options themselves
 * is in options_table.c.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include "base/duration.h"
#include "channel/server.h"
#include "container/cgroup.h"
#include "container/mounts.h"
#include "container/namespaces.h"
#include "container/sysctl.h"
#include "persona.h"
#include "process/notify.h"
#include "process/rewrite.h"
#include "process/spawn.h"

struct options {
	const struct persona *persona;
	char **command; /* argv of the command; NULL with pause */
	bool pause;
	bool group;
	bool at_once;
	bool wait_all;
	bool warn_on_reap;
	int verbosity;        /* enum log_level */
	int parent_death;     /* signal, 0: none */
	long long grace;      /* a duration, see duration.h; an operator may change it: see end.h */
	long long kill_after; /* a duration */
	bool expected[256];   /* exit codes that count as 0 */
	struct rewrite rewrite;
	unsigned long long main_only; /* as forwarded: the set of those for the command alone */
	const char *directory;        /* of the command; NULL: ours */
	struct settings variables;    /* of the environment, over those that are there */
	struct credentials user;      /* see privileges */
	struct limits limits;
	unsigned long long kept; /* capabilities; 0: nothing was said */
	unsigned long long dropped;
	int seccomp;                  /* descriptor of a filter, or -1 */
	struct privileges privileges; /* of the command, from all of these */
	struct server_setup control;
	struct namespaces namespaces;
	struct mounts mounts;
	struct settings sysctls;
	struct cgroup_setup cgroup;
	struct notify_setup notify;
};

/*
 * Fills *options, which is all zero. Reads the environment variables of tini and dumb-init, then
 * INIT_OPTIONS, then argv; a later word wins. INIT_OPTIONS is taken out of envp, and so is
 * NOTIFY_SOCKET where it is meant for init. The strings in *options point into both. A word that
 * cannot be understood ends the process with one line that names it; -h, -V and -l print on stdout
 * and end the process with 0. Otherwise it only sets up the log.
 */
void options_parse(struct options *options, char **argv, char **envp);

#endif
