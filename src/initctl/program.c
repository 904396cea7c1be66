/*
 * program: see program.h.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "out.h"

enum { SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

static const char own_file[] = "/proc/self/exe";

int program_open(const char *path)
{
	int file = sys_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK), copy;
	struct stat status;
	ssize_t length;

	if (file >= 0 && !file_stat_of(file, &status) && !S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EACCES;
		file = -1;
	}
	if (file < 0)
		fail_cannot("open program ", path);
	copy = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0)
		fail_cannot("copy program ", path);
	while ((length = sendfile(copy, file, NULL, 1 << 30)) > 0)
		;
	if (length || sys_fchmod(copy, 0555) || sys_fcntl(copy, F_ADD_SEALS, SEALS))
		fail_cannot("copy program ", path);
	close(file);
	return copy;
}

void program_execute(char **command, char **environment, const char *path)
{
	const size_t slash = strcspn(*command, "/");
	char whole[PATH_MAX];
	int error = ENOENT;

	if ((*command)[slash]) {
		execve(*command, command, environment);
		return;
	}
	for (size_t length; **command && path; path = path[length] ? path + length + 1 : NULL) {
		length = strcspn(path, ":");
		out_format(whole, sizeof whole, "%.*s%s%s", (int)length, path, length ? "/" : "",
			*command);
		execve(whole, command, environment);
		/* A file that is not executable is the reason, if there is no other behind it. */
		if (errno == EACCES)
			error = errno;
		else if (errno != ENOENT && errno != ENOTDIR)
			return;
	}
	errno = error;
}

int program_open_own(void)
{
	return program_open(own_file);
}

void program_protect(char **words)
{
	int file = sys_open(AT_FDCWD, own_file, O_RDONLY);
	/* -1 for a file that cannot have seals; F_SEAL_SEAL alone for one on a tmpfs. */
	int seals = sys_fcntl(file, F_GET_SEALS, 0);

	close(file);
	if (seals >= 0 && (seals & F_SEAL_WRITE))
		return;
	sys_execute(program_open_own(), words, environ);
	fail_cannot("run program ", own_file);
}
