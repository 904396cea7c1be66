/*
 * files: the verbs that print files of the container, for images without tools. Nothing runs
 * inside: init passes a descriptor of the root directory, and this process reads.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/number.h"
#include "exit.h"
#include "follow.h"
#include "inside.h"
#include "memory.h"
#include "verbs.h"

static void warn_unread(const char *path, const char *reason)
{
	warn("cannot read ", path, ": ", reason);
}

static const struct option no_options[] = {{0, 0, NULL, NULL, NULL, NULL}};

int verb_cat(const struct context *context, char **arguments)
{
	struct content content;
	const char *reason;
	int root, code = 0;

	options_take_all(no_options, NULL, arguments);
	argument_take(&(char **){arguments}, "path");
	root = inside_root(context);
	for (; *arguments; arguments++) {
		content.path = *arguments;
		if (content_open(&content, root, &reason) ||
			(content_copy(&content, 0) && (reason = error_text(errno)))) {
			warn_unread(content.path, reason);
			code = EXIT_INITCTL;
		}
		if (content.fd >= 0)
			content_flush(&content);
		content_close(&content);
	}
	return code;
}

struct tail {
	bool follow, retry;
	const char *lines;         /* of the command line; NULL: 10 */
	bool from_start;           /* number is the first line, not how many there are */
	unsigned long long number; /* of lines */
};

const struct option tail_options[] = {
	{'n', offsetof(struct tail, lines), "lines", "N",
		"print the last N lines (10); +N: from line N", option_text},
	{'f', offsetof(struct tail, follow), "follow", NULL, "print also what is written later",
		option_true},
	{'F', offsetof(struct tail, retry), NULL, NULL,
		"as -f, and wait for files that are missing", option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

static void parse_lines(struct tail *tail)
{
	const char *digits = tail->lines ? tail->lines : "10";

	tail->from_start = *digits == '+';
	if (number_parse(digits + (*digits == '+' || *digits == '-'), ~0ULL, &tail->number))
		fail_usage("not a number of lines:", tail->lines);
}

/* Prints the end of a file, which stays open. Returns 0, or -1 after a message. */
static int print_end(const struct tail *tail, struct followed *file, unsigned count, int root)
{
	struct content *content = &file->content;
	const char *reason;

	if (content_open(content, root, &reason)) {
		warn_unread(content->path, reason);
		file->is_missing = true;
		file->given_up = !tail->retry || errno == EINVAL;
		return -1;
	}
	follow_header(file, count);
	if (!(tail->from_start ? content_seek_line : content_seek_last)(content, tail->number) &&
		!content_copy(content, 0))
		return 0;
	warn_unread(content->path, error_text(errno));
	file->given_up = true;
	return -1;
}

int verb_tail(const struct context *context, char **arguments)
{
	struct tail tail = {0};
	struct memory memory = {0};
	struct followed *files;
	unsigned count = 0, open = 0;
	int root, code = 0;

	/* The old form of -n 5 is the first word. */
	if (*arguments && **arguments == '-' && (*arguments)[1] >= '0' && (*arguments)[1] <= '9')
		tail.lines = *arguments++;
	options_take_all(tail_options, &tail, arguments);
	parse_lines(&tail);
	argument_take(&(char **){arguments}, "path");
	while (arguments[count])
		count++;
	memory_reserve(&memory, count * sizeof *files);
	files = memory.data;
	root = inside_root(context);
	for (unsigned i = 0; i < count; i++) {
		files[i].content.path = arguments[i];
		if (print_end(&tail, &files[i], count, root))
			code = EXIT_INITCTL;
		open += !files[i].given_up;
		if (!tail.follow && !tail.retry) {
			content_flush(&files[i].content);
			content_close(&files[i].content);
		}
	}
	if (open && (tail.follow || tail.retry))
		follow_files(files, count, root, verb_connect(context));
	return code;
}
