/*
 * copy: the verb "cp". init passes a descriptor of the container's root, and this process copies:
 * nothing runs inside, and no path leads out of that root or of the operator's directory.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "copyfile.h"
#include "copytarget.h"
#include "copytree.h"
#include "exit.h"
#include "handler.h"
#include "ids.h"
#include "inside.h"
#include "progress.h"
#include "tar.h"
#include "terminal.h"
#include "verbs.h"
#include "watchdog.h"

enum { NO_SETUID_FIXUP = 4 /* SECBIT_... of <linux/securebits.h> */ };

static struct chosen {
	bool owners, follow, quiet;
} chosen;

const struct option cp_options[] = {
	{'a', offsetof(struct chosen, owners), "archive", NULL, "keep owners", option_true},
	{'L', offsetof(struct chosen, follow), "follow-link", NULL,
		"follow a symbolic link that is given as SRC", option_true},
	{'q', offsetof(struct chosen, quiet), "quiet", NULL, "show no progress", option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

static bool failed, is_counting, is_inwards;
static long long total;

/* The end of a path that is too long for a message with a reason behind. */
const char *copy_shown(const char *path)
{
	const size_t length = strlen(path), most = 300;

	return length > most ? path + length - most : path;
}

void copy_failed(const char *path, int error, const char *text)
{
	if (is_counting)
		return;
	watchdog_end();
	progress_erase();
	failed = true;
	errno = error;
	path = copy_shown(path);
	if (error == ENOSPC || error == EDQUOT || error == EROFS || error == EPIPE)
		fail_cannot("copy ", path);
	if (error)
		warn_cannot("copy ", path);
	else
		warn("cannot copy ", path, ": ", text);
}

void copy_alive(const char *path, long long bytes)
{
	static const char *last;

	last = path ? path : last;
	watchdog_begin("copy ", last);
	progress_add(bytes);
}

/* Leaves nothing unfinished behind, neither a file nor a line. */
static void clean(int code, int error)
{
	(void)code;
	(void)error;
	copyfile_discard();
	progress_erase();
}

_Noreturn static void end_by_signal(int number)
{
	clean(0, 0);
	/* Of a process that died of it, the number is the status as well. */
	exit_like(number);
}

/* From here on this process creates files as those of root inside are. */
static void become_root(void)
{
	const unsigned uid = ids_outside(IDS_USER, 0, 0), gid = ids_outside(IDS_GROUP, 0, 0);

	/* Without this the kernel takes away what root may do to files. */
	if ((!uid && !gid) || sys_prctl(PR_SET_SECUREBITS, NO_SETUID_FIXUP))
		return;
	setfsgid(gid);
	setfsuid(uid);
}

static void prepare(void)
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
	struct sys_limit limit;

	log_at_exit(clean);
	handler_set(SIGPIPE, SIG_IGN);
	handler_set(SIGXFSZ, SIG_IGN);
	for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
		if (!handler_is_ignored(ends[i]))
			handler_set(ends[i], end_by_signal);
	if (!sys_limit(RLIMIT_NOFILE, NULL, &limit)) {
		limit.now = limit.most;
		sys_limit(RLIMIT_NOFILE, &limit, NULL);
	}
	copyfile_setup(chosen.owners, is_inwards);
	copytarget_setup(chosen.owners);
	if (is_inwards)
		become_root();
}

/* ---- the sink that counts bytes */

static int count_directory(const struct stat *status)
{
	(void)status;
	return 0;
}

static int count_entry(const char *name, const struct stat *status)
{
	(void)name;
	(void)status;
	return 0;
}

static int count_file(const char *name, int fd, const struct stat *status)
{
	(void)name;
	(void)fd;
	total += status->st_size;
	return 0;
}

static int count_link(const char *name, const char *target, const struct stat *status)
{
	(void)target;
	return count_entry(name, status);
}

static const struct copy_sink counting = {count_entry, count_directory, count_file, count_link};

/* ---- the words of the command line */

static bool is_inside(const char *word)
{
	return *word == ':';
}

static const char *path_of(const char *word)
{
	if (!is_inside(word))
		return word;
	return word[1] ? word + 1 : "/";
}

/* The name of a copy of path in a directory: "." where its contents are meant. */
static const char *name_of(const char *path, char name[static NAME_MAX + 1])
{
	size_t end = strlen(path), start;

	while (end && path[end - 1] == '/')
		end--;
	for (start = end; start && path[start - 1] != '/'; start--)
		;
	if (end - start > NAME_MAX)
		end = start + NAME_MAX;
	memcpy(name, path + start, end - start);
	name[end - start] = 0;
	return !*name || !strcmp(name, "..") ? "." : name;
}

/* The number of words, of which the last is the destination, or ends the program. */
static size_t check(char **words)
{
	size_t count = 0;

	while (words[count])
		count++;
	if (count < 2)
		fail_note("no ", count ? "destination" : "source", " given, see 'initctl --help'");
	for (size_t i = 0; i + 1 < count; i++)
		if (is_inside(words[i]) == is_inside(words[count - 1]))
			fail_usage(is_inside(words[i])
					   ? "source and destination are both inside:"
					   : "neither source nor destination is inside, as :PATH:",
				words[i]);
	return count;
}

/* Walks the sources, which get name in the destination, or NULL for their own names. */
static void walk(const struct copy_side *side, char **words, size_t count, const char *name,
	const struct copy_sink *sink)
{
	char own[NAME_MAX + 1];

	for (size_t i = 0; i < count; i++) {
		const char *path = path_of(words[i]);
		copytree_walk(side, path, name ? name : name_of(path, own), chosen.follow, sink);
	}
}

/* The destination, or the only source, is a tar stream instead. */
static bool is_stream(const char *word)
{
	return !strcmp(word, "-");
}

static int from_stream(const struct copy_side *side, const char *word)
{
	struct stat status;

	if (copytarget_open(side, word, path_of(word)))
		fail_note("cannot copy to ", word, ": not a directory");
	if (terminal_is_open(STDIN_FILENO))
		fail_note("cannot read archive: stdin is a terminal", NULL, NULL);
	if (!chosen.quiet && progress_wanted())
		progress_begin(!file_stat_of(STDIN_FILENO, &status) && S_ISREG(status.st_mode)
				       ? status.st_size
				       : 0);
	tar_read(copytarget_top(), chosen.owners);
	progress_erase();
	return failed ? EXIT_INITCTL : 0;
}

int verb_copy(const struct context *context, char **arguments)
{
	struct copy_side from = {-1}, other = {-1};
	const struct copy_sink *sink = &copytarget_sink;
	const char *name = NULL, *target;
	size_t sources;

	options_take(cp_options, &chosen, &arguments);
	sources = check(arguments) - 1;
	target = arguments[sources];
	is_inwards = is_inside(target);
	(is_inwards ? &other : &from)->root = inside_root(context);
	ids_read(context);
	prepare();
	if (is_inwards && sources == 1 && is_stream(*arguments))
		return from_stream(&other, target);
	if (is_stream(target)) {
		if (terminal_is_open(STDOUT_FILENO))
			fail_note("cannot write archive: stdout is a terminal", NULL, NULL);
		sink = &tar_sink;
	} else {
		name = copytarget_open(&other, target, path_of(target));
		if (name && sources > 1)
			fail_note("cannot copy to ", target, ": not a directory");
	}
	if (!chosen.quiet && progress_wanted()) {
		is_counting = true;
		walk(&from, arguments, sources, name, &counting);
		is_counting = false;
		progress_begin(total);
	}
	walk(&from, arguments, sources, name, sink);
	if (sink == &tar_sink)
		tar_write_end();
	progress_erase();
	return failed ? EXIT_INITCTL : 0;
}
