/*
 * cgroup: the verbs that act on the command's cgroup, by the directory that init hands out.
 * Its files are read and written from here: nothing of this needs PID 1 to do a thing,
 * nor a process inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "output.h"
#include "verbs.h"

/* <linux/magic.h> */
enum { CGROUP2 = 0x63677270 };

enum {
	/* Milliseconds that a freeze, a thaw or a kill may take. */
	DONE_WAIT = 10000,
	TEXT = 16384,
	KEY = 256,
};

static struct initctl_message table;

/*
 * Nothing but a file of the cgroup itself, whatever was mounted on it inside. Linux 5.6,
 * which is older than cgroup.kill.
 */
static int open_file(int directory, const char *name, int flags)
{
	return sys_open_resolved(
		directory, name, flags, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
}

static bool has(int directory, const char *name)
{
	int fd = open_file(directory, name, O_PATH | O_DIRECTORY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/*
 * That of the command; where init has none of its own, the one that init is in, or an
 * end. whole is the one that stands beside other containers'.
 */
static int open_cgroup(const struct context *context, const char *verb, bool its_own, int *whole)
{
	int fd = verb_open(context, "what", "cgroup");
	struct statfs fs;

	if (fstatfs(fd, &fs) || (long)fs.f_type != CGROUP2)
		fail("cannot ", verb, ": init did not pass a cgroup");
	*whole = fd;
	if (has(fd, "init") && has(fd, "app") && has(fd, "ops"))
		return open_file(fd, "app", O_RDONLY | O_DIRECTORY);
	if (its_own)
		fail("cannot ", verb, ": init was not started with --cgroup");
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

/* Returns the length, or -1; what is longer is cut off. */
static ssize_t read_file(int cgroup, const char *name, char text[static TEXT])
{
	int fd = open_file(cgroup, name, O_RDONLY);
	ssize_t length = fd < 0 ? -1 : read(fd, text, TEXT - 1);

	if (fd >= 0)
		close(fd);
	text[length < 0 ? 0 : length] = 0;
	return length;
}

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

/*
 * Until a line is in cgroup.events, which the kernel tells of by POLLPRI. Returns false
 * where the cgroup has gone, as it does with the container.
 */
static bool await(int cgroup, const char *verb, const char *line)
{
	struct pollfd events = {.fd = open_file(cgroup, "cgroup.events", O_RDONLY)};
	const long long end = now() + DONE_WAIT;
	char text[TEXT];
	long long left;
	ssize_t length;

	events.events = POLLPRI;
	while ((length = pread(events.fd, text, sizeof text - 1, 0)) >= 0) {
		text[length] = 0;
		if (strstr(text, line))
			return true;
		left = end - now();
		if (left <= 0)
			fail("cannot ", verb, " within 10 s; the kernel continues");
		poll(&events, 1, (int)left);
	}
	return false;
}

static int switch_on(const struct context *context, char **arguments, const char *verb,
	const char *file, const char *value, const char *line)
{
	int cgroup, whole;

	arguments_end(arguments);
	cgroup = open_cgroup(context, verb, true, &whole);
	if (write_file(cgroup, file, value))
		fail_errno("write ", file);
	if (!await(cgroup, verb, line))
		die(EXIT_CONTAINER_ENDED, "cannot ", verb, ": the container ended");
	return 0;
}

int verb_freeze(const struct context *context, char **arguments)
{
	return switch_on(context, arguments, "freeze", "cgroup.freeze", "1", "frozen 1\n");
}

int verb_thaw(const struct context *context, char **arguments)
{
	return switch_on(context, arguments, "thaw", "cgroup.freeze", "0", "frozen 0\n");
}

int verb_kill(const struct context *context, char **arguments)
{
	int cgroup, whole;

	arguments_end(arguments);
	cgroup = open_cgroup(context, "kill", true, &whole);
	if (write_file(cgroup, "cgroup.kill", "1"))
		fail_errno("write cgroup.kill");
	await(cgroup, "kill", "populated 0\n");
	return 0;
}

/* What no controller has is missing with it. */
_Noreturn static void not_limited(int cgroup, const char *limit, const char *name)
{
	const size_t length = strcspn(name, ".");
	const int error = errno;
	char text[TEXT], controller[KEY], *rest, *word;

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

/* A weight is one among neighbours: it is that of the whole, as of init's --limit. */
static bool is_weight(const char *name)
{
	return !strncmp(name + strcspn(name, "."), ".weight", 7);
}

int verb_limit(const struct context *context, char **arguments)
{
	char name[KEY];
	int cgroup, whole;

	argument_take(&(char **){arguments}, "limit");
	for (char **word = arguments; *word; word++) {
		size_t length = strcspn(*word, "=");
		/* What freezes or kills is no limit. */
		if (length >= sizeof name || !(*word)[length] || !memchr(*word, '.', length) ||
			memchr(*word, '/', length) || !strncmp(*word, "cgroup.", 7))
			fail_usage("not a limit:", *word);
	}
	cgroup = open_cgroup(context, "limit", true, &whole);
	for (; *arguments; arguments++) {
		size_t length = strcspn(*arguments, "=");
		memcpy(name, *arguments, length);
		name[length] = 0;
		int where = is_weight(name) ? whole : cgroup;
		if (write_file(where, name, *arguments + length + 1))
			not_limited(where, *arguments, name);
	}
	return 0;
}

static void add(struct initctl_request *out, const char *file, const char *line, const char *key,
	const char *value)
{
	char whole[KEY];

	snprintf(whole, sizeof whole, "%s%s%s%s%s", file, line ? "." : "", line ? line : "",
		key ? "." : "", key ? key : "");
	initctl_add(out, whole, value);
}

/* "usage_usec 12", or "some avg10=0.00 total=0", or "8:0 rbytes=4096 wbytes=0". */
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

static void add_file(struct initctl_request *out, int cgroup, const char *file, bool lines)
{
	char text[TEXT], *rest, *line;

	read_file(cgroup, file, text);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (lines)
			add_line(out, file, line);
		else
			add(out, file, NULL, NULL, line);
}

int verb_stats(const struct context *context, char **arguments)
{
	/* What there is of it; the second of them hold more than one value. */
	static const char files[][20] = {"memory.current", "memory.peak", "memory.high",
		"memory.max", "memory.swap.current", "memory.swap.max", "pids.current", "pids.peak",
		"pids.max", "cpu.weight", "cpu.max"};
	static const char tables[][20] = {"cgroup.events", "memory.events", "pids.events",
		"cpu.stat", "io.stat", "cpu.pressure", "memory.pressure", "io.pressure"};
	struct initctl_request out;
	int cgroup, whole;

	arguments_end(arguments);
	cgroup = open_cgroup(context, "stats", false, &whole);
	initctl_begin(&out, table.data, sizeof table.data, "stats");
	for (unsigned i = 0; i < sizeof files / sizeof *files; i++)
		add_file(&out, is_weight(files[i]) ? whole : cgroup, files[i], false);
	for (unsigned i = 0; i < sizeof tables / sizeof *tables; i++)
		add_file(&out, cgroup, tables[i], true);
	if (out.full)
		fail("cannot print stats: they are larger than a message");
	table.length = out.length;
	if (context->json)
		output_json(&table);
	else
		output_table(&table);
	return verb_printed();
}
