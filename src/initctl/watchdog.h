/*
 * watchdog: ends the program if a call takes longer than the operator allows. The container may
 * make any access to its files take for ever, with a file system of its own, for example, and such
 * a call need not be interruptible by a signal handler.
 */
#ifndef INITCTL_WATCHDOG_H
#define INITCTL_WATCHDOG_H

/* The time allowed for a call, in milliseconds; 0: any time. To be set before the first call. */
void watchdog_set(long long milliseconds);
long long watchdog_timeout(void);

/*
 * To be called around calls that the container can make hang. If watchdog_end(), or the next
 * watchdog_begin(), does not follow in time, the program ends with EXIT_INITCTL, after "cannot
 * ACTION OBJECT: no answer within 10 s". At the first call the program becomes two processes (see
 * watchdog.c), of which the caller is the second: pids that were asked for before are of no use
 * any more. Afterwards a call costs no more than a text of 256 bytes. Never around a call that
 * waits for the operator, as a write to stdout does.
 */
void watchdog_begin(const char *action, const char *object);
void watchdog_end(void);

/* Ends the program as above, for a caller with a timeout of its own. */
_Noreturn void watchdog_fail(const char *action, const char *object);

#endif
