#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "activation.h"
#include "base/environment.h"
#include "base/file.h"
#include "base/seqpacket.h"
#include "base/sys.h"
#include "base/text.h"
#include "fds.h"
#include "seccomp.h"
#include "signals.h"
#include "tty.h"

/* By stage a name, and where it may fail for the command of init a text. */
static const char *const stages = "fork\0fork for \0"
				  "cgroup\0enter cgroup for \0"
				  "arguments\0\0"
				  "stdio\0\0"
				  "session\0make process group for \0"
				  "terminal\0take terminal for \0"
				  "rlimits\0set limits of \0"
				  "capabilities\0drop capabilities of \0"
				  "user\0become user of \0"
				  "privileges\0set no_new_privs of \0"
				  "seccomp\0install seccomp filter of \0"
				  "parent\0set parent death signal of \0"
				  "cwd\0change directory to \0"
				  "exec\0exec \0";

const char *spawn_stage_name(enum spawn_stage stage)
{
	return text_name(stages, 2 * stage);
}

const char *spawn_stage_text(enum spawn_stage stage)
{
	return text_name(stages, 2 * stage + 1);
}

/* As execvpe(3), but a file without a known format is an error, not a shell script. */
static void exec_searched(const struct spawn *spawn)
{
	const char *file = spawn->argv[0], *path = environment_value(spawn->envp, "PATH"), *end;
	size_t length = text_until(file, 0);
	char whole[PATH_MAX];
	int denied = 0;

	if (!length || file[text_until(file, '/')]) {
		syscall(SYS_execve, file, spawn->argv, spawn->envp);
		return;
	}
	if (!path)
		path = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
	errno = ENOENT;
	for (;; path = end + 1) {
		end = path + text_until(path, ':');
		size_t before = (size_t)(end - path);
		if (before + 1 + length < sizeof whole) {
			memcpy(whole, path, before);
			/* An empty element is the current directory. */
			whole[before] = '/';
			text_copy(whole + before + (before > 0), file);
			syscall(SYS_execve, whole, spawn->argv, spawn->envp);
			if (errno == EACCES)
				denied = EACCES;
			else if (errno != ENOENT && errno != ENOTDIR)
				return;
		}
		if (!*end)
			break;
	}
	if (denied)
		errno = denied;
}

static int join_group(const struct spawn *spawn)
{
	switch (spawn->group) {
	case SPAWN_OWN_SESSION:
		return sys_setsid() < 0 ? -1 : 0;
	case SPAWN_OWN_GROUP:
		return sys_setpgid(0);
	case SPAWN_OUR_GROUP:
		break;
	}
	return 0;
}

/* After the change of ids, at which the kernel forgets a death signal (prctl(2)). */
static int follow_parent(pid_t parent)
{
	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -1;
	if (getppid() != parent)
		sys_kill(getpid(), SIGKILL);
	return 0;
}

/* At the time that is right for it, see take_privileges(). 0, or -1 with errno. */
static int install_filter(const struct privileges *privileges, bool last)
{
	return privileges->filtered && privileges->no_new_privileges == last ? seccomp_install()
	                                                                     : 0;
}

/*
 * Takes on all of it but a filter that comes last. What is taken away is no longer there for what
 * follows: limits may be raised only at first, and the bounding set is reduced by whom we were.
 * Without no_new_privs, installing a filter takes CAP_SYS_ADMIN (seccomp(2)), and it sees what
 * follows; else it is installed before the exec, and needs to allow that alone. Returns the stage
 * that failed, or SPAWN_EXEC.
 */
static enum spawn_stage take_privileges(const struct privileges *privileges)
{
	/* What is not asked for is not called either: a filter of our caller may forbid it. */
	const bool reduced = privileges->capabilities != CAPABILITIES_ALL;

