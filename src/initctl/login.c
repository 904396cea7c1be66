/*
 * login: see login.h.
 */
#include "login.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "container.h"
#include "initctl.h"
#include "inside.h"
#include "memory.h"
#include "out.h"
#include "watchdog.h"

/* Bytes of /etc/passwd and /etc/group that are read, at most. */
enum { FILE_SIZE = 1 << 22 };

/* Fields of a line, separated by colons: of /etc/passwd, and the first four of /etc/group. */
enum { NAME, PASSWORD, ID, GROUP, COMMENT, HOME, SHELL, FIELDS, MEMBERS = GROUP };

static struct initctl_message reply;
/* What the two files hold, for as long as this process lives. */
static struct memory passwd, group;

bool login_is_numeric(const char *user)
{
	return !user[strspn(user, "0123456789:,")];
}

/* Reads a file as a string, which is empty if it cannot be read; errno then says why. */
static char *read_file(int root, const char *path, struct memory *memory)
{
	memory_reserve(memory, FILE_SIZE);
	watchdog_begin("read ", path);
	inside_read(root, path, memory->data, FILE_SIZE);
	watchdog_end();
	return memory->data;
}

static char *read_passwd(int root)
{
	return read_file(root, "/etc/passwd", &passwd);
}

static char *read_group(int root)
{
	return read_file(root, "/etc/group", &group);
}

static bool is_id(const char *text)
{
	unsigned long long id;

	return !number_parse(text, UINT32_MAX - 1, &id);
}

/*
 * Takes a line with an id off a text, and splits it; fields that are missing are empty. False at
 * the end.
 */
static bool take_line(char **text, char *fields[FIELDS])
{
	static char none[] = "";
	char *line;

	while ((line = strsep(text, "\n"))) {
		for (unsigned i = 0; i < FIELDS; i++) {
			fields[i] = strsep(&line, ":");
			if (!fields[i])
				fields[i] = none;
		}
		if (is_id(fields[ID]))
			return true;
	}
	return false;
}

/* Finds the first line with a value in a field; false if there is none. Modifies the text. */
static bool find_line(char *text, unsigned field, const char *value, char *fields[FIELDS])
{
	while (take_line(&text, fields))
		if (!strcmp(fields[field], value))
			return true;
	return false;
}

/* Adds an id, behind a separator, to the user of the request. */
static void add_id(struct login *login, const char *separator, const char *id)
{
	const size_t length = strlen(login->user);

	if (length + strlen(separator) + strlen(id) >= sizeof login->user)
		fail_note("cannot use the groups of user: there are too many", NULL, NULL);
	out_format(login->user + length, sizeof login->user - length, "%s%s", separator, id);
}

/* The named groups, in the order in which they were given. */
static void add_groups(struct login *login, int root, char *names)
{
	const char *separator = ":";
	char *name, *fields[FIELDS];

	while ((name = strsep(&names, ","))) {
		/* Numbers are not looked up: the file could make another group of them. */
		if (!is_id(name) && find_line(read_group(root), NAME, name, fields))
			name = fields[ID];
		if (!is_id(name))
			fail_note("cannot find group ", name, " in the container's /etc/group");
		add_id(login, separator, name);
		separator = ",";
	}
}

/* The group of the user's line in /etc/passwd, and those that list him as a member. */
static void add_own_groups(struct login *login, int root, const char *user, const char *own)
{
	char *text = read_group(root), *fields[FIELDS], *member;

	add_id(login, ":", own);
	while (take_line(&text, fields))
		while ((member = strsep(&fields[MEMBERS], ",")))
			if (!strcmp(member, user) && strcmp(fields[ID], own) != 0)
				add_id(login, ",", fields[ID]);
}

static void add_variable(struct login *login, unsigned row, const char *name, const char *value)
{
	out_format(login->strings[row], sizeof login->strings[row], "%s=%s", name, value);
	login->variables[row] = login->strings[row];
}

static void take_shell(struct login *login, const char *shell)
{
	if (*shell == '/' && strlen(shell) < sizeof login->shell)
		text_copy(login->shell, shell);
}

/* A user by name, or by a number with groups of which one is a name, as NAME[:GROUP,...]. */
static void find_named(struct login *login, int root, const char *user)
{
	char name[LOGIN_USER], *groups, *text, *fields[FIELDS];
	int error;

	if ((size_t)out_format(name, sizeof name, "%s", user) >= sizeof name)
		fail_note("cannot find user: the list of groups is too long", NULL, NULL);
	groups = strchr(name, ':');
	if (groups)
		*groups++ = 0;
	if (strlen(name) >= LOGIN_VALUE)
		fail_note("cannot find user: the name is too long", NULL, NULL);
	errno = 0;
	text = read_passwd(root);
	error = *text ? 0 : errno;
	if (is_id(name)) {
		add_id(login, "", name);
	} else if (find_line(text, NAME, name, fields) && is_id(fields[GROUP])) {
		add_id(login, "", fields[ID]);
		take_shell(login, fields[SHELL]);
		add_variable(login, 0, "HOME", *fields[HOME] ? fields[HOME] : "/");
		add_variable(login, 1, "USER", name);
		add_variable(login, 2, "LOGNAME", name);
		add_variable(login, 3, "SHELL", login->shell);
		if (!groups)
			add_own_groups(login, root, name, fields[GROUP]);
	} else {
		log_fail(error, LOG_PARTS(error ? "find user " : "cannot find user ", name,
					" in the container's /etc/passwd"));
	}
	if (groups)
		add_groups(login, root, groups);
}

/* The shell of a user by number. */
static void find_shell(struct login *login, int root, const char *uid)
{
	char *fields[FIELDS];

	if (find_line(read_passwd(root), ID, uid, fields))
		take_shell(login, fields[SHELL]);
}

void login_find(const struct context *context, const char *user, struct login *login)
{
	const int connection = verb_connect(context);
	char uid[NUMBER_SIZE];
	const char *own;
	int opened;

	memset(login, 0, sizeof *login);
	text_copy(login->shell, "/bin/sh");
	/* The uid that a session has without a user of its own; an older init does not tell. */
	own = user ? user : initctl_field(container_status(connection), "user");
	if (!own)
		own = "";
	out_format(uid, sizeof uid, "%.*s", (int)strcspn(own, ":"), own);
	opened = verb_request_open(connection, "what", "root", &reply);
	close(connection);
	if (!opened && user && !login_is_numeric(user))
		find_named(login, reply.fds[0], user);
	else if (!opened)
		find_shell(login, reply.fds[0], uid);
	else if (user && !login_is_numeric(user))
		fail_note("cannot find user ", user, ": init does not pass the container's root");
	initctl_discard(&reply);
}
