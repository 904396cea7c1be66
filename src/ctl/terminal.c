#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../sys.h"

static struct {
	struct termios before, raw;
	int fd, pipe;
	pid_t guard;
} self = {.fd = -1, .pipe = -1};

/*
 * In a session of its own neither a signal to our group reaches it nor does the
 * terminal mind that it is in the background. It holds nothing else of ours: the
 * connection has to end with us.
 */
_Noreturn static void guard(int fd, int pipe)
{
	sigset_t all;
	char word;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	prctl(PR_SET_NAME, "tty-guard");
	if (dup2(fd, 0) < 0 || dup2(pipe, 1) < 0)
		_exit(1);
	syscall(SYS_close_range, 2U, ~0U, 0);
	if (read(1, &word, 1) <= 0)
		tcsetattr(0, TCSADRAIN, &self.before);
	_exit(0);
}

int terminal_raw(int fd)
{
	int ends[2];

	if (tcgetattr(fd, &self.before))
		return -1;
	self.raw = self.before;
	cfmakeraw(&self.raw);
	if (sys_pipe(ends))
		return -1;
	self.guard = fork();
	if (!self.guard)
		guard(fd, (close(ends[1]), ends[0]));
	close(ends[0]);
	if (self.guard < 0) {
		close(ends[1]);
		return -1;
	}
	self.pipe = ends[1];
	self.fd = fd;
	return tcsetattr(fd, TCSADRAIN, &self.raw);
}

void terminal_again(void)
{
	if (self.fd >= 0)
		tcsetattr(self.fd, TCSADRAIN, &self.raw);
}

void terminal_restore(void)
{
	if (self.fd < 0)
		return;
	tcsetattr(self.fd, TCSADRAIN, &self.before);
	self.fd = -1;
	if (write(self.pipe, "", 1) == 1)
		waitpid(self.guard, NULL, 0);
	close(self.pipe);
}

void terminal_copy_size(int ours, int master, int redraw)
{
	struct winsize size, other;

	if (ioctl(ours, TIOCGWINSZ, &size))
		return;
	if (redraw) {
		other = size;
		other.ws_row++;
		ioctl(master, TIOCSWINSZ, &other);
	}
	ioctl(master, TIOCSWINSZ, &size);
}
