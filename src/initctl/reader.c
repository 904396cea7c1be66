/*
 * reader: see reader.h.
 */
#include "reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"

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

/* Reads the beginning of a file as text. Returns 0, or -1 with errno. */
static int read_text(int directory, const char *name, char *text, size_t size)
{
	int fd = sys_open(directory, name, O_RDONLY), error;
	ssize_t length;

	if (fd < 0)
		return -1;
	length = read(fd, text, size - 1);
	error = errno;
	close(fd);
	errno = error;
	text[length > 0 ? length : 0] = 0;
	return length < 0 ? -1 : 0;
}

/* How many descriptors a thread polls, by its directory in /proc. */
static enum sight see_poll(int directory)
{
	char text[256], *end;
	unsigned long long arguments[2];
	long call;

	/* The number of the system call, and its arguments in hexadecimal. */
	if (read_text(directory, "syscall", text, sizeof text))
		return HIDDEN;
	call = strtol(text, &end, 10);
	for (unsigned i = 0; i < 2; i++)
		arguments[i] = strtoull(end, &end, 16);
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
	const char *state;

	/* The function of the kernel that it sleeps in; "0" if it does not, or that is secret. */
	if (!read_text(directory, "wchan", text, sizeof text) && *text && strcmp(text, "0") != 0)
		return strstr(text, "poll") || strstr(text, "select") ? see_poll(directory)
		                                                      : SLEEPS;
	if (read_text(directory, "stat", text, sizeof text))
		return errno == ENOENT || errno == ESRCH ? SLEEPS : HIDDEN;
	state = strrchr(text, ')');
	return state && !strncmp(state, ") S", 3) ? HIDDEN : RUNS;
}

/* The greatest sight of what has a number in a directory of /proc, which is closed. */
static enum sight see_all(int directory, enum sight (*see)(int directory, const char *name))
{
	DIR *list = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;
	enum sight most = SLEEPS, one;

	if (!list) {
		if (directory >= 0)
			close(directory);
		return SLEEPS;
	}
	while ((entry = readdir(list)))
		if (*entry->d_name >= '1' && *entry->d_name <= '9' &&
			(one = see(dirfd(list), entry->d_name)) > most)
			most = one;
	closedir(list);
	return most;
}

static enum sight see_named_thread(int directory, const char *name)
{
	int thread = sys_open(directory, name, O_PATH | O_DIRECTORY);
	enum sight sight = thread < 0 ? SLEEPS : see_thread(thread);

	if (thread >= 0)
		close(thread);
	return sight;
}

/* The group that is looked at, and whether it has any process. */
static struct {
	pid_t group;
	bool found;
} state;

static enum sight see_process(int directory, const char *name)
{
	char path[sizeof "/task" + NUMBER_SIZE];

	if (strlen(name) >= NUMBER_SIZE || getpgid((pid_t)strtol(name, NULL, 10)) != state.group)
		return SLEEPS;
	state.found = true;
	strcpy(path, name);
	return see_all(sys_open(directory, strcat(path, "/task"), O_RDONLY | O_DIRECTORY),
		see_named_thread);
}

/* Opens our /proc, or returns -1 if it is not of the PID namespace that we are in. */
static int open_proc(void)
{
	char link[NUMBER_SIZE], digits[NUMBER_SIZE];
	int proc = sys_open(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY);
	ssize_t length = proc < 0 ? -1 : sys_readlink(proc, "self", link, sizeof link - 1);

	link[length > 0 ? length : 0] = 0;
	if (!strcmp(link, number_text(digits, getpid())))
		return proc;
	if (proc >= 0)
		close(proc);
	return -1;
}

/* What the processes of the group do; HIDDEN if there are none, or none can be seen. */
static enum sight see_group(pid_t group)
{
	int proc = open_proc();
	enum sight sight;

	if (proc < 0)
		return HIDDEN;
	state.group = group;
	state.found = false;
	sight = see_all(proc, see_process);
	return state.found ? sight : HIDDEN;
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
