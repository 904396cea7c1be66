#include "tty.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/section.h"
#include "base/sys.h"

static bool is_pipe(int fd)
{
	struct winsize size;

	return lseek(fd, 0, SEEK_CUR) < 0 && errno == ESPIPE && sys_ioctl(fd, TIOCGWINSZ, &size);
}

/* Succeeds for the controlling terminal alone (tty_ioctl(4)). */
static bool is_controlling(int fd, pid_t session)
{
	pid_t owner;

	return !sys_ioctl(fd, TIOCGSID, &owner) && owner == session;
}

static pid_t foreground(const struct tty *tty)
{
	pid_t group;

	return sys_ioctl(tty->fd, TIOCGPGRP, &group) ? -1 : group;
}

SECTION_START void tty_find(struct tty *tty)
{
	pid_t session = getsid(0);

	*tty = (struct tty){.mode = TTY_NONE, .fd = -1};
	/*
	 * LXC makes its init a session leader with a terminal on stdin that is nobody's, and
	 * leaves the rest to it. Elsewhere this fails, or changes nothing (tty_ioctl(4)).
	 */
	if (getpid() == 1)
		tty_take(0);
	/* O_NONBLOCK: an image may have put a FIFO there. */
	tty->fd = sys_open(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY | O_NONBLOCK);
	/* tty(4): there is none. */
	if (tty->fd < 0 && errno == ENXIO)
		return;
	if (tty->fd >= 0 && !is_controlling(tty->fd, session))
		tty_close(tty);
	for (int fd = 0; fd <= 2 && tty->fd < 0; fd++)
		if (is_controlling(fd, session))
			tty->fd = sys_fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (tty->fd < 0)
		return;
	tty->mode = session == getpid() ? TTY_LEADER : getpgrp() ? TTY_JOB : TTY_OUTSIDE;
	/*
	 * With others in our group the foreground stays with us all until the command
	 * asks for it: the pager of a pipeline reads the terminal, a script may go on
	 * beside us, and Ctrl-C is for them too.
	 */
	tty->eager = getpgrp() == getpid() && !is_pipe(0) && !is_pipe(1);
}

int tty_release(const struct tty *tty)
{
	pid_t child = vfork(), none;

	if (child < 0)
		return -1;
	if (!child) {
		sys_setpgid(0);
		none = getpid();
		sys_ioctl(tty->fd, TIOCSPGRP, &none);
		_exit(0);
	}
	sys_wait(child, NULL, 0);
	return sys_ioctl(tty->fd, TIOCNOTTY, NULL);
}

int tty_take(int fd)
{
	return sys_ioctl(fd, TIOCSCTTY, NULL);
}

bool tty_ours(const struct tty *tty)
{
	return tty->mode == TTY_JOB && foreground(tty) == getpgrp();
}

int tty_foreground(int fd, pid_t group)
{
	/* From the background this calls for SIGTTOU, which is blocked: it succeeds. */
	return sys_ioctl(fd, TIOCSPGRP, &group);
}

void tty_hand_over(struct tty *tty, pid_t group)
{
	if (tty_ours(tty) && !tty_foreground(tty->fd, group))
		tty->given = true;
}

void tty_take_back(struct tty *tty, pid_t group)
{
	pid_t now;

	if (!tty->given)
		return;
	now = foreground(tty);
	if (now > 0 && (now == group || (sys_kill(-now, 0) && errno == ESRCH)))
		tty->given = tty_foreground(tty->fd, getpgrp()) != 0;
}

int tty_abandon(struct tty *tty, pid_t group)
{
	pid_t ours = getpgrp();

	tty->mode = TTY_NONE;
	tty_close(tty);
	/* The leader of a group cannot leave the session; as one of another's it can. */
	if (setsid() >= 0 || (!sys_setpgid(group) && setsid() >= 0))
		return 0;
	sys_setpgid(ours);
	return -1;
}

void tty_close(struct tty *tty)
{
	if (tty->fd >= 0)
		sys_close(tty->fd);
	tty->fd = -1;
}
