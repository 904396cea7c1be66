/*
 * follow: see follow.h. Files are polled: what inotify(7) reports does not come from every file
 * system, nor of a name that leads through links.
 */
#include "follow.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/sys.h"
#include "display.h"
#include "inside.h"
#include "out.h"
#include "watchdog.h"

enum {
	INTERVAL = 250, /* milliseconds between two looks at the files */
	TURN = 64       /* blocks of one file that are printed before another one is looked at */
};

void follow_header(const struct followed *file, unsigned count)
{
	static const struct followed *last;

	if (count == 1 || file == last)
		return;
	out_text(last ? "\n==> " : "==> ");
	display_text(file->content.path, strlen(file->content.path), 0);
	out_line(" <==");
	if (!out_flush())
		fail_cannot("write output", NULL);
	last = file;
}

/* Prints what was added to an open file. Returns whether there may be more. */
static bool print_growth(struct followed *file, unsigned count)
{
	struct content *content = &file->content;
	struct file_status status;
	const char *data;
	ssize_t length;
	int result = 0;

	watchdog_begin("read ", content->path);
	if (!file_status_of(content->fd, &status)) {
		file->has_size |= status.size > 0;
		if (file->has_size && status.size < content->at) {
			log_note(LOG_WARN, content->path, ": file truncated");
			content->at = 0;
			lseek(content->fd, 0, SEEK_SET);
		}
	}
	watchdog_end();
	length = content_read(content, &data);
	if (length > 0) {
		follow_header(file, count);
		content_print(content, data, (size_t)length);
		result = content_copy(content, TURN);
	}
	return result > 0;
}

/* Reports once that the name leads to no file that can be read. */
static void report_missing(struct followed *file, const char *reason)
{
	if (!file->is_missing)
		warn(file->content.path, ": no file of this name any more: ", reason);
	file->is_missing = true;
}

/* What the name leads to now. Returns 0, or -1 with errno. */
static int look_up(const struct followed *file, int root, struct file_status *status)
{
	int fd, result = -1;

	watchdog_begin("open ", file->content.path);
	fd = inside_open(root, file->content.path, O_PATH, 0);
	if (fd >= 0) {
		result = file_status_of(fd, status);
		sys_close(fd);
	}
	watchdog_end();
	return result;
}

/* Follows the file that has the name now, if that is another one than before, and not empty. */
static void follow_name(struct followed *file, unsigned count, int root)
{
	struct content *content = &file->content, next = {.path = content->path};
	const bool was_open = content->fd >= 0;
	struct file_status status;
	const char *reason;

	if (look_up(file, root, &status)) {
		report_missing(file, error_text(errno));
		return;
	}
	if (was_open && file_is_same(&status, &content->status)) {
		file->is_missing = false;
		return;
	}
	/* As long as a new file is empty, its writers may still write to the old one. */
	if (was_open && S_ISREG(status.mode) && !status.size)
		return;
	if (content_open(&next, root, &reason)) {
		report_missing(file, reason);
		return;
	}
	while (was_open && print_growth(file, count))
		;
	content_close(content);
	*content = next;
	log_note(LOG_WARN, content->path,
		was_open ? ": following another file of this name" : ": following it now");
	file->is_missing = file->has_size = false;
}

_Noreturn static void end_unread(void)
{
	sys_kill(getpid(), SIGPIPE);
	errno = EPIPE;
	fail_cannot("write output", NULL);
}

void follow_files(struct followed *files, unsigned count, int root, int connection)
{
	struct pollfd polls[] = {{.fd = connection, .events = POLLRDHUP}, {.fd = 1}};
	bool more = false;

	do {
		sys_poll(polls, 2, more ? 0 : INTERVAL);
		if (polls[1].revents)
			end_unread();
		more = false;
		for (unsigned i = 0; i < count; i++) {
			if (files[i].given_up)
				continue;
			if (files[i].content.fd >= 0 && print_growth(&files[i], count))
				more = true;
			else
				follow_name(&files[i], count, root);
		}
	} while (!polls[0].revents || more);
}
