#include "seqpacket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "number.h"
#include "sys.h"
#include "text.h"
#include "wire.h"

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(WIRE_DESCRIPTORS * sizeof(int))];
};

/* The kernel fills the space that is there for alignment with further descriptors. */
_Static_assert(
	CMSG_SPACE(WIRE_DESCRIPTORS * sizeof(int)) == CMSG_LEN(WIRE_DESCRIPTORS * sizeof(int)),
	"there is no room for more descriptors than a caller has");

void seqpacket_discard(const int *fds, unsigned count)
{
	while (count--)
		sys_close(fds[count]);
}

int seqpacket_send(
	int fd, const void *data, size_t length, const int *fds, unsigned count, int flags)
{
	union control control;
	struct iovec part = {.iov_base = (void *)data, .iov_len = length};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (count) {
		memset(&control, 0, sizeof control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
		message.msg_control = &control;
		message.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int));
	}
	return sys_sendmsg(fd, &message, flags | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

ssize_t seqpacket_receive(int fd, void *data, size_t size, int *fds, unsigned *count, int flags)
{
	union control control;
	struct iovec part = {.iov_base = data, .iov_len = size};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	struct cmsghdr *header;
	ssize_t length;

	*count = 0;
	length = sys_recvmsg(fd, &message, flags | MSG_CMSG_CLOEXEC);
	if (length < 0)
		return -1;
	/* Nothing but SCM_RIGHTS is asked for (listener_inherit): there is one header at most. */
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		*count = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fds, CMSG_DATA(header), *count * sizeof(int));
	}
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		seqpacket_discard(fds, *count);
		errno = *count < WIRE_DESCRIPTORS ? EMFILE : E2BIG;
		if (message.msg_flags & MSG_TRUNC)
			errno = EMSGSIZE;
		*count = 0;
		return -1;
	}
	return length;
}

int seqpacket_connect(int fd, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int file = -1, result;

	if (strlen(path) < sizeof address.sun_path) {
		text_copy(address.sun_path, path);
	} else {
		file = sys_open(AT_FDCWD, path, O_PATH);
		if (file < 0)
			return -1;
		number_join(address.sun_path, "/proc/self/fd/", file);
	}
	result = sys_connect(fd, &address, sizeof address);
	/* Which leaves errno as it is. */
	if (file >= 0)
		sys_close(file);
	return result;
}
