#include "log.h"

#include "sys.h"
#include <errno.h>
#include <fcntl.h>
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
	int own;           /* see log_by_reference(), or -1 */
} self = {.program = "init",
	.level = LOG_WARN,
	.failure_code = 125,
	.show = show_plain,
	.cause = "",
	.own = -1};

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
static int put(int fd, const char *text, size_t length)
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

int log_put(int fd, const char *text, size_t length)
{
	int result;

	if (fd != 2 || self.own < 0)
		return put(fd, text, length);
	/* Without a reader this fails: see fifo(7). */
	fd = sys_open(self.own, "2", O_WRONLY | O_NONBLOCK);
	if (fd < 0)
		return -1;
	result = put(fd, text, length);
	sys_close(fd);
	return result;
}

int log_by_reference(int own)
{
	const int fd = sys_open(own, "2", O_WRONLY | O_NONBLOCK);

	if (fd < 0)
		return -1;
	sys_close(fd);
	self.own = own;
	return 0;
}

/* The name that a line begins with. */
static size_t begin(char line[static LINE_SIZE])
{
	return append(line, append(line, 0, self.program), ": ");
}

static void put_line(char line[static LINE_SIZE], size_t length)
{
	line[length++] = '\n';
	log_put(2, line, length);
}

void log_facts(bool whole, const char *text, const char *const *facts)
{
	const int saved = errno;
	char line[LINE_SIZE], one[2] = "";
	size_t length;

	length = whole ? 0 : begin(line);
	for (; *text; text++) {
		*one = *text;
		length = append(line, length, *text == '%' ? facts[*++text - '0'] : one);
	}
	put_line(line, length);
	errno = saved;
}

void log_parts(int level, int error, const char *const *parts)
{
	const int saved = errno;
	char line[LINE_SIZE];
	size_t length;

	if (!log_enabled(level))
		return;
	length = begin(line);
	if (error)
		length = append(line, length, "cannot ");
	while (*parts)
		length = append(line, length, *parts++);
	if (error) {
		length = append(line, length, ": ");
		length = append(line, length, error_text(error));
		length = append(line, length, self.cause);
	}
	put_line(line, length);
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
	if (parts)
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
