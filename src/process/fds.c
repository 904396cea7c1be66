#include "fds.h"

#include <errno.h>
#include <stdbool.h>
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

static bool same_pipe(int a, int b)
{
	struct file_status one, two;

	return !file_status_of(a, &one) && !file_status_of(b, &two) && file_is_same(&one, &two) &&
	       (S_ISFIFO(one.mode) || S_ISSOCK(one.mode));
}

void fds_release_stdio(int filler)
{
	if (same_pipe(1, 2))
		sys_dup(filler, 2);
	sys_dup(filler, 0);
	sys_dup(filler, 1);
}

void fds_release(int filler, const int *keep, unsigned count)
{
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
