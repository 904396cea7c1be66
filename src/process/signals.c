#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"

/* <linux/pidfd.h>, Linux 6.9: the pid is taken as the id of a process group. */
#ifndef PIDFD_SIGNAL_PROCESS_GROUP
#define PIDFD_SIGNAL_PROCESS_GROUP (1U << 2)
#endif

/* The first and last real-time signal a program sees: the kernel's 32 and 33 are the libc's. */
enum { RTMIN = 34, RTMAX = 64 };

/* The kernel's sigset_t: 64 bits in words of its own size. */
struct mask {
	unsigned long word[SIGNAL_MAX / 8 / sizeof(long)];
};

/* By their numbers, from 1 up; behind these the second names of some. */
static const char *const names = "HUP\0"
				 "INT\0"
				 "QUIT\0"
				 "ILL\0"
				 "TRAP\0"
				 "ABRT\0"
				 "BUS\0"
				 "FPE\0"
				 "KILL\0"
				 "USR1\0"
				 "SEGV\0"
				 "USR2\0"
				 "PIPE\0"
				 "ALRM\0"
				 "TERM\0"
				 "STKFLT\0"
				 "CHLD\0"
				 "CONT\0"
				 "STOP\0"
				 "TSTP\0"
				 "TTIN\0"
				 "TTOU\0"
				 "URG\0"
				 "XCPU\0"
				 "XFSZ\0"
				 "VTALRM\0"
				 "PROF\0"
				 "WINCH\0"
				 "IO\0"
				 "PWR\0"
				 "SYS\0"
				 "IOT\0"
				 "CLD\0"
				 "POLL\0";

enum { NAMED = SIGSYS };

static const unsigned char aliases[] = {SIGABRT, SIGCHLD, SIGIO};

_Static_assert(SIGBUS == 7 && SIGUSR1 == 10 && SIGCHLD == 17 && SIGURG == 23 && SIGSYS == 31,
	"the numbers of <asm-generic/signal.h>");

static struct {
	struct mask mask;
	bool child_ignored;
} inherited;

/*
 * The kernel's struct sigaction, whose first member is the handler on every
 * machine we build for; the rest is zero where there is no handler of ours.
 */
struct disposition {
	void (*handler)(int);
	unsigned long rest[7];
};

/*
 * Returns whether the signal was ignored until now. The libc's sigaction() guards what its
 * threads need, which costs a kilobyte here.
 */
static bool set_handler(int signal, void (*handler)(int))
{
	struct disposition new = {.handler = handler}, old;

	syscall(SYS_rt_sigaction, signal, &new, &old, sizeof(struct mask));
	return old.handler == SIG_IGN;
}

static void set_mask(int how, const struct mask *new, struct mask *old)
{
	syscall(SYS_rt_sigprocmask, how, new, old, sizeof *new);
}

void signals_block(void)
{
	struct mask all;

	memset(&all, 0xff, sizeof all);
	set_mask(SIG_SETMASK, &all, &inherited.mask);
	inherited.child_ignored = set_handler(SIGCHLD, SIG_DFL);
}

void signals_reset(void)
{
	const struct mask none = {{0}};

	for (int i = 1; i <= SIGNAL_MAX; i++)
		set_handler(i, SIG_DFL);
	set_mask(SIG_SETMASK, &none, NULL);
}

void signals_restore(void)
{
	if (inherited.child_ignored)
		set_handler(SIGCHLD, SIG_IGN);
	set_mask(SIG_SETMASK, &inherited.mask, NULL);
}

void signals_let_terminal_stop(void)
{
	set_handler(SIGTTIN, SIG_DFL);
	set_handler(SIGTTOU, SIG_DFL);
}

