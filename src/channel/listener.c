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
	listener->fd = sys_socket();
	if (listener->fd < 0)
		return -1;
	return socket_file_bind(&listener->file, listener->fd, open_to_others ? 0111 : 0177);
}

int listener_inherit(int fd, bool *listens)
{
	/* What would come with each message besides the client's descriptors. */
	static const int extras[] = {SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD};
	const int off = 0;
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
	for (unsigned i = 0; i < sizeof extras / sizeof *extras; i++)
		syscall(SYS_setsockopt, fd, SOL_SOCKET, extras[i], &off, sizeof off);
	*listens = listening;
	if (*listens && sys_fcntl(fd, F_SETFL, O_NONBLOCK))
		return -1;
	return fds_claim(fd);
}
