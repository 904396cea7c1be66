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

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"

/* More than the kernel keeps of a terminal's output. */
enum { TERMINAL_BUFFERS = 1 << 18 };

/*
 * The same file by a description of its own, which can be non-blocking while that of
 * the operator's shell is not. Not for a file with an offset, nor for a socket.
 */
static int reopen(int fd)
{
	char path[32], digits[NUMBER_SIZE];
	struct stat status;
	int copy = -1;

	if (!fstat(fd, &status) && (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))) {
		text_join(path, "/proc/self/fd/", number_text(digits, fd));
		copy = sys_open(AT_FDCWD, path, O_WRONLY | O_NONBLOCK | O_NOCTTY);
	}
	return copy < 0 ? sys_fcntl(fd, F_DUPFD_CLOEXEC, 3) : copy;
}

void stream_open(struct stream *stream, int from, bool terminal, int to)
{
	stream->from = from;
	stream->terminal = terminal;
	stream->left = SIZE_MAX;
	stream->to = -1;
	if (from < 0)
		return;
	sys_fcntl(from, F_SETFL, sys_fcntl(from, F_GETFL, 0) | O_NONBLOCK);
	stream->to = reopen(to);
}

void stream_polls(const struct stream *stream, struct pollfd polls[STREAM_POLLS])
{
	bool reads = !stream->length && stream->left && !stream->rests;
	bool writes = stream->length && !stream->rests;

	polls[0] = (struct pollfd){.fd = reads ? stream->from : -1, .events = POLLIN};
	polls[1] = (struct pollfd){.fd = writes ? stream->to : -1, .events = POLLOUT};
}

static void end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void take(struct stream *stream)
{
	size_t most = stream->left < sizeof stream->data ? stream->left : sizeof stream->data;
	ssize_t length = read(stream->from, stream->data, most);

	if (length > 0) {
		stream->start = 0;
		stream->length = (size_t)length;
		stream->left -= stream->left == SIZE_MAX ? 0 : (size_t)length;
	} else if (length < 0 && errno == EIO && stream->terminal && stream->left == SIZE_MAX) {
		/* Nobody has the terminal open. Who leads its session may open it again. */
		stream->rests = true;
	} else if (!length || (errno != EAGAIN && errno != EINTR)) {
		end(&stream->from);
	}
}

static void give(struct stream *stream)
{
	ssize_t written = write(stream->to, stream->data + stream->start, stream->length);

	if (written > 0) {
		stream->start += (size_t)written;
		stream->length -= (size_t)written;
	} else if (written < 0 && errno == EAGAIN) {
		/* A terminal may have room for one byte where the next takes two. */
		stream->rests = true;
	} else if (written < 0 && errno != EINTR) {
		/* Nobody reads it any more, as the session is to find out. */
		stream->length = 0;
		end(&stream->from);
	}
}

void stream_move(struct stream *stream, const struct pollfd polls[STREAM_POLLS])
{
	if (polls[1].revents)
		give(stream);
	else if (polls[0].revents)
		take(stream);
}

void stream_pause(struct stream *stream, bool pause)
{
	stream->left = pause ? 0 : SIZE_MAX;
}

bool stream_waits(const struct stream *stream)
{
	return stream->length;
}

void stream_finish(struct stream *stream)
{
	int there = 0;

	stream->rests = false;
	if (stream->from >= 0 && !stream->terminal)
		sys_ioctl(stream->from, FIONREAD, &there);
	stream->left = stream->terminal ? TERMINAL_BUFFERS : (size_t)there;
}

void stream_close(struct stream *stream)
{
	end(&stream->from);
	end(&stream->to);
}
