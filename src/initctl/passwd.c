/*
 * passwd: see passwd.h.
 */
#include "passwd.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"
#include "base/sys.h"
#include "initctl.h"

static struct initctl_message reply;

/*
 * Opens a file below the container's root. Symbolic links are resolved within that root, so they
 * cannot lead out of it. Anything but a regular file is refused, as a pipe or a device could block
 * the read, and so is one without a size, as those of proc are: to read /proc/kmsg takes away what
 * is read. Returns a descriptor, or -1.
 */
static int open_inside(int root, const char *path)
{
	int fd = sys_open_resolved(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, SYS_IN_ROOT);
	struct stat status;

	if (fd >= 0 && (fstat(fd, &status) || !S_ISREG(status.st_mode) || !status.st_size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/*
 * Finds the first line "name:password:uid:..." for a uid, which is given as digits. Returns its
 * last field, the shell, if that is an absolute path, or NULL. Modifies the text.
 */
static char *find_shell(char *text, const char *uid)
{
	char *line, *rest = text, *field;

	while ((line = strsep(&rest, "\n"))) {
		strsep(&line, ":");
		if (!line)
			continue;
		strsep(&line, ":");
		field = strsep(&line, ":");
		if (!field || !line || strcmp(field, uid) != 0)
			continue;
		field = strrchr(line, ':');
		return field && field[1] == '/' ? field + 1 : NULL;
	}
	return NULL;
}

/*
 * The uid that a session has without a user of its own, as the digits that init sends, which point
 * into reply; NULL where init does not tell.
 */
static const char *find_user(int connection)
{
	char data[64];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "status");
	if (initctl_call(connection, &request, NULL, 0, &reply))
		return NULL;
	initctl_discard(&reply);
	return initctl_is(&reply, "status") ? initctl_field(&reply, "user") : NULL;
}

void passwd_shell(const struct context *context, const char *user, char shell[PASSWD_SHELL])
{
	static char text[65536];
	char uid[NUMBER_SIZE];
	char *found;
	int connection = verb_connect(context), fd = -1;
	ssize_t length = 0;

	strcpy(shell, "/bin/sh");
	if (!user)
		user = find_user(connection);
	snprintf(uid, sizeof uid, "%.*s", user ? (int)strcspn(user, ":") : 0, user ? user : "");
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
	found = find_shell(text, uid);
	if (found && strlen(found) < PASSWD_SHELL)
		strcpy(shell, found);
}
