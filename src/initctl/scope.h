/*
 * scope: exec --scope, by which a session's command is supervised inside the container, so that
 * whatever it leaves behind ends with it.
 *
 * initctl passes itself as the program of the session. Inside there are then two processes of it.
 * The leader is the one that init knows. It passes the signals of a session on a terminal on to the
 * guard, and ends as that ends. The guard is a subreaper and starts the command: descendants of the
 * command whose parents have ended become its children. When the command has ended, or the leader
 * was killed, it ends them.
 */
#ifndef INITCTL_SCOPE_H
#define INITCTL_SCOPE_H

/* The variable by which initctl, executed inside, is told to be the leader. */
#define SCOPE_VARIABLE "INITCTL_SCOPE"

/*
 * Supervises the command, and exits with its exit code or by the signal that terminated it, once
 * all that it has left behind is gone: that has 2 seconds between SIGTERM and SIGKILL. The exit
 * code is EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE if the command cannot be executed.
 */
_Noreturn void scope_run(char **command);

#endif
