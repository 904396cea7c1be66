/*
 * content: see content.h.
 */
#include "content.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "display.h"
#include "inside.h"
#include "out.h"
#include "terminal.h"
#include "watchdog.h"

/* <linux/magic.h> */
enum { FILE_SYSTEM_DEBUG = 0x64626720, FILE_SYSTEM_TRACE = 0x74726163 };

/* display_next() may look at the three bytes after the last one. */
static char block[CONTENT_BLOCK + 4];

/*
 * Whether what is read of a file is gone for others: of the kernel's log, whose inode has the same
 * number wherever proc is mounted, and of some files of tracefs, which debugfs has as well.
 */
static bool is_consumed(int fd, const struct file_status *status)
{
	struct file_status log;
	const long system = file_system_of(fd);

	if (system == FILE_SYSTEM_PROC)
		return !file_status_at(AT_FDCWD, "/proc/kmsg", &log) && log.inode == status->inode;
	return system == FILE_SYSTEM_DEBUG || system == FILE_SYSTEM_TRACE;
}

/* Why a file is not to be opened, or NULL. */
static const char *refusal(int fd, const struct file_status *status)
{
	switch (status->mode & S_IFMT) {
	case S_IFREG:
		return is_consumed(fd, status) ? "what is read of it would be gone" : NULL;
	case S_IFDIR:
		return error_text(EISDIR);
	case S_IFIFO:
		return "is a FIFO";
	case S_IFSOCK:
		return "is a socket";
	default:
		return "is a device";
	}
}

