/*
 * handler: what this process does about a signal. The libc's sigaction() guards what its threads
 * need, which costs a kilobyte.
 */
#ifndef INITCTL_HANDLER_H
#define INITCTL_HANDLER_H

#include <signal.h>
#include <stdbool.h>

/*
 * As signal(3), with no flags: that of a libc restarts calls. A function must not return. Returns
 * whether the signal was ignored until now.
 */
bool handler_set(int signal, void (*handler)(int signal));

/* A signal that was inherited as ignored is to stay so, as for a command started by nohup(1). */
bool handler_is_ignored(int signal);

/*
 * Blocks those of the signals, up to a 0, that are not ignored; *before is the mask until now.
 * Returns a signalfd(2) for them, non-blocking and close-on-exec, or -1 with errno.
 */
int handler_open(const unsigned char *signals, sigset_t *before);

#endif
