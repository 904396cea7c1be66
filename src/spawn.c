#include "spawn.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "number.h"
#include "signals.h"
#include "sys.h"
#include "tty.h"

/* Where ids once had 16 bits, the calls with 32 have names of their own. */
#ifdef SYS_setresuid32
#define SETGROUPS SYS_setgroups32
#define SETRESGID SYS_setresgid32
#define SETRESUID SYS_setresuid32
#else
#define SETGROUPS SYS_setgroups
#define SETRESGID SYS_setresgid
#define SETRESUID SYS_setresuid
#endif

const char *spawn_stage_text(enum spawn_stage stage)
{
	static const char texts[][24] = {
		[SPAWN_FORK] = "fork for ",
		[SPAWN_GROUP] = "make group of ",
		[SPAWN_TERMINAL] = "take terminal for ",
		[SPAWN_PARENT] = "follow death of ",
		[SPAWN_SETGROUPS] = "set groups of ",
		[SPAWN_SETGID] = "set group id of ",
		[SPAWN_SETUID] = "set user id of ",
		[SPAWN_PRIVILEGES] = "set no_new_privs of ",
		[SPAWN_CHDIR] = "change directory to ",
		[SPAWN_EXEC] = "exec ",
	};

	return texts[stage];
}

static const char *search_path(char *const *envp)
{
	for (; *envp; envp++)
		if (!strncmp(*envp, "PATH=", 5))
			return *envp + 5;
	return "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin";
}

/* As execvpe(3), but a file without a known format is an error, not a shell script. */
static void exec_searched(const char *file, char *const *argv, char *const *envp)
{
	const char *path = search_path(envp), *end;
	size_t length = strlen(file);
	char whole[PATH_MAX];
	int denied = 0;

	if (!length || strchr(file, '/')) {
		execve(file, argv, envp);
		return;
	}
	errno = ENOENT;
	for (;; path = end + 1) {
		end = strchrnul(path, ':');
		size_t before = (size_t)(end - path);
		if (before + 1 + length < sizeof whole) {
			memcpy(whole, path, before);
			/* An empty element is the current directory. */
			whole[before] = '/';
			strcpy(whole + before + (before > 0), file);
			execve(whole, argv, envp);
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

/* sd_listen_fds(3): whom the passed sockets are for is told by pid. */
static void rewrite_listen_pid(char **envp, pid_t ours)
{
	static char text[sizeof "LISTEN_PID=" + NUMBER_SIZE] = "LISTEN_PID=";
	const size_t name = sizeof "LISTEN_PID=" - 1;
	char digits[NUMBER_SIZE];

	for (; *envp; envp++)
		if (!strncmp(*envp, text, name) &&
			!strcmp(*envp + name, number_text(digits, ours))) {
			strcpy(text + name, number_text(digits, getpid()));
			*envp = text;
			return;
		}
}

static int join_group(const struct spawn *spawn)
{
	switch (spawn->group) {
	case SPAWN_OWN_SESSION:
		return setsid() < 0 ? -1 : 0;
	case SPAWN_OWN_GROUP:
		return setpgid(0, 0);
	default:
		return 0;
	}
}

/*
 * The ids by system call: a libc's setuid() also tells threads, which is more
 * than a child that shares its parent's memory may do.
 */
static enum spawn_stage become_user(const struct user *user)
{
	if (syscall(SETGROUPS, (size_t)user->count, user->groups))
		return SPAWN_SETGROUPS;
	if (syscall(SETRESGID, user->gid, user->gid, user->gid))
		return SPAWN_SETGID;
	if (syscall(SETRESUID, user->uid, user->uid, user->uid))
		return SPAWN_SETUID;
	return 0;
}

/* The kernel forgets the parent's death signal on a change of ids (prctl(2)): this comes after. */
static int follow_parent(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -1;
	if (getppid() != parent)
		kill(getpid(), SIGKILL);
	return 0;
}

static enum spawn_stage become(const struct spawn *spawn, pid_t parent)
{
	enum spawn_stage failed;

	if (join_group(spawn))
		return SPAWN_GROUP;
	if (spawn->take >= 0 && tty_take(spawn->take))
		return SPAWN_TERMINAL;
	if (spawn->user && (failed = become_user(spawn->user)))
		return failed;
	if (spawn->die_with_us && follow_parent(parent))
		return SPAWN_PARENT;
	if (spawn->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return SPAWN_PRIVILEGES;
	if (spawn->directory && chdir(spawn->directory))
		return SPAWN_CHDIR;
	rewrite_listen_pid(spawn->envp, parent);
	/*
	 * Should this fail, the command is stopped when it reads, and given it then. It
	 * comes late because Ctrl-Z between this and the exec would stop us, and our
	 * parent with us, which waits for the exec.
	 */
	if (spawn->foreground >= 0)
		tty_foreground(spawn->foreground, getpid());
	if (spawn->asks)
		signals_let_terminal_stop();
	signals_restore();
	exec_searched(spawn->argv[0], spawn->argv, spawn->envp);
	return SPAWN_EXEC;
}

pid_t spawn_start(const struct spawn *spawn, struct spawn_failure *failure)
{
	struct spawn_failure told;
	pid_t parent = getpid(), child;
	int report[2];
	ssize_t length;

	*failure = (struct spawn_failure){.stage = SPAWN_FORK};
	if (sys_pipe(report)) {
		failure->error = errno;
		return -1;
	}
	/*
	 * vfork copies no page tables and holds us until the exec. The pipe says the
	 * same once more, for emulators that make a fork of it.
	 */
	child = vfork();
	if (!child) {
		told.stage = become(spawn, parent);
		told.error = errno;
		if (write(report[1], &told, sizeof told) < 0)
			_exit(125);
		_exit(125);
	}
	failure->error = errno;
	close(report[1]);
	length = child < 0 ? 0 : read(report[0], &told, sizeof told);
	close(report[0]);
	if (length == sizeof told) {
		*failure = told;
		waitpid(child, NULL, 0);
		child = -1;
	}
	return child;
}
