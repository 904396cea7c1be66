/*
 * verbs: the verbs of initctl, a function for each. It gets the arguments that follow the verb's
 * name, up to a NULL, and returns the exit code or ends the program.
 */
#ifndef INITCTL_VERBS_H
#define INITCTL_VERBS_H

#include <stdbool.h>

#include "initctl.h"
#include "options.h"
#include "targets.h"

/* What precedes the verb on the command line. */
struct context {
	const char *socket;     /* path of the control socket */
	struct targets targets; /* those given by -S and --all */
	size_t jobs;            /* --jobs, or 0 */
	bool rehearsal;         /* end, with 0, instead of connecting: see many.h */
	bool json;
	char **words; /* the whole command line, argv */
};

struct verb {
	const char *name;
	int (*run)(const struct context *context, char **arguments);
	const char *arguments, *help;
	const struct option *options; /* NULL: none, or those of another row of the same name */
	const char *examples;         /* lines, or NULL */
};

/* One row for each verb, or form of it; the last has no name. */
extern const struct verb verbs[];

int verb_help(const struct context *context, char **arguments);
int verb_exec(const struct context *context, char **arguments);
int verb_shell(const struct context *context, char **arguments);
int verb_attach(const struct context *context, char **arguments);
int verb_status(const struct context *context, char **arguments);
int verb_sessions(const struct context *context, char **arguments);
int verb_top(const struct context *context, char **arguments);
int verb_ps(const struct context *context, char **arguments);
int verb_signal(const struct context *context, char **arguments);
int verb_wait(const struct context *context, char **arguments);
int verb_watch(const struct context *context, char **arguments);
int verb_stop(const struct context *context, char **arguments);
int verb_freeze(const struct context *context, char **arguments);
int verb_thaw(const struct context *context, char **arguments);
int verb_kill(const struct context *context, char **arguments);
int verb_limit(const struct context *context, char **arguments);
int verb_stats(const struct context *context, char **arguments);
int verb_net(const struct context *context, char **arguments);
int verb_cat(const struct context *context, char **arguments);
int verb_tail(const struct context *context, char **arguments);
int verb_ls(const struct context *context, char **arguments);
int verb_copy(const struct context *context, char **arguments);
int verb_list(const struct context *context, char **arguments);
int verb_ns(const struct context *context, char **arguments);
int verb_debug(const struct context *context, char **arguments);
int verb_forward(const struct context *context, char **arguments);
int verb_connect_to(const struct context *context, char **arguments);

/*
 * Connects to the control socket, unless this is a rehearsal: then it ends the program. Returns the
 * connection, which is close-on-exec and the caller's. Ends the program with EXIT_INITCTL on
 * failure.
 */
int verb_connect(const struct context *context);

/*
 * Sends an "open" request, whose field is KEY=VALUE ("what", "root"; "namespace", "net"), and
 * receives the reply. Returns 0 with "opened" in *reply, and in reply->fds[0] the only descriptor,
 * which is close-on-exec and the caller's; 1 with "failed" in *reply, if init refused; or -1
 * with errno: EPROTO for any other reply, ECONNRESET if init closed the connection, or an
 * error of initctl_call(). Unless it returns 0, no descriptor is left open.
 */
int verb_request_open(
	int connection, const char *key, const char *value, struct initctl_message *reply);

/*
 * The same for one of several: returns the descriptor, or -1 where init has none and that is not
 * needed. Any other failure ends the program.
 */
int verb_fetch(int connection, const char *key, const char *name, bool needed);

/*
 * Connects, calls verb_request_open() and closes the connection. Returns the descriptor, which is
 * close-on-exec and the caller's. Ends the program if init does not pass one.
 */
int verb_open(const struct context *context, const char *key, const char *value);

/* The same, but -1 where init has none or may not pass it. */
int verb_try_open(const struct context *context, const char *key, const char *value);

/*
 * Ends the program after a request to which the reply was missing or unexpected: it prints
 * "cannot ACTION OBJECT: " and the reason according to errno (EPROTO: the reply was unexpected).
 * The exit code is EXIT_CONTAINER_ENDED for ECONNRESET and EPIPE, and EXIT_INITCTL otherwise.
 */
_Noreturn void verb_unanswered(const char *action, const char *object);

/* Flushes stdout. Returns 0, or ends the program with EXIT_INITCTL if output was not written. */
int verb_printed(void);

/* The options of the verbs that have options of their own; main prints the help from them. */
extern const struct option attach_options[];
extern const struct option cp_options[];
extern const struct option debug_options[];
extern const struct option exec_options[];
extern const struct option ls_options[];
extern const struct option net_options[];
extern const struct option ns_options[];
extern const struct option ps_options[];
extern const struct option stats_options[];
extern const struct option stop_options[];
extern const struct option tail_options[];
extern const struct option top_options[];

#endif
