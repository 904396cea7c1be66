/*
 * verbs: what initctl does, one function a verb. Each gets the arguments that follow its name, and
 * returns initctl's exit code.
 */
#ifndef INITCTL_VERBS_H
#define INITCTL_VERBS_H

#include <stdbool.h>

#include "options.h"

struct context {
	const char *socket;
	bool json;
	char **words; /* of the command line, all */
};

int verb_exec(const struct context *context, char **arguments);
int verb_shell(const struct context *context, char **arguments);
int verb_attach(const struct context *context, char **arguments);
int verb_status(const struct context *context, char **arguments);
int verb_sessions(const struct context *context, char **arguments);
int verb_signal(const struct context *context, char **arguments);
int verb_wait(const struct context *context, char **arguments);
int verb_watch(const struct context *context, char **arguments);
int verb_stop(const struct context *context, char **arguments);
int verb_freeze(const struct context *context, char **arguments);
int verb_thaw(const struct context *context, char **arguments);
int verb_kill(const struct context *context, char **arguments);
int verb_limit(const struct context *context, char **arguments);
int verb_stats(const struct context *context, char **arguments);
int verb_ns(const struct context *context, char **arguments);

/* Connects, or ends the program with EXIT_INITCTL. The connection is the caller's. */
int verb_connect(const struct context *context);

/*
 * Requests a descriptor from init ("what", "root"; "namespace", "net"), or ends the program.
 * The descriptor is the caller's.
 */
int verb_open(const struct context *context, const char *key, const char *value);

/* Flushes stdout. Returns 0, or ends the program where the output could not be written. */
int verb_printed(void);

/* The options of the verbs that have some, for the help. */
extern const struct option exec_options[], attach_options[], stop_options[], ns_options[];

#endif
