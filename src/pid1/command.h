/*
 * command: the one that init runs: its process, the group that it leads, and the
 * terminal that it gets.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "options.h"
#include "process/signals.h"
#include "process/tty.h"

/* Its process: pid 0 where there is none, or it is gone. Owns the pidfd. */
const struct recipient *command_process(void);

/*
 * Before all else here: finds the terminal that it is to have. Without a command there is
 * none: what is typed is for us.
 */
void command_find_terminal(const struct options *options);

/* Where we came into other namespaces: what was found is what it is there. */
void command_find_terminal_again(void);
const struct tty *command_terminal(void);

/* As its session's leader we give the terminal up. Ends the process where that fails. */
void command_release_terminal(void);

/* Starts it. What fails ends the process, with the code that our persona has for it. */
void command_start(const struct options *options, char **envp);

/*
 * Adds what is held for it to a list of descriptors to keep; returns how many. A terminal
 * that we shall have no use for is closed.
 */
unsigned command_keep(int *list);
enum { COMMAND_KEEPS = 2 };

/*
 * Sends a signal on to it, or to its group where it is gone; `from` (or NULL) tells how
 * it came. It may be another user's by now: that is said. With CONT it gets the terminal
 * again, where it had that. Returns whether the signal was sent.
 */
bool command_forward(int signal, const struct signalfd_siginfo *from);

/* KILL for it alone. */
void command_kill(void);

/* TERM for those of its group that outlive it. */
void command_part(void);

/*
 * Whether a signal is an echo of our own doing, or was typed and went to the command itself.
 * To be asked of each that comes, first: what was typed is remembered for command_ended.
 */
bool command_had(const struct signalfd_siginfo *from);

/*
 * One of our group, the pager of a pipeline or a script, was stopped because it
 * needs the terminal that the command has: it gets it, until the command asks.
 * Returns whether that is what the signal was.
 */
bool command_yields(const struct signalfd_siginfo *from);

/*
 * It was stopped: by Ctrl-Z, by itself, or from the background by a read or write of
 * the terminal. Then we stop as well, with those of our group, for the shell to see;
 * and go on when it continues us.
 */
void command_stopped(int signal);

/*
 * It ended, as of wait(2); asked: whether we were told to stop. Takes the terminal back, or
 * as its session's leader takes it for us; a typed INT or QUIT that it died of goes to our
 * own group, which would have had it too. Returns the signal that whoever started us is to
 * see us die of as well, or 0: a shell whose command died of a typed signal leaves its loop,
 * and one whose command was killed repairs the terminal's modes.
 */
int command_ended(int status, bool asked);

/* Before we end: the terminal is whose it was. */
void command_let_go(void);

#endif