int signals_open(void)
{
	struct mask all;

	memset(&all, 0xff, sizeof all);
	return (int)syscall(SYS_signalfd4, -1, &all, sizeof all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* One signal alone, for the raw calls. */
static struct mask mask_of(int signal)
{
	unsigned bit = (unsigned)signal - 1, size = 8 * sizeof(long);
	struct mask one = {{0}};

	one.word[bit / size] = 1UL << bit % size;
	return one;
}

bool signals_undergo(pid_t whom, int signal)
{
	const struct mask one = mask_of(signal), resumed = mask_of(SIGCONT);
	long now[2] = {0, 0};

	sys_kill(whom, signal);
	set_mask(SIG_UNBLOCK, &one, NULL);
	set_mask(SIG_BLOCK, &one, NULL);
	return syscall(SYS_rt_sigtimedwait, &resumed, NULL, now, sizeof resumed) == SIGCONT;
}

/* RTMIN, RTMIN+n, RTMAX, RTMAX-n; 0 where text is none of them. */
static int realtime(const char *text)
{
	const char *low = text_after(text, "RTMIN"), *rest = low ? low : text_after(text, "RTMAX");
	unsigned long long offset = 0;

	if (!rest)
		return 0;
	if (*rest && (*rest != (low ? '+' : '-') || number_parse(rest + 1, RTMAX - RTMIN, &offset)))
		return 0;
	return low ? RTMIN + (int)offset : RTMAX - (int)offset;
}

int signal_number_until(const char *text, char end)
{
	char upper[SIGNAL_TEXT] = "";
	unsigned long long number;
	unsigned index;

	if (!number_parse_until(text, end, SIGNAL_MAX, &number))
		return (int)number;
	for (unsigned i = 0; text[i] && text[i] != end; i++) {
		if (i == sizeof upper - 1)
			return 0;
		upper[i] = (char)(text[i] >= 'a' && text[i] <= 'z' ? text[i] - 'a' + 'A' : text[i]);
	}
	text = text_after(upper, "SIG");
	if (!text)
		text = upper;
	index = text_number(names, text, 0);
	if (index < NAMED)
		return (int)index + 1;
	index -= NAMED;
	return index < sizeof aliases ? aliases[index] : realtime(text);
}

int signal_number(const char *text)
{
	return signal_number_until(text, 0);
}

/* In a set; 0 for no signal. */
static unsigned long long bit_of(int signal)
{
	return signal ? 1ULL << (signal - 1) : 0;
}

static unsigned long long bit_of_name(const char *name)
{
	return bit_of(signal_number_until(name, ','));
}

unsigned long long signals_from_list(const char *list)
{
	return text_set(list, bit_of_name);
}

const char *signal_text(int signal, char buffer[static SIGNAL_TEXT])
{
	if (signal > 0 && signal <= NAMED)
		text_join(buffer, "SIG", text_name(names, (unsigned)signal - 1));
	else if (signal < RTMIN)
		number_join(buffer, "SIG", signal);
	else
		number_join(buffer, "SIGRTMIN+", signal - RTMIN);
	return buffer;
}

/*
 * kill(2) cannot carry a value, and no call queues one to a whole group before
 * Linux 6.9. There the leader alone gets it: whoever queues a value means one
 * receiver.
 */
static int queue(
	const struct recipient *to, bool group, int signal, const struct signalfd_siginfo *from)
{
	siginfo_t copy;

	memset(&copy, 0, sizeof copy);
	copy.si_signo = signal;
	copy.si_code = SI_QUEUE;
	copy.si_pid = (pid_t)from->ssi_pid;
	copy.si_uid = from->ssi_uid;
	copy.si_value.sival_ptr = (void *)(uintptr_t)from->ssi_ptr;
	if (group && to->pidfd >= 0 &&
		!syscall(SYS_pidfd_send_signal, to->pidfd, signal, &copy,
			PIDFD_SIGNAL_PROCESS_GROUP))
		return 0;
	return (int)syscall(SYS_rt_sigqueueinfo, to->pid, signal, &copy);
}

int signal_forward(const struct recipient *to, int signal, const struct signalfd_siginfo *from)
{
	const bool group = to->group && !(to->leader_only & bit_of(signal));
	const pid_t whom = group ? -to->pid : to->pid;

	if (from && from->ssi_code == SI_QUEUE && !queue(to, group, signal, from))
		return 0;
	return sys_kill(whom, signal);
}
