/*
 * session_child: the child of a session, from the fork to the exec of its program. What may
 * take time or may be made to hang by the container (its terminal, its directories) is done
 * here and not by PID 1.
 */
#ifndef SESSION_CHILD_H
#define SESSION_CHILD_H

#include "process/spawn.h"
#include "request.h"

/*
 * In a child of the process parent, with all signals blocked: does what the request asks for,
 * and executes its program with envp and the request's variables, and with the privileges of the
 * container where the request does not ask for others. fds, an array of
 * WIRE_DESCRIPTORS, has the descriptors of the request; progress is the child's end of the
 * socket to PID 1, to which it sends the master of a terminal. Returns only on failure, with
 * errno. All descriptors are closed at the exec or by the exit.
 */
enum spawn_stage session_child_run(const struct request *request,
	const struct privileges *container, const int *fds, int progress, pid_t parent,
	char **envp);

#endif