/* Opens the file that an O_PATH descriptor is of: the container may have replaced its name. */
static int reopen(int fd)
{
	char path[32], digits[NUMBER_SIZE];

	text_join(path, "/proc/self/fd/", number_text(digits, fd));
	return sys_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

int content_open(struct content *content, int root, const char **reason)
{
	int fd;

	watchdog_begin("open ", content->path);
	*reason = NULL;
	content->fd = -1;
	content->at = 0;
	content->held_length = 0;
	fd = inside_open(root, content->path, O_PATH, 0);
	if (fd >= 0 && !file_status_of(fd, &content->status)) {
		*reason = refusal(fd, &content->status);
		if (*reason)
			errno = EINVAL;
		else
			content->fd = reopen(fd);
	}
	if (content->fd < 0 && !*reason)
		*reason = errno == ELOOP ? "a loop of links, or a link out of the container"
		                         : error_text(errno);
	if (fd >= 0)
		sys_close(fd);
	watchdog_end();
	return content->fd < 0 ? -1 : 0;
}

void content_close(struct content *content)
{
	if (content->fd >= 0)
		close(content->fd);
	content->fd = -1;
}

ssize_t content_read(struct content *content, const char **data)
{
	ssize_t length;

	watchdog_begin("read ", content->path);
	do
		length = sys_read(content->fd, block, CONTENT_BLOCK);
	while (length < 0 && errno == EINTR);
	watchdog_end();
	*data = block;
	content->at += length > 0 ? (uint64_t)length : 0;
	return length;
}

/* How many of the last bytes are the start of a character of UTF-8 without its end. */
static size_t begun(const char *data, size_t length)
{
	for (size_t i = 1; i < 4 && i <= length; i++) {
		const unsigned char c = (unsigned char)data[length - i];
		if ((c & 0xc0) != 0x80)
			return i < (c < 0xc0 ? 1U : c < 0xe0 ? 2U : c < 0xf0 ? 3U : 4U) ? i : 0;
	}
	return 0;
}

static void flush(void)
{
	if (!out_flush())
		fail_cannot("write output", NULL);
}

static void show(const char *data, size_t length)
{
	char shown[DISPLAY_CHARACTER];
	unsigned columns;

	while (length) {
		size_t size = 1;
		if (*data == '\n' || *data == '\t')
			out_char(*data);
		else if (!*data)
			out_text("\\x00");
		else if ((size = display_next(data, length, shown, &columns)))
			out_text(shown);
		data += size;
		length -= size;
	}
}

void content_flush(struct content *content)
{
	show(content->held, content->held_length);
	content->held_length = 0;
	flush();
}

static void print_escaped(struct content *content, const char *data, size_t length)
{
	size_t held;

	/* Complete the character that was held back, as far as possible. */
	while ((held = content->held_length) && length && (*data & 0xc0) == 0x80 &&
		begun(content->held, held)) {
		content->held[content->held_length++] = *data++;
		length--;
	}
	if (held && (length || !begun(content->held, held)))
		content_flush(content);
	if (length) {
		content->held_length = begun(data, length);
		show(data, length - content->held_length);
		memcpy(content->held, data + length - content->held_length, content->held_length);
	}
	flush();
}

void content_print(struct content *content, const char *data, size_t length)
{
	if (terminal_is_open(1)) {
		print_escaped(content, data, length);
	} else {
		out_bytes(data, length);
		flush();
	}
}

int content_copy(struct content *content, unsigned long blocks)
{
	const char *data;
	ssize_t length;

	while ((length = content_read(content, &data)) > 0) {
		content_print(content, data, (size_t)length);
		if (!--blocks)
			return 1;
	}
	return length < 0 ? -1 : 0;
}

static int seek(struct content *content, uint64_t at)
{
	content->at = at;
	return lseek(content->fd, (off_t)at, SEEK_SET) < 0 ? -1 : 0;
}

/* Counts the lines from where the next read begins; one without its newline at the end as well. */
static int count_lines(struct content *content, unsigned long long *lines)
{
	const char *data;
	ssize_t length;
	char last = '\n';

	*lines = 0;
	while ((length = content_read(content, &data)) > 0) {
		for (const char *p = data, *end = data + length;
			(p = memchr(p, '\n', (size_t)(end - p))); p++)
			++*lines;
		last = data[length - 1];
	}
	*lines += last != '\n';
	return length < 0 ? -1 : 0;
}

int content_seek_line(struct content *content, unsigned long long line)
{
	const char *data;
	ssize_t length;
	uint64_t start;

	while (line > 1) {
		start = content->at;
		length = content_read(content, &data);
		if (length <= 0)
			return (int)length;
		for (const char *p = data, *end = data + length;
			(p = memchr(p, '\n', (size_t)(end - p)));) {
			p++;
			if (--line == 1)
				return seek(content, start + (uint64_t)(p - data));
		}
	}
	return 0;
}

/* The same by blocks from the end on: where the file is large, and has a size. */
static int seek_back(struct content *content, unsigned long long lines)
{
	uint64_t start = content->status.size;
	ssize_t length;
	bool last = true;
	const char *data, *p;

	while (start) {
		size_t size = (start - 1) % CONTENT_BLOCK + 1;
		start -= size;
		if (seek(content, start) || (length = content_read(content, &data)) < 0)
			return -1;
		length = length > (ssize_t)size ? (ssize_t)size : length;
		/* The newline at the end of the file ends the last line, and begins none. */
		if (last && length && data[length - 1] == '\n')
			length--;
		for (p = data + length; (p = memrchr(data, '\n', (size_t)(p - data)));)
			if (!--lines)
				return seek(content, start + (uint64_t)(p - data) + 1);
		last = false;
	}
	return seek(content, 0);
}

int content_seek_last(struct content *content, unsigned long long lines)
{
	const uint64_t size = content->status.size;
	unsigned long long all;

	if (size > CONTENT_BLOCK)
		return lines ? seek_back(content, lines) : seek(content, size);
	/* A small file, or one of proc or sysfs, whose size says nothing. */
	if (count_lines(content, &all))
		return -1;
	if (!lines)
		return 0;
	if (seek(content, 0))
		return -1;
	return content_seek_line(content, all > lines ? all - lines + 1 : 1);
}
