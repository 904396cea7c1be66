#include "socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "section.h"
#include "sys.h"
#include "text.h"

enum {
	/* How often to look whether a dying process has closed its socket, in ms, and how many
	   times. */
	LOOK_INTERVAL = 4,
	LOOKS = 50,
};

int socket_address(struct sockaddr_un *address, const char *name)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	if (text_until(name, 0) >= sizeof address->sun_path)
		return sys_fail(ENAMETOOLONG);
	text_copy(address->sun_path, name);
	return 0;
}

static int status_of(const struct socket_file *file, struct file_status *status)
{
	return file_status_at(file->directory, file->name, status);
}

static int unlink_file(const struct socket_file *file)
{
	return sys_unlinkat(file->directory, file->name, 0);
}

/*
 * A connect(2) to a file that nobody listens on, socket or not, is refused (unix(7)).
 * The socket's directory is the current one.
 */
SECTION_START static bool probe_stale(const struct socket_file *file)
{
	struct sockaddr_un address;
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET);
	struct file_status status;
	bool stale;

	stale = !socket_address(&address, file->name) &&
	        sys_connect(fd, &address, sizeof address) && errno == ECONNREFUSED &&
	        !status_of(file, &status) && S_ISSOCK(status.mode);
	sys_close(fd);
	return stale;
}

SECTION_START int socket_file_locate(struct socket_file *file, const char *path)
{
	const char *name = text_last(path, '/');
	char directory[4096];
	size_t length = (size_t)(name - path);

	file->directory = -1;
	file->name = name;
	if (length >= sizeof directory || !*name) {
		errno = *name ? ENAMETOOLONG : EISDIR;
		return -1;
	}
	directory[0] = '.';
	memcpy(directory, path, length);
	directory[length ? length : 1] = 0;
	file->directory = sys_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
	return file->directory < 0 ? -1 : 0;
}

/* In the directory of the socket, so that the length of the path to it does not count. */
SECTION_START static int bind_here(struct socket_file *file, int fd, mode_t mask)
{
	struct sockaddr_un address;
	int result;

	if (socket_address(&address, file->name))
		return -1;
	mask = sys_umask(mask);
	result = sys_bind(fd, &address, sizeof address);
	if (result && errno == EADDRINUSE) {
		if (probe_stale(file) && !unlink_file(file))
			result = sys_bind(fd, &address, sizeof address);
		else
			errno = EADDRINUSE;
	}
	sys_umask(mask);
	if (result)
		return -1;
	if (status_of(file, &file->made)) {
		unlink_file(file);
		return -1;
	}
	return sys_listen(fd, 128);
}

int socket_file_bind(struct socket_file *file, int fd, mode_t mask)
{
	int result = -1, back = sys_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY);

	if (back < 0)
		return -1;
	if (!sys_fchdir(file->directory)) {
		result = bind_here(file, fd, mask);
		if (sys_fchdir(back))
			result = -1;
	}
	/* Which leaves errno alone. */
	sys_close(back);
	return result;
}

bool socket_file_is_world_writable(const struct socket_file *file)
{
	struct file_status status;

	return file->directory < 0 || status_of(file, &status) || (status.mode & S_IWOTH);
}

int socket_file_remove(const struct socket_file *file)
{
	struct file_status status;

	if (file->directory < 0)
		return 0;
	if (status_of(file, &status))
		return errno == ENOENT ? 0 : -1;
	return file_is_same(&status, &file->made) ? unlink_file(file) : 0;
}

int socket_file_remove_stale(const struct socket_file *file)
{
	struct file_status status;
	int error = 0;

	if (sys_fchdir(file->directory))
		return -1;
	for (int i = 0; i < LOOKS && !status_of(file, &status); i++) {
		error = 0;
		if (probe_stale(file) && unlink_file(file))
			error = errno;
		sys_poll(NULL, 0, LOOK_INTERVAL);
	}
	errno = error;
	return error ? -1 : 0;
}
