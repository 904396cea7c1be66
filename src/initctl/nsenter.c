/*
 * nsenter: see nsenter.h.
 */
#include "nsenter.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "terminal.h"

/* Where ids once had 16 bits, the calls with 32 have names of their own. */
#ifdef SYS_setuid32
#define SETGROUPS SYS_setgroups32
#define SETGID    SYS_setgid32
#define SETUID    SYS_setuid32
#else
#define SETGROUPS SYS_setgroups
#define SETGID    SYS_setgid
#define SETUID    SYS_setuid
#endif

_Noreturn static void cannot(enum ns_kind kind)
{
	fail_errno("enter ", ns_names[kind].name);
}

/* Root there, or who we are. */
static bool become(long call, id_t ours)
{
	return !syscall(call, 0UL) || !syscall(call, (unsigned long)ours);
}

/*
 * Who is nobody in there keeps an id of the outside, which would be a way to it for
 * whoever inside may trace us: not root's. An ordinary user's is that of the maker.
 */
static void enter_user(int fd)
{
	const bool root = !geteuid();
	bool known;

	/* Outside if that is allowed, or else inside; or those who may not leave their groups. */
	syscall(SETGROUPS, 0UL, NULL);
	if (setns(fd, CLONE_NEWUSER))
		cannot(NS_USER);
	syscall(SETGROUPS, 0UL, NULL);
	known = become(SETGID, getgid());
	known &= become(SETUID, getuid());
	if (root && !known)
		fail_errno("become root of user namespace");
}

/* In the mount namespace: init may have changed its root only. */
static void enter_root(int root)
{
	struct stat theirs, here;

	if (fchdir(root))
		fail_errno("go to the container's root");
	if (!fstat(root, &theirs) && !stat("/", &here) && theirs.st_dev == here.st_dev &&
		theirs.st_ino == here.st_ino)
		return;
	if (chroot("."))
		fail_errno("change root to the container's");
}

/* Ours that are not for those inside: what we inherited among them (CVE-2024-21626). */
static void hide_descriptors(void)
{
	file_close_range(3, ~0U, FILE_CLOSE_ON_EXEC);
}

bool nsenter(const struct nslist *list, const int *fds, int root)
{
	bool left[NS_KINDS] = {false}, denied = false, child, user;

	/* All looked up before we go: /proc may be another there. */
	for (unsigned i = 0; i < NS_KINDS; i++)
		left[i] = nslist_has(list, i) && !ns_is_ours(i, fds[i]);
	user = fds[NS_USER] >= 0 && !ns_is_ours(NS_USER, fds[NS_USER]);
	child = left[NS_PID];
	/* Until the exec nobody inside may trace us, or open our files by /proc (CVE-2016-9962). */
	sys_prctl(PR_SET_DUMPABLE, 0);
	if (nslist_has(list, NS_MNT) || child)
		hide_descriptors();
	for (unsigned i = 0; i < NS_USER; i++)
		if (left[i]) {
			left[i] = setns(fds[i], ns_names[i].flag) != 0;
			if (left[i] && (errno != EPERM || !user))
				cannot(i);
			denied |= left[i];
		}
	if (left[NS_USER] || denied)
		enter_user(fds[NS_USER]);
	for (unsigned i = 0; i < NS_USER; i++)
		if (left[i] && setns(fds[i], ns_names[i].flag))
			cannot(i);
	if (nslist_has(list, NS_MNT) && root >= 0)
		enter_root(root);
	return child;
}

_Noreturn static void execute(char **command, int program)
{
	if (program >= 0)
		fexecve(program, command, environ);
	else
		execvp(*command, command);
	die_errno(errno == ENOENT || errno == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE,
		"exec ", *command);
}

/*
 * As it ended: a shell that sees us killed takes it for the command. There is no core
 * of that, since we are not dumpable.
 */
_Noreturn static void end_as(int status)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	sigset_t set;

	if (WIFEXITED(status))
		_exit(WEXITSTATUS(status));
	sigaction(WTERMSIG(status), &usual, NULL);
	raise(WTERMSIG(status));
	sigemptyset(&set);
	sigaddset(&set, WTERMSIG(status));
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_exit(EXIT_SIGNAL + WTERMSIG(status));
}

/*
 * A shell inside has taken the terminal for a group of its own, and could not give it
 * back: from inside our group has no number. Where a living group has it, it is theirs.
 */
static void take_terminal(int terminal)
{
	pid_t group = terminal < 0 ? -1 : tcgetpgrp(terminal);

	if (group > 0 && kill(-group, 0) && errno == ESRCH)
		tcsetpgrp(terminal, getpgrp());
}

/*
 * The child is of our process group: a key that sends a signal (SI_KERNEL) has reached
 * it without us.
 */
_Noreturn static void attend(pid_t child, const sigset_t *set)
{
	int terminal = terminal_ours(), status;
	siginfo_t info;

	/* Whoever reads what it writes sees the end when it closes that. */
	file_close_range(3, ~0U, FILE_CLOSE_NOW);
	for (int fd = 0; fd <= 2; fd++)
		if (fd != terminal)
			close(fd);
	for (;;) {
		if (sigwaitinfo(set, &info) < 0)
			continue;
		if (info.si_signo != SIGCHLD) {
			if (info.si_code != SI_KERNEL)
				kill(child, info.si_signo);
			continue;
		}
		if (waitpid(child, &status, WNOHANG | WUNTRACED) != child)
			continue;
		if (!WIFSTOPPED(status))
			break;
		/* Who continues us continues it: that signal is passed on. */
		raise(SIGSTOP);
	}
	take_terminal(terminal);
	end_as(status);
}

void nsenter_run(char **command, int program, bool child)
{
	struct sigaction usual = {.sa_handler = SIG_DFL}, inherited;
	sigset_t set, before;
	pid_t pid;

	if (!child)
		execute(command, program);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	sigaction(SIGCHLD, &usual, &inherited);
	pid = fork();
	/* What the kernel says where the PID 1 of the namespace is gone. */
	if (pid < 0 && errno == ENOMEM)
		fail("cannot enter pid: its init has ended");
	if (pid < 0)
		fail_errno("fork");
	if (pid)
		attend(pid, &set);
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGCHLD, &inherited, NULL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	execute(command, program);
}
