/*
 * copydata: the content of a file, see copyfile.h.
 */
#include <errno.h>
#include <limits.h>
#include <unistd.h>

#include "copyfile.h"
#include "copytree.h"

enum {
	BUFFER_SIZE = 1 << 18, /* bytes that are copied by read and write */
	RANGE_SIZE = 1 << 22,  /* bytes that the kernel copies at once: within the timeout */
};

/* Copies from one offset up to another, or to the end of the file. */
static int copy_range(int from, int to, off_t at, off_t end)
{
	static char buffer[BUFFER_SIZE];
	bool by_kernel = end - at > BUFFER_SIZE;

	while (at < end) {
		const off_t left = end - at;
		ssize_t length = -1;
		off_t in = at, out = at;
		if (by_kernel) {
			length = copy_file_range(from, &in, to, &out,
				left < RANGE_SIZE ? (size_t)left : RANGE_SIZE, 0);
			if (length < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EIO))
				return -1;
			/* Between these file systems it may not; and of a file of proc it copies
			 * nothing. */
			by_kernel = length > 0;
		}
		if (!by_kernel) {
			length = pread(
				from, buffer, left < BUFFER_SIZE ? (size_t)left : BUFFER_SIZE, at);
			if (length <= 0)
				return (int)length;
			if (copyfile_write(to, buffer, (size_t)length, at))
				return -1;
		}
		at += length;
		copy_alive(NULL, length);
	}
	return 0;
}

int copyfile_data(int from, int to, const struct stat *status)
{
	const off_t size = status->st_size;
	off_t at = 0, hole;

	/* A file of proc has no size. */
	if (!size)
		return copy_range(from, to, 0, LLONG_MAX);
	if (status->st_blocks >= (size + 511) / 512)
		return copy_range(from, to, 0, size);
	while (at < size) {
		const off_t data = lseek(from, at, SEEK_DATA);
		if (data < 0 && errno != ENXIO)
			return copy_range(from, to, at, size);
		/* A hole counts as copied. */
		copy_alive(NULL, (data < 0 || data > size ? size : data) - at);
		if (data < 0 || data >= size)
			break;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		if (copy_range(from, to, data, hole))
			return -1;
		at = hole;
	}
	return ftruncate(to, size);
}
