/*
 * nsenter: see nsenter.h.
 */
#include "nsenter.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "exit.h"
#include "handler.h"
#include "proc.h"
#include "program.h"
#include "terminal.h"

_Noreturn void nsenter_failed(enum ns_kind kind)
{
	fail_cannot_since("enter namespace ", ns_names[kind].name,
		errno == EPERM ? "; needs the rights of root over the container" : "");
}

/*
 * Changes an id to 0, or if that is not mapped, to the first that is, or to our own. Returns false
 * if it can be none of them. map: the file of the map, in the directory proc, which may be -1. The
 * wrappers of libc are not used, since they set the ids of all threads.
 */
static bool set_id(long call, int proc, const char *map, id_t own)
{
	unsigned long long first;
	char text[64];

	if (!syscall(call, 0UL))
		return true;
	file_read(proc, map, text, sizeof text);
	if (!number_parse_until(text + strspn(text, " "), ' ', 0xfffffffeU, &first) &&
		!syscall(call, (unsigned long)first))
		return true;
	return !syscall(call, (unsigned long)own);
}

/*
 * A process whose ids are not mapped in the user namespace keeps its ids of the outside. For root
 * that is fatal: a process inside that may trace this one could act as root of the host. An
 * ordinary user has the id of the namespace's creator, which gives those inside nothing new.
 */
static void enter_user(int fd, int proc)
{
	const bool root = !geteuid();
	bool mapped;

	/*
	 * Dropping the supplementary groups needs CAP_SETGID either outside or inside. If both
	 * fail, as where setgroups is denied, the user may not leave the groups, and keeps them.
	 */
	syscall(SYS_IDS(setgroups), 0UL, NULL);
	if (setns(fd, CLONE_NEWUSER))
		nsenter_failed(NS_USER);
	syscall(SYS_IDS(setgroups), 0UL, NULL);
	mapped = set_id(SYS_IDS(setgid), proc, "self/gid_map", getgid());
	mapped &= set_id(SYS_IDS(setuid), proc, "self/uid_map", getuid());
	if (root && !mapped)
		fail_cannot("become root of user namespace", NULL);
}

/*
 * Entering a mount namespace makes its root directory ours, but init may have changed its own root
 * by chroot(2) only. Where the two are the same, no chroot is needed, nor the right to do it.
 */
static void enter_root(int root)
{
	if (sys_fchdir(root))
		fail_cannot("change to the container's root directory", NULL);
	if (!ns_is_file(root, "/") && sys_chroot("."))
		fail_cannot("change root to the container's root directory", NULL);
}

/*
 * The command must not inherit descriptors of the host, ours or those that were inherited, through
 * which the container could reach the host's files (CVE-2024-21626).
 */
static void hide_descriptors(void)
{
	file_close_range(3, ~0U, FILE_CLOSE_ON_EXEC);
}

bool nsenter(const struct nslist *list, const int *fds, int root)
{
	bool pending[NS_KINDS] = {false}, denied = false, needs_child, user;
	int proc;

	/* Compare all of them first: /proc may be a different one after the first setns(). */
	for (unsigned i = 0; i < NS_KINDS; i++)
		pending[i] = nslist_has(list, i) && !ns_is_ours(i, fds[i]);
	user = fds[NS_USER] >= 0 && !ns_is_ours(NS_USER, fds[NS_USER]);
	/* Now, since the container's own /proc need not be one. */
	proc = user ? proc_open() : -1;
	needs_child = pending[NS_PID];
	/*
	 * Until the exec a process inside must not trace this one, or open its descriptors in /proc
	 * (CVE-2016-9962).
	 */
	sys_prctl(PR_SET_DUMPABLE, 0);
	if (nslist_has(list, NS_MNT) || needs_child)
		hide_descriptors();
	for (unsigned i = 0; i < NS_USER; i++)
		if (pending[i]) {
			pending[i] = setns(fds[i], ns_names[i].flag) != 0;
			if (pending[i] && (errno != EPERM || !user))
				nsenter_failed(i);
			denied |= pending[i];
		}
	if (pending[NS_USER] || denied)
		enter_user(fds[NS_USER], proc);
	for (unsigned i = 0; i < NS_USER; i++)
		if (pending[i] && setns(fds[i], ns_names[i].flag))
			nsenter_failed(i);
	if (nslist_has(list, NS_MNT) && root >= 0)
		enter_root(root);
	if (proc >= 0)
		close(proc);
	return needs_child;
}

_Noreturn static void execute(char **command, int program)
{
	const char *path = getenv("PATH");

	if (program >= 0)
		sys_execute(program, command, environ);
	else
		program_execute(command, environ, path ? path : PROGRAM_PATH);
	die_errno(exit_code_of_exec(errno), "exec ", *command);
}

/*
 * A shell with job control has made its own process group the foreground one of the terminal, and
 * could not restore ours, which has no id in its PID namespace. If the foreground process group
 * still has members, the terminal is left to them.
 */
static void reclaim_terminal(int terminal)
{
	pid_t group = 0, ours = getpgrp();

	/* Of no terminal, -1, there is none. */
	sys_ioctl(terminal, TIOCGPGRP, &group);
	if (group > 0 && kill(-group, 0) && errno == ESRCH)
		sys_ioctl(terminal, TIOCSPGRP, &ours);
}

/*
 * Waits for the child, stops with it, and forwards signals to it. It is in our process group, so a
 * signal that a key of the terminal sends (SI_KERNEL) has already reached it.
 */
_Noreturn static void supervise(pid_t child, const sigset_t *set)
{
	int terminal = terminal_ours(), status;
	siginfo_t info;

	/* Our copies of a pipe would keep its reader from seeing the end when the child closes it.
	 */
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
		/* The SIGCONT that continues this process is then forwarded to the child. */
		sys_kill(getpid(), SIGSTOP);
	}
	reclaim_terminal(terminal);
	exit_like(status);
}

pid_t nsenter_fork(void)
{
	pid_t pid = sys_fork(0);

	/* The kernel's error for a PID namespace whose PID 1 has ended. */
	if (pid < 0 && errno == ENOMEM)
		fail_note("cannot enter pid namespace: its init has ended", NULL, NULL);
	if (pid < 0)
		fail_cannot("fork", NULL);
	return pid;
}

void nsenter_run(char **command, int program, bool needs_child)
{
	sigset_t all, mask;
	bool ignored;
	pid_t pid;

	if (!needs_child)
		execute(command, program);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	/* If SIGCHLD is ignored, the kernel reaps the child and its status is lost. */
	ignored = handler_set(SIGCHLD, SIG_DFL);
	pid = nsenter_fork();
	if (pid)
		supervise(pid, &all);
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ignored)
		handler_set(SIGCHLD, SIG_IGN);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	execute(command, program);
}
