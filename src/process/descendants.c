#include "descendants.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"

/* The kernel's PID_MAX_LIMIT. */
enum { PID_MOST = 1 << 22 };

static pid_t pid_of(const char *name)
{
	unsigned long long pid;

	return number_parse(name, PID_MOST, &pid) ? 0 : (pid_t)pid;
}

int descendants_open(void)
{
	char self[NUMBER_SIZE];
	ssize_t length;
	int proc;

	if (getpid() == 1)
		return -1;
	proc = file_open_in(AT_FDCWD, "/proc", FILE_SYSTEM_PROC);
	if (proc < 0)
		return -1;
	length = sys_readlink(proc, "self", self, sizeof self - 1);
	if (length > 0) {
		self[length] = 0;
		if (pid_of(self) == getpid())
			return proc;
	}
	sys_close(proc);
	return -1;
}

/* The parent of a process: 0 where it is outside our namespace, -1 where the process is gone. */
static pid_t parent_of(int proc, pid_t pid)
{
	char digits[NUMBER_SIZE], path[NUMBER_SIZE + 8], stat[512];
	const char *p;
	unsigned long long parent;

	text_join(path, number_text(digits, pid), "/stat");
	file_read(proc, path, stat, sizeof stat);
	if (!*stat)
		return -1;
	/* pid (name) state parent ...: the name may hold anything, ')' too. */
	p = text_last(stat, ')');
	if (text_until(p, 0) < 4 || number_parse_until(p + 3, ' ', PID_MOST, &parent))
		return 0;
	return (pid_t)parent;
}

/*
 * The tree changes under our feet: where an ancestor is gone by the time we ask for
 * its parent, the process has another one, and we begin anew. A bound keeps it finite.
 */
static bool descends(int proc, pid_t pid)
{
	pid_t self = getpid(), at = pid, parent;

	for (int steps = 0; steps < 4096; steps++) {
		parent = parent_of(proc, at);
		if (parent == self)
			return true;
		if (parent < 0 && at != pid)
			parent = pid;
		if (parent <= 1)
			return false;
		at = parent;
	}
	return false;
}

/* The pidfd comes first, so that a pid which changes hands meanwhile is not hit. */
static int signal_descendant(int proc, pid_t pid, int signal)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0), result = -1;

	if (fd < 0 && errno == ESRCH)
		return -1;
	if (descends(proc, pid))
		result = fd < 0 ? sys_kill(pid, signal)
		                : (int)syscall(SYS_pidfd_send_signal, fd, signal, NULL, 0);
	else
		errno = ESRCH;
	if (fd >= 0)
		sys_close(fd);
	return result;
}

int descendants_signal_one(int proc, pid_t pid, int signal)
{
	return getpid() == 1 ? sys_kill(pid, signal) : signal_descendant(proc, pid, signal);
}

bool descendants_signal(int proc, int signal)
{
	char buffer[1024] __attribute__((aligned(8)));
	pid_t self = getpid(), pid;
	long length;

	if (self == 1)
		return !sys_kill(-1, signal) || errno != ESRCH;
	if (proc < 0)
		return true;
	lseek(proc, 0, SEEK_SET);
	while ((length = sys_entries(proc, buffer, sizeof buffer)) > 0)
		for (char *p = buffer; p < buffer + length;) {
			struct sys_entry *entry = (struct sys_entry *)p;
			p += entry->length;
			pid = pid_of(entry->name);
			if (pid > 1 && pid != self)
				signal_descendant(proc, pid, signal);
		}
	return true;
}

bool descendants_left(void)
{
	return getpid() == 1 && (!sys_kill(-1, 0) || errno != ESRCH);
}
