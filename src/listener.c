#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "fds.h"
#include "status.h"
#include "sys.h"
#include "text.h"

enum {
	/* How often to look whether a dying process has let go of it, in ms, and how many times. */
	LOOK = 4,
	LOOKS = 50,
};

int listener_address(struct sockaddr_un *address, const char *name)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	errno = ENAMETOOLONG;
	if (text_until(name, 0) >= sizeof address->sun_path)
		return -1;
	text_join(address->sun_path, name, "");
	return 0;
}

/*
 * Connecting to a file that nobody listens on, socket or not, is refused (unix(7)).
 * The current directory is the socket's.
 */
static bool is_stale(const struct listener *listener)
{
	struct sockaddr_un address;
	int fd = sys_socket();
	struct status status;
	bool stale;

	if (fd < 0)
		return false;
	stale = !listener_address(&address, listener->name) &&
	        connect(fd, (const struct sockaddr *)&address, sizeof address) &&
	        errno == ECONNREFUSED && !status_at(listener->directory, listener->name, &status) &&
	        S_ISSOCK(status.mode);
	close(fd);
	return stale;
}

/* In the directory of the socket, so that the length of the way there does not count. */
static int bind_here(struct listener *listener, bool open_to_others)
{
	struct sockaddr_un address;
	const struct sockaddr *generic = (const struct sockaddr *)&address;
	struct status status;
	mode_t mask;
	int result;

	if (listener_address(&address, listener->name))
		return -1;
	mask = umask(open_to_others ? 0111 : 0177);
	result = bind(listener->fd, generic, sizeof address);
	if (result && errno == EADDRINUSE) {
		if (is_stale(listener) && !unlinkat(listener->directory, listener->name, 0))
			result = bind(listener->fd, generic, sizeof address);
		else
			errno = EADDRINUSE;
	}
	umask(mask);
	if (result || status_at(listener->directory, listener->name, &status))
		return -1;
	listener->inode = status.inode;
	return listen(listener->fd, 128);
}

int listener_locate(struct listener *listener, const char *path)
{
	const char *name = text_last(path, '/');
	char directory[4096] = ".";
	size_t length = (size_t)(name - path);

	listener->fd = listener->directory = -1;
	listener->name = name;
	if (length >= sizeof directory || !*name) {
		errno = *name ? ENAMETOOLONG : EISDIR;
		return -1;
	}
	if (length) {
		memcpy(directory, path, length);
		directory[length] = 0;
	}
	listener->directory = sys_open(AT_FDCWD, directory, O_PATH | O_DIRECTORY);
	return listener->directory < 0 ? -1 : 0;
}

int listener_bind(struct listener *listener, const char *path, bool open_to_others)
{
	int back, result = -1;

	if (listener_locate(listener, path))
		return -1;
	listener->fd = sys_socket();
	back = sys_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY);
	if (listener->fd >= 0 && back >= 0 && !sys_fchdir(listener->directory))
		result = bind_here(listener, open_to_others);
	if (back >= 0) {
		int saved = errno;
		if (sys_fchdir(back))
			result = -1;
		close(back);
		errno = saved;
	}
	return result;
}

int listener_inherit(int fd, bool *listens)
{
	int type, domain, listening;
	socklen_t length = sizeof type;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) ||
		getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) ||
		getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length))
		return -1;
	if (type != SOCK_SEQPACKET || domain != AF_UNIX) {
		errno = EPROTOTYPE;
		return -1;
	}
	*listens = listening;
	if (*listens && sys_fcntl(fd, F_SETFL, O_NONBLOCK))
		return -1;
	return fds_claim(fd);
}

bool listener_world_writable(const struct listener *listener)
{
	struct status status;

	return listener->directory < 0 || status_at(listener->directory, listener->name, &status) ||
	       (status.mode & S_IWOTH);
}

void listener_remove(const struct listener *listener)
{
	struct status status;

	if (listener->directory >= 0 && !status_at(listener->directory, listener->name, &status) &&
		status.inode == listener->inode)
		unlinkat(listener->directory, listener->name, 0);
}

void listener_remove_stale(const struct listener *listener)
{
	struct status status;

	if (sys_fchdir(listener->directory))
		return;
	for (int i = 0; i < LOOKS && !status_at(listener->directory, listener->name, &status);
		i++) {
		if (is_stale(listener))
			unlinkat(listener->directory, listener->name, 0);
		poll(NULL, 0, LOOK);
	}
}
