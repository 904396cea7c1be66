/*
 * passwd: see passwd.h.
 */
#include "passwd.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "initctl.h"
#include "inside.h"
#include "watchdog.h"

static struct initctl_message reply;

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
	int connection = verb_connect(context);

	strcpy(shell, "/bin/sh");
	if (!user)
		user = find_user(connection);
	snprintf(uid, sizeof uid, "%.*s", user ? (int)strcspn(user, ":") : 0, user ? user : "");
	if (!verb_request_open(connection, "what", "root", &reply)) {
		watchdog_begin("read ", "/etc/passwd");
		inside_read(reply.fds[0], "etc/passwd", text, sizeof text);
		watchdog_end();
		initctl_discard(&reply);
	}
	close(connection);
	found = find_shell(text, uid);
	if (found && strlen(found) < PASSWD_SHELL)
		strcpy(shell, found);
}
