/*
 * content: what files of the container hold, read by this process and printed on stdout. The
 * container owns the files, and may change or replace them meanwhile.
 */
#ifndef INITCTL_CONTENT_H
#define INITCTL_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/file.h"

enum { CONTENT_BLOCK = 65536 }; /* bytes that are read at a time */

struct content {
	const char *path;          /* inside; the caller's */
	int fd;                    /* -1: not open */
	uint64_t at;               /* how far the file was read */
	struct file_status status; /* as it was opened */
	char held[8];              /* the start of a character, whose end was not read yet */
	size_t held_length;
};

/*
 * Opens a file to be read; what has no end (a FIFO, a socket, a device), and what is gone once it
 * was read (/proc/kmsg, tracefs), is refused without being opened. Returns 0 with content->fd,
 * which is close-on-exec and the caller's, or -1 with the reason in *reason, and errno: EINVAL
 * where the kind of file is the reason. The caller sets content->path.
 */
int content_open(struct content *content, int root, const char **reason);

void content_close(struct content *content);

/*
 * Reads at most CONTENT_BLOCK bytes, from where the last read ended, into a buffer that is valid
 * until the next call. Returns how many, 0 at the end, or -1 with errno.
 */
ssize_t content_read(struct content *content, const char **data);

/*
 * Prints bytes of the file: as they are or, on a terminal, with all control characters escaped but
 * tabs and newlines. Ends the program where stdout cannot be written. content_flush() prints what
 * was held back for the rest of a character.
 */
void content_print(struct content *content, const char *data, size_t length);
void content_flush(struct content *content);

/*
 * Reads and prints the file from where the last read ended, to its end or for a number of blocks.
 * Returns 0 at the end, 1 where there may be more, or -1 with errno where it cannot be read.
 */
int content_copy(struct content *content, unsigned long blocks);

/*
 * Sets where the next read begins: at the last of that many lines; at the line of that number,
 * from 1. Returns 0, or -1 with errno.
 */
int content_seek_last(struct content *content, unsigned long long lines);
int content_seek_line(struct content *content, unsigned long long line);

#endif
