#include "log.h"

#include "sys.h"
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "error.h"

/* <linux/fs.h>; no libc header has it everywhere. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

/* A control character, of C1 too, is one '?'. */
static size_t show_plain(const char *text, char shown[static LOG_CHARACTER])
{
	const unsigned char first = (unsigned char)text[0], second = (unsigned char)text[1];
	/* In UTF-8, C1 characters have two bytes. */
	const bool is_c1 = first == 0xc2 && second >= 0x80 && second < 0xa0;

	shown[0] = (char)(first < ' ' || first == 0x7f || is_c1 ? '?' : first);
	shown[1] = 0;
	return is_c1 ? 2 : 1;
}

static struct {
	const char *program;
	int level, failure_code;
	log_show *show;
	void (*at_exit)(int code, int error);
	const char *cause; /* behind the text of an errno */
} self = {
	.program = "init", .level = LOG_WARN, .failure_code = 125, .show = show_plain, .cause = ""};

void log_setup(const char *program, int level, int failure_code)
{
	self.program = program;
	self.level = level;
	self.failure_code = failure_code;
}

void log_set_level(int level)
{
	self.level = level;
}

void log_show_by(log_show *show)
{
	self.show = show;
}

void log_at_exit(void (*function)(int code, int error))
{
	self.at_exit = function;
}

int log_enabled(int level)
{
	return level <= self.level;
}

/* Enough for the last character to be cut only then. */
enum { LINE_SIZE = LOG_SIZE + LOG_CHARACTER };

/* The length of the line with that part, of which one byte stays free for the newline. */
static size_t append(char line[static LINE_SIZE], size_t length, const char *part)
{
	char shown[LOG_CHARACTER];

	while (*part && length < LOG_SIZE - 1) {
		part += self.show(part, shown);
		for (const char *p = shown; *p;)
			line[length++] = *p++;
	}
	return length < LOG_SIZE - 1 ? length : LOG_SIZE - 1;
}

/*
 * PID 1 must not wait for the reader of its stderr, and O_NONBLOCK would change
 * the open file description that the command shares. RWF_NOWAIT asks for this one write
 * (pipes and terminals: Linux 6.4); before that, poll(2) and then write(2) leaves
 * only the moment between the two. A regular file may answer EAGAIN where it
 * would merely allocate, and cannot block on a reader: it is written as usual.
 */
int log_put(int fd, const char *text, size_t length)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	struct iovec part = {.iov_base = (void *)text, .iov_len = length};

	errno = EAGAIN;
	sys_poll(&ready, 1, 0);
	if (!(ready.revents & POLLOUT))
		return -1;
	if (syscall(SYS_pwritev2, fd, &part, 1L, -1L, -1L, (long)RWF_NOWAIT) >= 0)
		return 0;
	if ((errno == EAGAIN && lseek(fd, 0, SEEK_CUR) < 0) || errno == EPIPE)
		return -1;
	return sys_write(fd, text, length) < 0 ? -1 : 0;
}

void log_parts(int level, int error, const char *const *parts)
{
	const int saved = errno;
	char line[LINE_SIZE];
	size_t length;

	if (!log_enabled(level))
		return;
	length = append(line, 0, self.program);
	length = append(line, length, error ? ": cannot " : ": ");
	while (*parts)
		length = append(line, length, *parts++);
	if (error) {
		length = append(line, length, ": ");
		length = append(line, length, error_text(error));
		length = append(line, length, self.cause);
	}
	line[length++] = '\n';
	log_put(2, line, length);
	errno = saved;
}

_Noreturn void log_exit(int code, int error, const char *const *parts)
{
	const char *cause = self.cause;

	/* It is not that of a failure to clean up. */
	self.cause = "";
	if (self.at_exit)
		self.at_exit(code, error);
	self.cause = cause;
	log_parts(LOG_ERROR, error, parts);
	_exit(code);
}

_Noreturn void log_fail(int error, const char *const *parts)
{
	log_exit(self.failure_code, error, parts);
}

void warn_cannot(const char *action, const char *object)
{
	log_parts(LOG_WARN, errno, LOG_PARTS(action, object));
}

_Noreturn void fail_cannot(const char *action, const char *object)
{
	fail_errno(action, object);
}

_Noreturn void fail_cannot_since(const char *action, const char *object, const char *cause)
{
	self.cause = cause;
	fail_cannot(action, object);
}

_Noreturn void fail_note(const char *text, const char *object, const char *rest)
{
	fail(text, object, rest);
}

void log_note(int level, const char *text, const char *object)
{
	log_parts(level, 0, LOG_PARTS(text, object));
}
