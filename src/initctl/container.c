/*
 * container: see container.h.
 */
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "beneath.h"
#include "verbs.h"
#include "watchdog.h"

static struct initctl_message message;

int container_proc(const struct context *context)
{
	const int fd = verb_try_open(context, "what", "proc");

	if (fd < 0 || file_system_of(fd) == FILE_SYSTEM_PROC)
		return fd;
	errno = EPROTO;
	verb_unanswered("open ", "proc");
}

const struct initctl_message *container_status(int connection)
{
	char data[64];
	struct initctl_request request;
	int result;

	initctl_begin(&request, data, sizeof data, "status");
	result = initctl_call(connection, &request, NULL, 0, &message);
	if (!result)
		initctl_discard(&message);
	if (!result && !initctl_is(&message, "status") && !initctl_is(&message, "failed")) {
		errno = EPROTO;
		result = -1;
	}
	if (result)
		verb_unanswered("complete the request for ", "status");
	return &message;
}

void container_pids(const struct context *context, int *init, int *command)
{
	const int connection = verb_connect(context);

	container_status(connection);
	close(connection);
	*init = (int)initctl_number(&message, "pid", INT32_MAX, 0);
	*command = (int)initctl_number(&message, "main", INT32_MAX, 0);
}

char *container_text(int directory, const char *path, struct memory *memory)
{
	size_t length = 0;
	ssize_t got;
	int fd;

	watchdog_begin("read ", path);
	fd = directory == AT_FDCWD ? sys_open(directory, path, O_RDONLY)
	                           : beneath_open(directory, path, O_RDONLY);
	if (fd >= 0) {
		do {
			memory_reserve(memory, length + 4096);
			got = read(fd, (char *)memory->data + length, memory->size - length - 1);
			length += got > 0 ? (size_t)got : 0;
		} while (got > 0);
		((char *)memory->data)[length] = 0;
		close(fd);
	}
	watchdog_end();
	return fd < 0 ? NULL : memory->data;
}
