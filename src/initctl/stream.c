/*
 * stream: see stream.h.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"

/* Bytes; more than the kernel buffers of a terminal's output. */
enum { TERMINAL_BUFFERS = 1 << 18 };

int stream_reopen(int fd)
{
	char path[32], digits[NUMBER_SIZE];
	struct stat status;
	int copy = -1;

	if (!file_stat_of(fd, &status) && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
		text_join(path, "/proc/self/fd/", number_text(digits, fd));
		copy = sys_open(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
	}
	return copy < 0 ? sys_fcntl(fd, F_DUPFD_CLOEXEC, 3) : copy;
}

void stream_open(struct stream *stream, int from, bool terminal, int to)
{
	stream->from = from;
	stream->terminal = terminal;
	stream->read_limit = SIZE_MAX;
	stream->to = -1;
	if (from < 0)
		return;
	sys_fcntl(from, F_SETFL, sys_fcntl(from, F_GETFL, 0) | O_NONBLOCK);
	stream->to = stream_reopen(to);
}

void stream_polls(const struct stream *stream, struct pollfd polls[STREAM_POLLS])
{
	polls[0] = (struct pollfd){.fd = -1, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = -1, .events = POLLOUT};
	if (stream->backs_off)
		return;
	if (stream->length)
		polls[1].fd = stream->to;
	else if (stream->read_limit)
		polls[0].fd = stream->from;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void read_source(struct stream *stream)
{
	size_t size =
		stream->read_limit < sizeof stream->data ? stream->read_limit : sizeof stream->data;
	ssize_t length = read(stream->from, stream->data, size);

	if (length > 0) {
		stream->start = 0;
		stream->length = (size_t)length;
		stream->read_limit -= stream->read_limit == SIZE_MAX ? 0 : (size_t)length;
	} else if (length < 0 && errno == EIO && stream->terminal &&
		   stream->read_limit == SIZE_MAX) {
		/*
		 * EIO: no process has the terminal open. That is not its end, since the session
		 * leader may open its controlling terminal again.
		 */
		stream->backs_off = true;
	} else if (!length || (errno != EAGAIN && errno != EINTR)) {
		close_fd(&stream->from);
	}
}

static void write_destination(struct stream *stream)
{
	ssize_t written = write(stream->to, stream->data + stream->start, stream->length);

	if (written > 0) {
		stream->start += (size_t)written;
		stream->length -= (size_t)written;
	} else if (written < 0 && errno == EAGAIN) {
		/*
		 * A terminal may be polled as writable with room for one byte, but need two, as for
		 * a newline that becomes CR and LF. Polling again at once would be a busy loop.
		 */
		stream->backs_off = true;
	} else if (written < 0 && errno != EINTR) {
		/* The reader is gone. Closing the source gives the session EPIPE in turn. */
		stream->length = 0;
		close_fd(&stream->from);
	}
}

void stream_move(struct stream *stream, const struct pollfd polls[STREAM_POLLS])
{
	if (polls[1].revents)
		write_destination(stream);
	else if (polls[0].revents)
		read_source(stream);
}

void stream_pause(struct stream *stream, bool pause)
{
	stream->read_limit = pause ? 0 : SIZE_MAX;
}

bool stream_is_pending(const struct stream *stream)
{
	return stream->length;
}

void stream_finish(struct stream *stream)
{
	int readable = 0;

	stream->backs_off = false;
	if (stream->from >= 0 && !stream->terminal)
		sys_ioctl(stream->from, FIONREAD, &readable);
	stream->read_limit = stream->terminal ? TERMINAL_BUFFERS : (size_t)readable;
}

void stream_close(struct stream *stream)
{
	close_fd(&stream->from);
	close_fd(&stream->to);
}
