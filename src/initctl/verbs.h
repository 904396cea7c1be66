/*
 * verbs: what initctl does, one function a verb. Each gets the arguments behind its
 * name and returns initctl's exit code.
 */
#ifndef INITCTL_VERBS_H
#define INITCTL_VERBS_H

#include <stdbool.h>

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

/* The connection; ends the program with 125 where there is none. */
int verb_connect(const struct context *context);

/*
 * A descriptor that init hands out ("what", "root"; "namespace", "net"), the caller's;
 * ends the program where there is none.
 */
int verb_open(const struct context *context, const char *key, const char *value);

/* What was printed is only done when it is written: 0, or the end of the program. */
int verb_printed(void);

/* A mistake in the words: one line, 125. */
_Noreturn void verb_misused(const char *what, const char *word);

/* Where the next word is not there, a mistake; else it, and *arguments moved on. */
char *verb_word(char ***arguments, const char *what);

/*
 * The value of an option, -x VALUE, -xVALUE, --xyz VALUE or --xyz=VALUE, where the
 * word is that one; else NULL. *arguments, behind the word, is moved on.
 */
const char *verb_value(const char *word, const char *option, char ***arguments);

/* Ends the program where there is a word too many. */
void verb_no_more(char **arguments);

#endif
