/*
 * persona: the programs that init stands in for when it is called by their names, and how they
 * differ from init and from each other: defaults, exit codes, and what they print.
 *
 * The table has facts alone, which the other files act on. What is printed is in the words of
 * that program where scripts look for them; container-init(8) lists these lines.
 */
#ifndef PERSONA_H
#define PERSONA_H

#include <stdbool.h>

/* What is told of the command, of other children and of signals. */
enum persona_event {
	PERSONA_STARTED,      /* the command, by name and pid */
	PERSONA_RECEIVED,     /* a signal, by number */
	PERSONA_FORWARDED,    /* a signal, by number and name */
	PERSONA_CHILD_EXITED, /* any child, by pid; the number is its exit code */
	PERSONA_CHILD_KILLED, /* any child, by pid; the number is that of the signal */
	PERSONA_REAPED,       /* a child that is not the command, by pid */
	PERSONA_EXITED,       /* the command; the number is its exit code */
	PERSONA_KILLED,       /* the command, by the signal of that name; 128 + its number */
	PERSONA_NOT_EXECUTED, /* the command, by name; the number is an errno */
};

struct persona {
	const char *program;   /* begins messages; NULL: the name that it was called by */
	bool group;            /* signals go to the command's group, not to it alone */
	bool at_once;          /* exit when the main command ends, without waiting for others */
	bool terminates_group; /* ... with a TERM to the command's group, where that gets signals */
	/*
	 * Where the command's group gets signals, the command leads a session of its own, and TSTP,
	 * TTIN and TTOU are forwarded as STOP; else it stays in init's group. They suspend init.
	 */
	bool session;
	bool permutes;    /* "--" may stand behind the command's name */
	bool pauses_deaf; /* with --pause QUIT, TSTP, TTIN, TTOU and words have no effect */
	bool explains;    /* without a command the whole help is printed */
	unsigned char more_verbose;          /* levels of the log for each -v */
	unsigned char setup;                 /* exit code where init itself could not set up */
	unsigned char absent, denied, other; /* exec: not found, not permitted, else */
	bool not_a_directory;                /* ENOTDIR counts as not found */
	char abbreviated[6];                 /* the options whose long names may be abbreviated */
	const char *version;                 /* what -V prints first; engines parse it */
	const char *texts;                   /* by enum persona_event; see there */
};

/* Becomes the one for a program, by the last part of its path, or init itself. */
const struct persona *persona_assume(const char *program);

/* Prints a line about an event, if the log has the level for it; what it is about, see there. */
void persona_tell(enum persona_event event, int pid, int number, const char *name);

#endif
