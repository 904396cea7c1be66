/*
 * command: the one that init runs: its process, the process group that it leads, and the
 * terminal that it gets.
 */
#ifndef COMMAND_H
#define COMMAND_H

#include <stdbool.h>
#include <sys/signalfd.h>

#include "options.h"
#include "process/signals.h"
#include "process/tty.h"

/* Its process: pid 0 if there is none, or it has ended. The pidfd stays this file's. */
const struct recipient *command_process(void);

/*
 * Finds the terminal that the command is to have. To be called before all other functions here,
 * and again after init has entered other namespaces. With --pause there is none: what is typed is
 * for init.
 */
void command_find_terminal(const struct options *options);
const struct tty *command_terminal(void);

/*
 * If init leads the session of the terminal: gives the terminal up. Ends the process if that
 * fails.
 */
void command_release_terminal(void);

/*
 * Starts it. kept lists the descriptors that init keeps, which its child closes before it
 * looks up a path. A failure ends the process with the exit code that the persona has for it.
 */
void command_start(
	const struct options *options, char **envp, const int *kept, unsigned kept_count);

/*
 * Adds the descriptors that stay open for it to a list; returns how many. Closes a terminal
 * that init has no further use for.
 */
unsigned command_keep(int *list);
enum { COMMAND_KEEPS = 2 };

/*
 * Forwards a signal to the command, or if it has ended to its process group, where that gets
 * signals at all; `from` (or NULL) tells how it arrived. With CONT the command gets the terminal
 * again, if it had it. A failure, such as a command that runs as another user, is logged. Returns
 * whether the signal was sent.
 */
bool command_forward(int signal, const struct signalfd_siginfo *from);

/* Sends KILL to the command alone. */
void command_kill(void);

/* Remembers a signal that arrived, in case command_ended has to know what was typed. */
void command_note_signal(const struct signalfd_siginfo *from);

/*
 * Whether a signal that arrived needs no forwarding: init sent it itself, it reports a child,
 * or it was typed and the terminal sent it to the command as well.
 */
bool command_has_signal(const struct signalfd_siginfo *from);

/*
 * If the signal says that a process of init's own group (the pager of a pipeline, a script)
 * was stopped because it needs the terminal that the command has: lends it the terminal, until
 * the command asks for it. Returns whether that was so.
 */
bool command_lend_terminal(const struct signalfd_siginfo *from);

/*
 * The command was stopped by that signal: by Ctrl-Z, by itself, or from the background by a
 * read or write of the terminal. Stops init and its process group as well, for the shell to
 * see, and continues the command when the shell continues them.
 */
void command_stopped(int signal);

/*
 * The command ended, with a status as of wait(2); asked: because init was told to stop. Takes
 * the terminal back, or as its session's leader takes it for init. A typed INT or QUIT that
 * killed the command is sent to init's own group, which would have got it without init.
 * Returns the signal that init is to die of as well, or 0: a shell whose command died of a
 * typed signal leaves its loop, and one whose command was killed restores the terminal's modes.
 */
int command_ended(int status, bool asked);

/* Before init ends: gives the terminal back to the group that had it at the start. */
void command_return_terminal(void);

#endif
