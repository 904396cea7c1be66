#include "fds.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"

void fds_sanitise(void)
{
	/* The lowest free number is the closed one. An epoll needs no path, unlike /dev/null. */
	for (int fd = 0; fd <= 2; fd++)
		if (sys_fcntl(fd, F_GETFD, 0) < 0)
			sys_epoll();
}

int fds_claim(int fd)
{
	errno = EBADF;
	/* What came by exec is not close-on-exec but by us; two owners would close it twice. */
	if (!(sys_fcntl(fd, F_GETFL, 0) & (O_WRONLY | O_RDWR)) ||
		(sys_fcntl(fd, F_GETFD, 0) & FD_CLOEXEC))
		return -1;
	return sys_fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int fds_open_own(void)
{
	struct file_status one, two;

	if (file_status_of(1, &one) || file_status_of(2, &two) || !file_is_same(&one, &two) ||
		!S_ISFIFO(one.mode))
		return -1;
	return file_open_in(AT_FDCWD, "/proc/self/fd", FILE_SYSTEM_PROC);
}

/* Makes 2 a reference to what it is, if that can be opened for a message. */
static void refer_to_stderr(int own)
{
	const int reference = sys_open(own, "2", O_PATH);

	if (reference >= 0 && !log_by_reference(own))
		sys_dup(reference, 2);
	sys_close(reference);
}

void fds_release_stdio(int filler)
{
	sys_dup(filler, 0);
	sys_dup(filler, 1);
}

void fds_release(int filler, int own, const int *keep, unsigned count)
{
	if (own >= 0)
		refer_to_stderr(own);
	fds_release_stdio(filler);
	fds_close_others(keep, count);
	if (sys_chdir("/"))
		warn_cannot("change directory to ", "/");
}

static struct sys_limit inherited;

void fds_raise_limit(void)
{
	struct sys_limit most;

	if (sys_limit(RLIMIT_NOFILE, NULL, &inherited))
		return;
	most.now = most.most = inherited.most;
	sys_limit(RLIMIT_NOFILE, &most, NULL);
}

void fds_restore_limit(void)
{
	if (inherited.most)
		sys_limit(RLIMIT_NOFILE, &inherited, NULL);
}

void fds_close_others(const int *keep, unsigned count)
{
	unsigned next = 3, lowest;

	do {
		lowest = ~0U;
		for (unsigned i = 0; i < count; i++)
			if (keep[i] >= (int)next && (unsigned)keep[i] < lowest)
				lowest = (unsigned)keep[i];
		/* Where none is left to keep, that is beyond them all as well. */
		file_close_range(next, lowest - 1, FILE_CLOSE_NOW);
		next = lowest + 1;
	} while (next);
}
