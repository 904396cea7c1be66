/*
 * reader: see reader.h.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "out.h"
#include "proc.h"
#include "scan.h"

/* What is seen of one process or more. Of several, the greatest counts. */
enum sight { SLEEPS, HIDDEN, POLLS_SEVERAL, POLLS_ONE, RUNS };

/* The system calls that poll descriptors, by where they are told how many. */
static const long polls[] = {
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_ppoll_time64
	SYS_ppoll_time64,
#endif
	SYS_ppoll,
};
static const long selects[] = {
#ifdef SYS_select
	SYS_select,
#endif
#ifdef SYS__newselect
	SYS__newselect,
#endif
#ifdef SYS_pselect6_time64
	SYS_pselect6_time64,
#endif
	SYS_pselect6,
};

bool reader_is_blocked(int slave)
{
	char none;

	/*
	 * A terminal serves one read at a time, and one that does not block fails if there is
	 * another. To read no bytes takes nothing away, and succeeds otherwise.
	 */
	return read(slave, &none, 0) < 0 && errno == EAGAIN;
}

/* How many descriptors a thread polls, by its directory in /proc. */
static enum sight see_poll(int directory)
{
	char text[256];
	const char *p = text;
	unsigned long long arguments[2];
	long call;

	/* The number of the system call, and its arguments in hexadecimal. */
	if (file_read(directory, "syscall", text, sizeof text))
		return HIDDEN;
	call = (long)scan_number(&p);
	for (unsigned i = 0; i < 2; i++) {
		/* Or "running", or "-1" where it is in none. */
		if (strncmp(p, " 0x", 3) != 0)
			return POLLS_SEVERAL;
		p += 3;
		arguments[i] = scan_hex(&p, 16);
	}
	for (unsigned i = 0; i < sizeof polls / sizeof *polls; i++)
		if (call == polls[i] && arguments[1] == 1)
			return POLLS_ONE;
	/* Of these, the first argument is one more than the greatest of the descriptors. */
	for (unsigned i = 0; i < sizeof selects / sizeof *selects; i++)
		if (call == selects[i] && arguments[0] == 1)
			return POLLS_ONE;
	return POLLS_SEVERAL;
}

/* What a thread does, by its directory in /proc. */
static enum sight see_thread(int directory)
{
	char text[256];

	/* The function of the kernel that it sleeps in; "0" if it does not, or that is secret. */
	if (!file_read(directory, "wchan", text, sizeof text) && *text && strcmp(text, "0") != 0)
		return scan_find(text, "poll") || scan_find(text, "select") ? see_poll(directory)
		                                                            : SLEEPS;
	if (file_read(directory, "stat", text, sizeof text))
		return errno == ENOENT || errno == ESRCH ? SLEEPS : HIDDEN;
	switch (proc_state(text)) {
	case 'S':
		return HIDDEN;
	case 'X':
	case 'Z': /* or a first thread that has ended before the others */
		return SLEEPS;
	default:
		return RUNS;
	}
}

/* What is looked for, and what was seen. */
static struct {
	pid_t group;
	bool found;       /* a process of the group */
	enum sight sight; /* the greatest */
} state;

static void see_named_thread(int directory, const char *name)
{
	int thread = sys_open(directory, name, O_PATH | O_DIRECTORY);
	enum sight sight = thread < 0 ? SLEEPS : see_thread(thread);

	if (sight > state.sight)
		state.sight = sight;
	if (thread >= 0)
		close(thread);
}

static void see_process(int directory, const char *name)
{
	unsigned long long pid;

	if (number_parse(name, 1U << 30, &pid) || getpgid((pid_t)pid) != state.group)
		return;
	state.found = true;
	proc_each(sys_open(directory, proc_path((int)pid, "task"), O_RDONLY | O_DIRECTORY),
		see_named_thread);
}

/* What the processes of the group do; HIDDEN if there are none, or none can be seen. */
static enum sight see_group(pid_t group)
{
	state.group = group;
	state.found = false;
	state.sight = SLEEPS;
	proc_each(proc_open(), see_process);
	return state.found ? state.sight : HIDDEN;
}

enum reader reader_find(int master, bool blocked)
{
	enum sight sight = HIDDEN;
	pid_t group;

	/* The number of a group that has none in our PID namespace is 0. */
	if (!sys_ioctl(master, TIOCGPGRP, &group) && group > 0)
		sight = see_group(group);
	if (sight == RUNS)
		return READER_NONE;
	if (blocked || sight == POLLS_ONE)
		return READER_WAITS;
	if (sight == POLLS_SEVERAL)
		return READER_POLLS;
	return sight == HIDDEN ? READER_UNKNOWN : READER_NONE;
}
