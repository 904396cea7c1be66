/*
 * cgroup: the verbs that act on the command's cgroup. init passes a descriptor of its directory,
 * and this process reads and writes the files in it: PID 1 opens no file, and no process has to
 * run inside, where all may be frozen.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "output.h"
#include "verbs.h"

enum {
	DONE_TIMEOUT = 10000, /* milliseconds that a freeze, a thaw or a kill may take */
	TEXT_SIZE = 16384,    /* bytes that are read of a file, with a NUL */
	KEY_SIZE = 256        /* bytes of a field's name, with its NUL */
};

static struct initctl_message stats;

/*
 * Opens a file of the cgroup itself, never one that was mounted on it inside. openat2(2) is
 * older (Linux 5.6) than cgroup.kill (5.14), so there is no fallback without it.
 */
static int open_file(int directory, const char *name, int flags)
{
	return sys_open_resolved(
		directory, name, flags, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
}

static bool has_directory(int directory, const char *name)
{
	int fd = open_file(directory, name, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * Returns a descriptor of the command's cgroup, and in *container one of the container's, which is
 * a sibling of other containers'. If init made no cgroups, as it does with --cgroup, both are the
 * cgroup that init is in, unless only_own is true: then it ends the program. action is the verb
 * of messages.
 */
static int open_cgroup(
	const struct context *context, const char *action, bool only_own, int *container)
{
	int fd = verb_open(context, "what", "cgroup");
	struct statfs fs;

	if (fstatfs(fd, &fs) || (long)fs.f_type != FILE_SYSTEM_CGROUP2)
		fail("cannot ", action, " cgroup: init did not pass one");
	*container = fd;
	if (has_directory(fd, "init") && has_directory(fd, "app") && has_directory(fd, "ops")) {
		fd = open_file(fd, "app", O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			fail_errno("open cgroup app");
	} else if (only_own) {
		fail("cannot ", action, " cgroup: init was not started with --cgroup");
	}
	return fd;
}

static int write_file(int cgroup, const char *name, const char *text)
{
	int fd = open_file(cgroup, name, O_WRONLY);
	ssize_t length;

	if (fd < 0)
		return -1;
	length = write(fd, text, strlen(text));
	close(fd);
	return length < 0 ? -1 : 0;
}

/*
 * Reads a file as a string, which is truncated to TEXT_SIZE. Returns its length,
 * or -1 with the empty string.
 */
static ssize_t read_file(int cgroup, const char *name, char text[static TEXT_SIZE])
{
	int fd = open_file(cgroup, name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, TEXT_SIZE - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length;
}

/*
 * Waits until cgroup.events has a line. The kernel reports a change of the file as POLLPRI. Returns
 * false if the cgroup was removed, as it is with the container. Ends the program after 10 seconds.
 */
static bool wait_for_event(int cgroup, const char *action, const char *line)
{
	struct pollfd events = {.fd = open_file(cgroup, "cgroup.events", O_RDONLY)};
	const long long end = sys_now() + DONE_TIMEOUT;
	char text[TEXT_SIZE];
	long long left;
	ssize_t length;

	events.events = POLLPRI;
	if (events.fd < 0 && errno != ENOENT)
		fail_errno("open cgroup.events");
	while ((length = pread(events.fd, text, sizeof text - 1, 0)) >= 0) {
		text[length] = 0;
		if (strstr(text, line))
			return true;
		left = end - sys_now();
		if (left <= 0)
			fail("cannot ", action,
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
	cgroup = open_cgroup(context, action, true, &container);
	if (write_file(cgroup, file, value))
		fail_errno("write ", file);
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
	cgroup = open_cgroup(context, "kill", true, &container);
	if (write_file(cgroup, "cgroup.kill", "1"))
		fail_errno("write cgroup.kill");
	wait_for_event(cgroup, "kill", "populated 0\n");
	return 0;
}

/* Explains why a limit could not be written. A file is missing if its controller is not enabled. */
_Noreturn static void fail_to_limit(int cgroup, const char *limit, const char *name)
{
	const size_t length = strcspn(name, ".");
	const int error = errno;
	char text[TEXT_SIZE], controller[KEY_SIZE], *rest, *word;

	memcpy(controller, name, length);
	controller[length] = 0;
	read_file(cgroup, "cgroup.controllers", text);
	word = strtok_r(text, " \n", &rest);
	while (word && strcmp(word, controller) != 0)
		word = strtok_r(NULL, " \n", &rest);
	if (error == ENOENT && !word)
		fail("cannot limit ", limit, ": no controller ", controller, " in the cgroup");
	errno = error;
	fail_errno("limit ", limit);
}

/*
 * Whether a file is a weight, which is relative to the siblings of a cgroup: that of the container
 * is meant, as with init's --limit, since the command's cgroup has init's as its siblings.
 */
static bool is_weight(const char *name)
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
	cgroup = open_cgroup(context, "limit", true, &container);
	for (; *arguments; arguments++) {
		size_t length = strcspn(*arguments, "=");
		memcpy(name, *arguments, length);
		name[length] = 0;
		int where = is_weight(name) ? container : cgroup;
		if (write_file(where, name, *arguments + length + 1))
			fail_to_limit(where, *arguments, name);
	}
	return 0;
}

/* Adds the field FILE[.LINE][.KEY]=VALUE. */
static void add(struct initctl_request *out, const char *file, const char *line, const char *key,
	const char *value)
{
	char name[KEY_SIZE];

	snprintf(name, sizeof name, "%s%s%s%s%s", file, line ? "." : "", line ? line : "",
		key ? "." : "", key ? key : "");
	initctl_add(out, name, value);
}

/* Adds a line as "usage_usec 12", "some avg10=0.00 total=0" or "8:0 rbytes=4096 wbytes=0". */
static void add_line(struct initctl_request *out, const char *file, char *line)
{
	char *rest, *name = strtok_r(line, " ", &rest), *word;

	while (name && (word = strtok_r(NULL, " ", &rest))) {
		char *value = strchr(word, '=');
		if (value)
			*value++ = 0;
		add(out, file, name, value ? word : NULL, value ? value : word);
	}
}

/* Adds the contents of a file, unless it is missing; is_table: its lines have keys. */
static void add_file(struct initctl_request *out, int cgroup, const char *file, bool is_table)
{
	char text[TEXT_SIZE], *rest, *line;

	read_file(cgroup, file, text);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (is_table)
			add_line(out, file, line);
		else
			add(out, file, NULL, NULL, line);
}

int verb_stats(const struct context *context, char **arguments)
{
	/* Which of these exist depends on the controllers and the kernel. */
	static const char files[][20] = {"memory.current", "memory.peak", "memory.high",
		"memory.max", "memory.swap.current", "memory.swap.max", "pids.current", "pids.peak",
		"pids.max", "cpu.weight", "cpu.max"};
	static const char tables[][20] = {"cgroup.events", "memory.events", "pids.events",
		"cpu.stat", "io.stat", "cpu.pressure", "memory.pressure", "io.pressure"};
	struct initctl_request out;
	int cgroup, container;

	arguments_end(arguments);
	cgroup = open_cgroup(context, "print stats of", false, &container);
	initctl_begin(&out, stats.data, sizeof stats.data, "stats");
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
		add_file(&out, is_weight(files[i]) ? container : cgroup, files[i], false);
	for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
		add_file(&out, cgroup, tables[i], true);
	if (out.full)
		fail("cannot print stats of cgroup: too many values for one message");
	stats.length = out.length;
	if (context->json)
		output_json(&stats);
	else
		output_table(&stats);
	return verb_printed();
}
