/*
 * cgroup: the verbs that act on the command's cgroup. init passes a descriptor of its directory,
 * and this process reads and writes the files in it: PID 1 opens no file, and no process has to
 * run inside, where all may be frozen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "beneath.h"
#include "cgroup.h"
#include "exit.h"
#include "scan.h"
#include "verbs.h"

enum {
	DONE_TIMEOUT = 10000, /* milliseconds that a freeze, a thaw or a kill may take */
	KEY_SIZE = 256        /* bytes of a file's name, with its NUL */
};

static bool has_directory(int directory, const char *name)
{
	int fd = beneath_open(directory, name, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int cgroup_of_command(int container)
{
	if (has_directory(container, "init") && has_directory(container, "app") &&
		has_directory(container, "ops"))
		return beneath_open(container, "app", O_RDONLY | O_DIRECTORY);
	return container;
}

bool cgroup_is_one(int fd)
{
	return file_system_of(fd) == FILE_SYSTEM_CGROUP2;
}

int cgroup_open(const struct context *context, const char *action, bool only_own, int *container)
{
	int fd = verb_open(context, "what", "cgroup"), command;

	if (!cgroup_is_one(fd))
		fail_note("cannot ", action, " cgroup: init did not pass one");
	*container = fd;
	command = cgroup_of_command(fd);
	if (command < 0)
		fail_cannot("open cgroup app", NULL);
	if (command == fd && only_own)
		fail_note("cannot ", action, " cgroup: init was not started with --cgroup");
	return command;
}

static int write_file(int cgroup, const char *name, const char *text)
{
	int fd = beneath_open(cgroup, name, O_WRONLY);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = write(fd, text, strlen(text));
	close(fd);
	return length < 0 ? -1 : 0;
}

/*
 * Waits until cgroup.events has a line. The kernel reports a change of the file as POLLPRI. Returns
 * false if the cgroup was removed, as it is with the container. Ends the program after 10 seconds.
 */
static bool wait_for_event(int cgroup, const char *action, const char *line)
{
	struct pollfd events = {.fd = beneath_open(cgroup, "cgroup.events", O_RDONLY)};
	const long long end = sys_now() + DONE_TIMEOUT;
	char text[CGROUP_TEXT];
	long long left;
	ssize_t length;

	events.events = POLLPRI;
	if (events.fd < 0 && errno != ENOENT)
		fail_cannot("open cgroup.events", NULL);
	while ((length = pread(events.fd, text, sizeof text - 1, 0)) >= 0) {
		text[length] = 0;
		if (scan_find(text, line))
			return true;
		left = end - sys_now();
		if (left <= 0)
			fail_note("cannot ", action,
				" cgroup: not complete after 10 s; the kernel continues to try");
		poll(&events, 1, (int)left);
	}
	return false;
}

/* Writes a value to a file of the cgroup, and waits for the line that reports its effect. */
static int change_state(const struct context *context, char **arguments, const char *action,
	const char *file, const char *value, const char *line)
{
	int cgroup, container;

	arguments_end(arguments);
	cgroup = cgroup_open(context, action, true, &container);
	if (write_file(cgroup, file, value))
		fail_cannot("write ", file);
	if (!wait_for_event(cgroup, action, line))
		die(EXIT_CONTAINER_ENDED, "cannot ", action, " cgroup: the container ended");
	return 0;
}

int verb_freeze(const struct context *context, char **arguments)
{
	return change_state(context, arguments, "freeze", "cgroup.freeze", "1", "frozen 1\n");
}

int verb_thaw(const struct context *context, char **arguments)
{
	return change_state(context, arguments, "thaw", "cgroup.freeze", "0", "frozen 0\n");
}

int verb_kill(const struct context *context, char **arguments)
{
	int cgroup, container;

	arguments_end(arguments);
	cgroup = cgroup_open(context, "kill", true, &container);
	if (write_file(cgroup, "cgroup.kill", "1"))
		fail_cannot("write cgroup.kill", NULL);
	wait_for_event(cgroup, "kill", "populated 0\n");
	return 0;
}

/* Explains why a limit could not be written. A file is missing if its controller is not enabled. */
_Noreturn static void fail_to_limit(int cgroup, const char *limit, const char *name)
{
	const size_t length = strcspn(name, ".");
	const int error = errno;
	char text[CGROUP_TEXT], controller[KEY_SIZE], *rest = text, *word;

	memcpy(controller, name, length);
	controller[length] = 0;
	beneath_read(cgroup, "cgroup.controllers", text, sizeof text);
	while ((word = strsep(&rest, " \n")) && strcmp(word, controller) != 0)
		;
	if (error == ENOENT && !word)
		fail("cannot limit ", limit, ": no controller ", controller, " in the cgroup");
	errno = error;
	fail_cannot("limit ", limit);
}

bool cgroup_is_weight(const char *name)
{
	return !strncmp(name + strcspn(name, "."), ".weight", 7);
}

int verb_limit(const struct context *context, char **arguments)
{
	char name[KEY_SIZE];
	int cgroup, container;

	argument_take(&(char **){arguments}, "limit");
	for (char **word = arguments; *word; word++) {
		size_t length = strcspn(*word, "=");
		/* The files "cgroup.*" change the state of the cgroup, and are no limits. */
		if (length >= sizeof name || !(*word)[length] || !memchr(*word, '.', length) ||
			memchr(*word, '/', length) || !strncmp(*word, "cgroup.", 7))
			fail_usage("not a limit:", *word);
	}
	cgroup = cgroup_open(context, "limit", true, &container);
	for (; *arguments; arguments++) {
		size_t length = strcspn(*arguments, "=");
		memcpy(name, *arguments, length);
		name[length] = 0;
		int where = cgroup_is_weight(name) ? container : cgroup;
		if (write_file(where, name, *arguments + length + 1))
			fail_to_limit(where, *arguments, name);
	}
	return 0;
}
