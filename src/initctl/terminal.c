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
#include "base/sys.h"

static struct {
	struct termios before, raw;
	int fd, line; /* the terminal, and our end to the guard */
	pid_t guard;
} self = {.fd = -1, .line = -1};

bool terminal_is(int fd)
{
	/* One that was hung up is still one: by its descriptor it could be opened anew. */
	return isatty(fd) || errno == EIO;
}

int terminal_ours(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (isatty(fd))
			return fd;
	return -1;
}

/* Not when what we printed is out: a terminal that is stuck is to be set back too. */
static int set(int fd, const struct termios *modes)
{
	return tcsetattr(fd, TCSANOW, modes);
}

/*
 * In a session of its own neither a signal to our group reaches it nor does the
 * terminal mind that it is in the background. It holds nothing else of ours: the
 * connection has to end with us.
 */
_Noreturn static void guard(int fd, int line)
{
	sigset_t all;
	char word = 0;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "tty-guard");
	/* Neither may be where the other goes. */
	fd = fcntl(fd, F_DUPFD, 3);
	line = fcntl(line, F_DUPFD, 3);
	if (dup2(fd, 0) < 0 || dup2(line, 1) < 0)
		_exit(1);
	file_close_range(2, ~0U, FILE_CLOSE_NOW);
	if (write(1, &word, 1) == 1 && read(1, &word, 1) <= 0)
		set(0, &self.before);
	_exit(0);
}

/* Returns once it is out of reach of what may kill us. */
static int start_guard(int fd)
{
	int ends[2];
	char word;

	if (sys_socketpair(ends))
		return -1;
	self.guard = fork();
	if (!self.guard)
		guard(fd, (close(ends[1]), ends[0]));
	close(ends[0]);
	if (self.guard > 0 && read(ends[1], &word, 1) == 1) {
		self.line = ends[1];
		return 0;
	}
	close(ends[1]);
	return -1;
}

int terminal_raw(int fd)
{
	if (tcgetattr(fd, &self.before))
		return -1;
	self.raw = self.before;
	cfmakeraw(&self.raw);
	if (start_guard(fd))
		return -1;
	self.fd = fd;
	return set(fd, &self.raw);
}

void terminal_pause(void)
{
	if (self.fd >= 0)
		set(self.fd, &self.before);
}

void terminal_again(void)
{
	if (self.fd >= 0)
		set(self.fd, &self.raw);
}

void terminal_restore(void)
{
	if (self.fd < 0)
		return;
	set(self.fd, &self.before);
	self.fd = -1;
	if (send(self.line, "", 1, MSG_NOSIGNAL) == 1)
		waitpid(self.guard, NULL, 0);
	close(self.line);
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
