/*
 * standard: see standard.h.
 */
#include "standard.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "terminal.h"

static int open_null(int flags)
{
	int fd = sys_open(AT_FDCWD, "/dev/null", flags);

	if (fd < 0)
		fail_cannot("open /dev/null", NULL);
	return fd;
}

/* What the session gets for our descriptor fd; *relayed is -1 without a pipe. */
static int pass(int fd, bool detached, int *relayed)
{
	int flags = sys_fcntl(fd, F_GETFL, 0), ends[2], own_end = fd == 0;

	*relayed = -1;
	if (flags < 0 || (flags & O_PATH) || detached)
		return open_null(fd ? O_WRONLY : O_RDONLY);
	if (!terminal_is(fd))
		return fd;
	if (sys_pipe(ends))
		fail_cannot("make a pipe", NULL);
	*relayed = ends[own_end];
	return ends[!own_end];
}

/* Whether both are the same terminal: one pipe for both then keeps the order of the output. */
static bool same_terminal(int a, int b)
{
	struct stat one, other;

	return terminal_is(a) && terminal_is(b) && !file_stat_of(a, &one) &&
	       !file_stat_of(b, &other) && one.st_rdev == other.st_rdev;
}

void standard_pass(int stdio[3], struct relay *relay, bool detached)
{
	stdio[0] = pass(0, detached, &relay->in);
	stdio[1] = pass(1, detached, &relay->out[0]);
	if (relay->out[0] >= 0 && same_terminal(1, 2))
		stdio[2] = stdio[1];
	else
		stdio[2] = pass(2, detached, &relay->out[1]);
}

void standard_close(const int stdio[3])
{
	for (int fd = 0; fd <= 2; fd++)
		if (stdio[fd] != 2)
			close(stdio[fd]);
}
