/*
 * minder: see minder.h.
 */
#include "minder.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "nsenter.h"

/* Milliseconds between HUP and KILL. */
enum { GRACE = 2000 };

/*
 * Keys have no namespace: what is in the operator's keyring is not for those who may trace the
 * command. Where the kernel has no keys, or a filter keeps all of them away, there are none to
 * hide.
 */
static void join_keyring(void)
{
	const int join_session_keyring = 1; /* <linux/keyctl.h> */

	if (syscall(SYS_keyctl, join_session_keyring, NULL) < 0 && errno != ENOSYS &&
		errno != EPERM)
		fail_cannot("join session keyring", NULL);
}

/*
 * In the child that supervises the command, and is to be seen by processes of the container: it
 * must hold no descriptors of ours. Only an exec takes our words and variables from it.
 */
_Noreturn static void become(const struct minder *minder)
{
	/* Should this process be killed, too: what the command leaves behind is then ended. */
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	setsid();
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(minder->stdio[fd], fd) < 0)
			fail_cannot("pass descriptors to ", *minder->command);
	file_close_range(3, ~0U, FILE_CLOSE_ON_EXEC);
	if (minder->master >= 0 && sys_ioctl(0, TIOCSCTTY, NULL))
		fail_cannot("control the terminal", NULL);
	join_keyring();
	if (chdir(minder->directory))
		fail_cannot("change directory to ", minder->directory);
	sys_execute(minder->program, minder->command, minder->environment);
	fail_cannot("supervise ", *minder->command);
}

/* The command's supervisor leads a session, or is about to. */
static void send_signal(pid_t child, int signal)
{
	if (kill(-child, signal))
		kill(child, signal);
}

/* Receives a request. Returns false if the other end is closed. */
static bool take_request(int connection, pid_t child, struct initctl_message *buffer)
{
	if (initctl_receive(connection, buffer) != 1)
		return false;
	initctl_discard(buffer);
	if (initctl_is(buffer, "signal"))
		send_signal(child, (int)initctl_number(buffer, "signal", 64, 0));
	return true;
}

/* Waits for the child's end, and passes on signals meanwhile. Returns its status as of wait(2). */
static int mind(int connection, pid_t child, struct initctl_message *buffer)
{
	struct pollfd polls[] = {{.fd = connection, .events = POLLIN},
		{.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN}};
	int timeout = -1, status = 0;

	while (!polls[1].revents) {
		if (!poll(polls, 2, timeout)) {
			kill(child, SIGKILL);
			timeout = -1;
		}
		if (polls[0].revents && !take_request(connection, child, buffer)) {
			polls[0].fd = -1;
			timeout = GRACE;
			send_signal(child, SIGHUP);
			send_signal(child, SIGCONT);
		}
	}
	waitpid(child, &status, 0);
	return status;
}

static void send_end(int connection, int status)
{
	char data[64];
	struct initctl_request message;

	initctl_begin(&message, data, sizeof data, "exited");
	if (WIFSIGNALED(status))
		initctl_add_number(&message, "signal", WTERMSIG(status));
	else
		initctl_add_number(&message, "code", WEXITSTATUS(status));
	initctl_send(connection, &message, NULL, 0);
}

void minder_run(const struct minder *minder, struct initctl_message *buffer)
{
	const pid_t child = nsenter_fork();
	const int connection = sys_fcntl(minder->connection, F_DUPFD_CLOEXEC, 4);
	struct initctl_request message;
	char data[64];

	if (!child)
		become(minder);
	sys_prctl(PR_SET_PDEATHSIG, 0);
	if (connection < 0)
		fail_cannot("relay session of ", *minder->command);
	initctl_begin(&message, data, sizeof data, "started");
	initctl_send(connection, &message, &minder->master, minder->master >= 0);
	/* The reader of a pipe, and of the terminal, is to see the end when the command closes it.
	 */
	file_close_range(0, (unsigned)connection - 1, FILE_CLOSE_NOW);
	file_close_range((unsigned)connection + 1, ~0U, FILE_CLOSE_NOW);
	send_end(connection, mind(connection, child, buffer));
	_exit(0);
}
