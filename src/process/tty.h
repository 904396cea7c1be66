/*
 * tty: whose terminal it is. The controlling terminal goes to the command and
 * comes back, so that Ctrl-C, Ctrl-Z, SIGWINCH and a hang-up find the command as
 * if init were not there.
 */
#ifndef TTY_H
#define TTY_H

#include <stdbool.h>
#include <sys/types.h>

enum tty_mode {
	/* No controlling terminal. */
	TTY_NONE,
	/* We lead the session that owns it (docker run -it): the command gets it. */
	TTY_LEADER,
	/* A shell of our session started us: foreground and background are its say. */
	TTY_JOB,
	/*
	 * Our process group lies outside our PID namespace (unshare -f, bwrap in a
	 * shell), where we cannot name it to give the terminal back: the command stays
	 * in that group, and what is typed reaches it there.
	 */
	TTY_OUTSIDE,
};

struct tty {
	enum tty_mode mode;
	int fd;     /* -1: none */
	bool eager; /* hand over at the start, not when the command asks */
	bool given; /* the foreground is the command's by our doing */
};

/*
 * Finds the controlling terminal and what we are to it. Owns fd, until tty_close. A PID 1
 * that leads a session without one makes its stdin that, where it is a terminal that no
 * session has.
 */
void tty_find(struct tty *tty);

/*
 * As session leader: gives the terminal up, unharmed. TIOCNOTTY sends HUP and CONT
 * to the foreground group, which is our own; told apart from real ones they could
 * not be, so the foreground is first made a group that no longer exists.
 * 0, or -1 with errno.
 */
int tty_release(const struct tty *tty);

/* As the leader of a session: makes the terminal its controlling one. 0, or -1 with errno. */
int tty_take(int fd);

/* Whether the terminal is ours to hand over: mode TTY_JOB, our group in the foreground. */
bool tty_ours(const struct tty *tty);

/* Makes a group the terminal's foreground; TTOU is to be blocked or ignored. 0, or -1 with errno.
 */
int tty_foreground(int fd, pid_t group);

/* In init: hands the foreground to the command's group, where it is ours. */
void tty_hand_over(struct tty *tty, pid_t group);

/*
 * Takes back what was given: from the command's group, or from one that is gone.
 * Another that the command gave it to keeps it, and `given` stays.
 */
void tty_take_back(struct tty *tty, pid_t group);

/*
 * Leaves the session, where nobody is left in it who could give us the foreground:
 * an orphaned group is not stopped when it reads from the background, but gets EIO
 * (setpgid(2)), and our being there keeps the command's group from being one.
 * -1 where others of our group prevent it. The mode is TTY_NONE from then on.
 */
int tty_abandon(struct tty *tty, pid_t group);

/* Closes what tty_find opened. */
void tty_close(struct tty *tty);

#endif
