#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include "base/sys.h"
#include "process/fds.h"

/* <asm-generic/socket.h>; SO_PASSPIDFD is of Linux 6.5. */
#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76
#endif

int listener_bind(struct listener *listener, const char *path, bool open_to_others)
{
	if (socket_file_locate(&listener->file, path))
		return -1;
	listener->fd = sys_socket(AF_UNIX, SOCK_SEQPACKET);
	if (listener->fd < 0)
		return -1;
	return socket_file_bind(&listener->file, listener->fd, open_to_others ? 0111 : 0177);
}

/* An option of a socket that is a number, or -1 with errno. */
static int option(int fd, int name)
{
	int value;
	socklen_t length = sizeof value;

	return sys_getsockopt(fd, SOL_SOCKET, name, &value, &length) ? -1 : value;
}

int listener_inherit(int fd, bool *listens)
{
	/* What would come with each message besides the client's descriptors. */
	static const int extras[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD};
	const int off = 0;
	const int type = option(fd, SO_TYPE);

	if (type < 0)
		return -1;
	if (type != SOCK_SEQPACKET || option(fd, SO_DOMAIN) != AF_UNIX)
		return sys_fail(EPROTOTYPE);
	for (unsigned i = 0; i < sizeof extras / sizeof *extras; i++)
		syscall(SYS_setsockopt, fd, SOL_SOCKET, extras[i], &off, sizeof off);
	if (fds_claim(fd))
		return -1;
	*listens = option(fd, SO_ACCEPTCONN) > 0;
	return *listens ? sys_fcntl(fd, F_SETFL, O_NONBLOCK) : 0;
}