	if (limits_apply(privileges->limits))
		return SPAWN_LIMITS;
	if (install_filter(privileges, false))
		return SPAWN_FILTER;
	if (reduced && capabilities_bound(privileges->capabilities))
		return SPAWN_CAPABILITIES;
	if (privileges->user && credentials_become(privileges->user))
		return SPAWN_USER;
	if (reduced && capabilities_restrict(privileges->capabilities))
		return SPAWN_CAPABILITIES;
	if (privileges->no_new_privileges && sys_prctl(PR_SET_NO_NEW_PRIVS, 1))
		return SPAWN_PRIVILEGES;
	return SPAWN_EXEC;
}

enum spawn_stage spawn_become(const struct spawn *spawn, pid_t parent)
{
	const struct privileges *privileges = spawn->privileges;
	enum spawn_stage stage;

	if (join_group(spawn))
		return SPAWN_SESSION;
	if (spawn->use == SPAWN_CONTROL && tty_take(spawn->terminal))
		return SPAWN_TERMINAL;
	if (privileges && (stage = take_privileges(privileges)) != SPAWN_EXEC)
		return stage;
	if (spawn->limits && limits_apply(spawn->limits))
		return SPAWN_LIMITS;
	if (spawn->die_with_us && follow_parent(parent))
		return SPAWN_PARENT;
	seqpacket_discard(spawn->kept, spawn->kept_count);
	if (spawn->directory && sys_chdir(spawn->directory))
		return SPAWN_DIRECTORY;
	activation_pass_on(spawn->envp);
	/*
	 * Should this fail, the command is stopped when it reads, and given it then. It
	 * comes late because Ctrl-Z between this and the exec would stop us, and our
	 * parent with us, which waits for the exec.
	 */
	if (spawn->use == SPAWN_FOREGROUND)
		tty_foreground(spawn->terminal, getpid());
	if (spawn->use == SPAWN_ASK)
		signals_let_terminal_stop();
	if (spawn->afresh)
		signals_reset();
	else
		signals_restore();
	if (privileges && install_filter(privileges, true))
		return SPAWN_FILTER;
	if (spawn->program >= 0)
		syscall(SYS_execveat, spawn->program, "", spawn->argv, spawn->envp, AT_EMPTY_PATH);
	else
		exec_searched(spawn);
	return SPAWN_EXEC;
}

_Noreturn void spawn_fail(int report, enum spawn_stage stage)
{
	const struct spawn_failure told = {.stage = stage, .error = errno};

	/* Where not even this arrives, the parent sees the child end. */
	(void)!sys_write(report, &told, sizeof told);
	syscall(SYS_exit_group, SPAWN_FAILED);
	/* The command's filter refuses even that: a fault ends the child, for which the parent
	 * waits. */
	__builtin_trap();
}

pid_t spawn_fork(int cgroup, unsigned long flags, int report)
{
	pid_t child;

	if (cgroup < 0)
		return sys_fork(flags);
	child = sys_clone3(flags, cgroup);
	/* The limit of processes. Anything else may be an old kernel's or a seccomp filter's. */
	if (child >= 0 || errno == EAGAIN)
		return child;
	child = sys_fork(flags);
	if (!child && file_write(cgroup, "cgroup.procs", "0"))
		spawn_fail(report, SPAWN_CGROUP);
	return child;
}

pid_t spawn_start(const struct spawn *spawn, struct spawn_failure *failure)
{
	pid_t parent = getpid(), child;
	int report[2];
	bool told;

	failure->stage = SPAWN_FORK;
	if (sys_pipe(report)) {
		failure->error = errno;
		return -1;
	}
	/*
	 * vfork copies no page tables and holds us until the exec. The pipe says the
	 * same once more, for emulators that make a fork of it.
	 */
	if (spawn->cgroup < 0)
		child = vfork();
	else
		child = spawn_fork(spawn->cgroup, CLONE_VFORK, report[1]);
	if (!child) {
		fds_restore_limit();
		spawn_fail(report[1], spawn_become(spawn, parent));
	}
	failure->error = errno;
	sys_close(report[1]);
	/* Nothing where the program runs, or where there is no child. */
	told = sys_read(report[0], failure, sizeof *failure) > 0;
	sys_close(report[0]);
	if (told) {
		sys_waitpid(child, NULL, 0);
		child = -1;
	}
	return child;
}
