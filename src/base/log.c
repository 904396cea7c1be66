#include "log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* <linux/fs.h>; no libc header has it everywhere. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

static const char *name = "init";
static int limit = LOG_WARN, setup_code = 125;
static void (*before_death)(int code, int err);

struct line {
	char text[512];
	size_t length;
};

void log_setup(const char *prefix, int level, int setup)
{
	name = prefix;
	limit = level;
	setup_code = setup;
}

void log_before_death(void (*function)(int code, int err))
{
	before_death = function;
}

int log_enabled(int level)
{
	return level <= limit;
}

static void append(struct line *line, const char *part)
{
	/* One byte stays free for the newline. */
	while (*part && line->length < sizeof line->text - 1) {
		unsigned char c = (unsigned char)*part++;
		line->text[line->length++] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
}

/*
 * PID 1 must not wait for whoever reads its stderr, and O_NONBLOCK would change
 * the description that the command shares. RWF_NOWAIT asks for this one write
 * (pipes and terminals: Linux 6.4); before that, poll() and then write() leaves
 * only the moment between the two. A regular file may answer EAGAIN where it
 * would merely allocate, and cannot block on a reader: it is written as usual.
 */
int log_put(int fd, const char *text, size_t length)
{
	struct pollfd ready = {.fd = fd, .events = POLLOUT};
	struct iovec part = {.iov_base = (void *)text, .iov_len = length};

	errno = EAGAIN;
	if (poll(&ready, 1, 0) != 1 || !(ready.revents & POLLOUT))
		return -1;
	if (syscall(SYS_pwritev2, fd, &part, 1L, -1L, -1L, (long)RWF_NOWAIT) >= 0)
		return 0;
	if ((errno == EAGAIN && lseek(fd, 0, SEEK_CUR) < 0) || errno == EPIPE)
		return -1;
	return write(fd, text, length) < 0 ? -1 : 0;
}

static void log_line(int level, int err, va_list parts)
{
	struct line line = {.length = 0};
	const char *part;

	if (!log_enabled(level))
		return;
	append(&line, name);
	append(&line, err ? ": cannot " : ": ");
	while ((part = va_arg(parts, const char *)))
		append(&line, part);
	if (err) {
		append(&line, ": ");
		append(&line, strerror(err));
	}
	line.text[line.length++] = '\n';
	log_put(2, line.text, line.length);
}

void log_write(int level, int err, ...)
{
	int saved = errno;
	va_list parts;

	va_start(parts, err);
	log_line(level, err, parts);
	va_end(parts);
	errno = saved;
}

_Noreturn void log_die(int code, int err, ...)
{
	va_list parts;

	va_start(parts, err);
	log_line(LOG_ERROR, err, parts);
	va_end(parts);
	if (code == LOG_SETUP)
		code = setup_code;
	if (before_death)
		before_death(code, err);
	_exit(code);
}

_Noreturn void log_fail(const char *step, const char *object)
{
	log_die(LOG_SETUP, errno, step, object, (char *)0);
}
