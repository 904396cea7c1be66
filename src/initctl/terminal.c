/*
 * terminal: see terminal.h.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"

/* The terminal that is in raw mode, if any, and the process that guards it. */
static struct {
	struct termios original, raw;
	int fd;       /* the caller's; -1: none is raw */
	int guard_fd; /* our end of the socket pair shared with the guard */
	pid_t guard;
	bool screen; /* the other screen is used */
} state = {.fd = -1, .guard_fd = -1};

/* isatty(3) of musl says ENOTTY also of a terminal that was hung up. */
bool terminal_is_open(int fd)
{
	struct winsize size;

	return !sys_ioctl(fd, TIOCGWINSZ, &size);
}

bool terminal_is(int fd)
{
	/* EIO: it was hung up. Its descriptor could still be used to open the terminal again. */
	return terminal_is_open(fd) || errno == EIO;
}

int terminal_ours(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (terminal_is_open(fd))
			return fd;
	return -1;
}

/* TCSADRAIN would wait for pending output, for ever where output on the terminal is stopped. */
static int set_modes(int fd, const struct termios *modes)
{
	static const char enter[] = "\x1b[?1049h\x1b[?25l", leave[] = "\x1b[?25h\x1b[?1049l";
	const bool raw = modes == &state.raw;

	/* Where the terminal takes no more, nothing can be done. */
	if (state.screen)
		(void)!write(fd, raw ? enter : leave, raw ? sizeof enter - 1 : sizeof leave - 1);
	return tcsetattr(fd, TCSANOW, modes);
}

/*
 * The guard. It leaves our session so that no signal to our process group reaches it, and so that
 * it is not stopped by SIGTTOU when it sets the modes of a terminal in whose background it is. It
 * closes all other descriptors, since init ends the session when the last copy of the connection
 * is closed. The end of file on the socket pair means that initctl has died.
 */
_Noreturn static void run_guard(int terminal, int parent)
{
	sigset_t all;
	char byte = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	sys_prctl(PR_SET_NAME, (unsigned long)"tty-guard");
	/* Move both out of the way first: either may be 0 or 1 already. */
	terminal = sys_fcntl(terminal, F_DUPFD, 3);
	parent = sys_fcntl(parent, F_DUPFD, 3);
	if (dup2(terminal, 0) < 0 || dup2(parent, 1) < 0)
		_exit(1);
	file_close_range(2, ~0U, FILE_CLOSE_NOW);
	if (write(1, &byte, 1) == 1 && read(1, &byte, 1) <= 0)
		set_modes(0, &state.original);
	_exit(0);
}

/* Starts the guard, and returns once it has left our session, out of reach of its signals. */
static int start_guard(int fd)
{
	int ends[2];
	char byte;

	if (sys_socketpair(ends))
		return -1;
	state.guard = sys_fork(0);
	if (!state.guard) {
		close(ends[1]);
		run_guard(fd, ends[0]);
	}
	close(ends[0]);
	if (state.guard > 0 && read(ends[1], &byte, 1) == 1) {
		state.guard_fd = ends[1];
		return 0;
	}
	close(ends[1]);
	return -1;
}

/* A message belongs on the operator's screen, with its lines as they were. */
static void restore_at_exit(int code, int error)
{
	(void)code;
	(void)error;
	terminal_restore();
}

int terminal_raw(int fd, bool screen)
{
	state.screen = screen;
	if (tcgetattr(fd, &state.original))
		return -1;
	state.raw = state.original;
	cfmakeraw(&state.raw);
	if (start_guard(fd))
		return -1;
	state.fd = fd;
	log_at_exit(restore_at_exit);
	return set_modes(fd, &state.raw);
}

void terminal_pause(void)
{
	if (state.fd >= 0)
		set_modes(state.fd, &state.original);
}

void terminal_resume(void)
{
	if (state.fd >= 0)
		set_modes(state.fd, &state.raw);
}

void terminal_restore(void)
{
	if (state.fd < 0)
		return;
	set_modes(state.fd, &state.original);
	state.fd = -1;
	if (sys_send(state.guard_fd, "", 1, MSG_NOSIGNAL) == 1)
		waitpid(state.guard, NULL, 0);
	close(state.guard_fd);
}

void terminal_copy_size(int ours, int master, int redraw)
{
	struct winsize size, other;

	if (sys_ioctl(ours, TIOCGWINSZ, &size))
		return;
	if (redraw) {
		other = size;
		other.ws_row++;
		sys_ioctl(master, TIOCSWINSZ, &other);
	}
	sys_ioctl(master, TIOCSWINSZ, &size);
}
