/*
 * eof: see eof.h.
 */
#include "eof.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "base/sys.h"
#include "reader.h"

/* Milliseconds between two looks, at first and at most, and those for which a VEOF is offered. */
enum { INTERVAL = 5, INTERVAL_MAX = 500, OFFER = 2 };
/*
 * Milliseconds for which the program must have done nothing but wait. A VEOF can be taken back, a
 * hang-up cannot.
 */
enum { QUIET_OFFER = 100, QUIET_HANG_UP = 1000, QUIET_UNKNOWN = 2000, QUIET_POLLS = 10000 };
/* Milliseconds from a VEOF for what polls to the next: half of the first time, and the longest. */
enum { PATIENCE = 500, PATIENCE_MAX = 8000 };

void eof_begin(struct eof *eof, char last)
{
	eof->begun = true;
	eof->last = last;
	eof->interval = INTERVAL;
	eof->patience = PATIENCE;
	eof->next = eof->since = sys_now();
}

void eof_heard(struct eof *eof)
{
	eof->since = sys_now();
	eof->interval = INTERVAL;
	if (eof->next > eof->since + INTERVAL)
		eof->next = eof->since + INTERVAL;
}

int eof_timeout(const struct eof *eof)
{
	long long left = eof->next - sys_now();

	return left < 1 ? 1 : (int)left;
}

/* Whether VEOF is an end of file in these modes, and not quoted by a VLNEXT before it. */
static bool takes_veof(const struct termios *modes, char last)
{
	bool quoted = (modes->c_lflag & IEXTEN) && last && (cc_t)last == modes->c_cc[VLNEXT];

	return (modes->c_lflag & ICANON) && modes->c_cc[VEOF] != _POSIX_VDISABLE && !quoted;
}

/*
 * Whether anything is to be read from the terminal, and how many bytes. A VEOF is none, and a line
 * without an end is not to be read in canonical mode.
 */
static bool has_unread(int slave, int *bytes)
{
	struct pollfd input = {.fd = slave, .events = POLLIN};

	*bytes = 0;
	sys_ioctl(slave, FIONREAD, bytes);
	return poll(&input, 1, 0) > 0 || *bytes;
}

/*
 * Takes a VEOF back that was not read. If the mode has changed it is a byte now. It is left where
 * it made typed input readable, a last line without an end.
 */
static void take_back(struct eof *eof, int slave)
{
	struct termios modes;
	int bytes, most;
	char byte;

	eof->since = sys_now();
	eof->offered = false;
	/* What polls may change the mode while a VEOF is there, and read a byte: it gets few. */
	if (eof->polled) {
		eof->taken = eof->since;
		if (eof->patience < PATIENCE_MAX)
			eof->patience *= 2;
	}
	if (tcgetattr(slave, &modes))
		return;
	if (!has_unread(slave, &bytes)) {
		eof->spoilt |= eof->polled && !(modes.c_lflag & ICANON);
		return;
	}
	most = modes.c_lflag & ICANON ? 0 : 1;
	/* Where it cannot be read, a process has begun to read meanwhile, and finds it. */
	if (bytes <= most && read(slave, &byte, 1) < 0)
		eof->offered = true;
}

/* Whether the program waits for input, and has waited for long enough to be given its end. */
static bool is_due(struct eof *eof, int master, bool veof, bool blocked)
{
	long long now = sys_now(), quiet = now - eof->since;

	/* The process that waits reads the VEOF at once, before it can change the mode. */
	if (veof && blocked)
		return true;
	if (quiet < (veof ? QUIET_OFFER : QUIET_HANG_UP))
		return false;
	if (veof && now - eof->taken < eof->patience)
		return false;
	switch (reader_find(master, blocked)) {
	case READER_WAITS:
		return true;
	case READER_POLLS:
		return veof || quiet >= QUIET_POLLS;
	case READER_UNKNOWN:
		return quiet >= QUIET_UNKNOWN;
	case READER_NONE:
		eof->since = now;
	}
	return false;
}

/* Gives a program that waits for input the end of it. Returns true if that is to be a hang-up. */
static bool give(struct eof *eof, int master, int slave)
{
	bool blocked = reader_is_blocked(slave), veof;
	struct termios modes;

	/* In this order: a process that waits in read(2) does not change the mode. */
	if (tcgetattr(slave, &modes))
		return false;
	veof = takes_veof(&modes, eof->last) && !eof->spoilt;
	if (!is_due(eof, master, veof, blocked))
		return false;
	if (!veof)
		return true;
	eof->polled = !blocked;
	eof->offered = write(master, &modes.c_cc[VEOF], 1) == 1;
	eof->next = sys_now() + OFFER;
	return false;
}

bool eof_look(struct eof *eof, int master)
{
	long long now = sys_now();
	bool hang_up = false;
	int slave, bytes;

	if (now < eof->next)
		return false;
	eof->next = now + eof->interval;
	eof->interval = eof->interval > INTERVAL_MAX / 2 ? INTERVAL_MAX : eof->interval * 2;
	slave = sys_ioctl(master, TIOCGPTPEER,
		(void *)(O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)); /* Linux 4.13 */
	if (slave < 0)
		return false;
	if (eof->offered) {
		take_back(eof, slave);
	} else if (has_unread(slave, &bytes)) {
		eof->since = now;
	} else {
		hang_up = give(eof, master, slave);
	}
	/* While it is open here, the master does not see that nobody has it open inside. */
	close(slave);
	return hang_up;
}
