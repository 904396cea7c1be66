/*
 * signals: what PID 1 does with signals: block, read, name, rewrite, forward.
 *
 * A signal is a number from 1 to 64 as the kernel counts. The libc's sigset
 * functions leave out the signals it uses itself (musl 32-34, glibc 32-33), and
 * 34 is SIGRTMIN to a program of the other libc, so the mask is handled with the
 * raw system calls.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/types.h>

enum { SIGNAL_MAX = 64, SIGNAL_TEXT = 16 };

/* Whom a signal is for: a process, or the group that it leads. */
struct recipient {
	pid_t pid;
	int pidfd; /* of the same process, owned by the caller; -1: none */
	bool group;
	unsigned long long leader_only; /* a set of signals: not for the rest of the group */
};

/*
 * Blocks everything, remembers the mask and the disposition of SIGCHLD that were
 * inherited, and takes SIGCHLD's disposition back to the default: ignored, the
 * kernel would reap the children itself (sigaction(2)).
 */
void signals_block(void);

/* In a child, before exec: nothing blocked or ignored. An operator did not start init. */
void signals_reset(void);

/* In a child, before exec: the mask and disposition as init inherited them. */
void signals_restore(void);

/*
 * In a child, before exec: a read from the background stops it, even if what was
 * inherited is to ignore TTIN and TTOU, as within $(...) of an interactive shell.
 * There the read would fail.
 */
void signals_let_terminal_stop(void);

/*
 * A new signalfd of all signals, close-on-exec and non-blocking; the caller owns it. -1 with
 * errno. It is to be waited for by poll(2): a signal that made it readable may be gone again,
 * as the kernel discards a pending CONT when a STOP is sent, even to a PID 1 that ignores it.
 */
int signals_open(void);

/*
 * Sends a signal to this process, or with 0 to its group, and undergoes it as if
 * it were not blocked. Returns, where it was to stop us, once we are continued:
 * true, and that SIGCONT is taken. Or at once where it is without effect, as on an
 * orphaned process group (setpgid(2)): false.
 */
bool signals_undergo(pid_t whom, int signal);

/* 1..64 for a name (HUP, SIGHUP, hup, RTMIN+2, RTMAX-1) or a number, else 0. */
int signal_number(const char *text);

/* The same; the name ends at the character end as well. */
int signal_number_until(const char *text, char end);

/* The set of a list with commas, names as above: a bit for each, from 1 up; 0 for a bad name. */
unsigned long long signals_from_list(const char *list);

/* The name, such as SIGHUP or SIGRTMIN+3, in a buffer of the caller's. */
const char *signal_text(int signal, char buffer[static SIGNAL_TEXT]);

/*
 * Sends a signal to the recipient; where it came by sigqueue(3), `from` (or NULL)
 * carries its value on. Returns 0 or -1 with errno, ESRCH where nobody is left.
 */
int signal_forward(const struct recipient *to, int signal, const struct signalfd_siginfo *from);

#endif
