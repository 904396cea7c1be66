/*
 * passwd: see passwd.h.
 */
#include "passwd.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"
#include "initctl.h"

static struct initctl_message reply;

/*
 * Opens a file below the container's root. Symbolic links are resolved within that root, so they
 * cannot lead out of it. Anything but a regular file is refused, as a pipe or a device could block
 * the read. Returns a descriptor, or -1.
 */
static int open_inside(int root, const char *path)
{
	int fd = sys_open_resolved(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, SYS_IN_ROOT);
	struct stat status;

	if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Finds the first line "name:password:uid:..." for a uid, which is given as length digits. Returns
 * its last field, the shell, if that is an absolute path, or NULL. Modifies the text.
 */
static char *find_shell(char *text, const char *uid, size_t length)
{
	char *line, *rest = text, *field;

	while ((line = strsep(&rest, "\n"))) {
		strsep(&line, ":");
		if (!line)
			continue;
		strsep(&line, ":");
		field = strsep(&line, ":");
		if (!field || !line || strlen(field) != length || strncmp(field, uid, length) != 0)
			continue;
		field = strrchr(line, ':');
		return field && field[1] == '/' ? field + 1 : NULL;
	}
	return NULL;
}

void passwd_shell(const struct context *context, const char *user, char shell[PASSWD_SHELL])
{
	static char text[65536];
	struct ucred init = {.uid = 0};
	socklen_t size = sizeof init;
	char digits[NUMBER_SIZE];
	const char *uid = user;
	char *found;
	int connection = verb_connect(context), fd = -1;
	ssize_t length = 0;

	strcpy(shell, "/bin/sh");
	/* Without a user the session has the user of init. */
	if (!user) {
		getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &init, &size);
		uid = number_text(digits, init.uid);
	}
	if (!verb_request_open(connection, "what", "root", &reply)) {
		fd = open_inside(reply.fds[0], "etc/passwd");
		initctl_discard(&reply);
	}
	close(connection);
	if (fd < 0)
		return;
	length = read(fd, text, sizeof text - 1);
	close(fd);
	text[length > 0 ? length : 0] = 0;
	found = find_shell(text, uid, strcspn(uid, ":"));
	if (found && strlen(found) < PASSWD_SHELL)
		strcpy(shell, found);
}
