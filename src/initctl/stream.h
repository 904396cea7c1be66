/*
 * stream: copies the output of a session to a descriptor of the operator. Data is read and written
 * only when poll(2) allows it, so that a reader which is slow, or hangs, delays nothing else.
 */
#ifndef INITCTL_STREAM_H
#define INITCTL_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	STREAM_POLLS = 2,    /* entries of poll(2) that a stream takes */
	STREAM_BACKOFF = 100 /* milliseconds for which one that backs off is not polled */
};

struct stream {
	int from, to;         /* the stream's own; -1: closed */
	bool terminal;        /* from is the master of a terminal */
	bool backs_off;       /* not polled for STREAM_BACKOFF; the caller clears it */
	size_t start, length; /* the bytes in data that are not written yet */
	size_t read_limit;    /* bytes that may still be read; SIZE_MAX: no limit */
	char data[16384];
};

/*
 * Opens the file of a descriptor again for writing, for an open file description of its own:
 * O_NONBLOCK on ours would also affect the operator's shell, which shares it. Regular files are not
 * opened again, since the file offset is to be shared, and sockets cannot be: these are duplicated.
 * Returns a descriptor, which is close-on-exec and the caller's.
 */
int stream_reopen(int fd);

/*
 * Starts a stream. The stream owns the descriptor from, which may be -1, and makes it
 * non-blocking. The descriptor to stays the caller's; its file status flags do not change.
 */
void stream_open(struct stream *stream, int from, bool terminal, int to);

/* Fills in what to poll for, and then reads or writes what poll(2) has found possible. */
void stream_polls(const struct stream *stream, struct pollfd polls[STREAM_POLLS]);
void stream_move(struct stream *stream, const struct pollfd polls[STREAM_POLLS]);

/* Stops reading, so that further output stays in the kernel's buffer; or resumes. */
void stream_pause(struct stream *stream, bool pause);

/* Whether bytes were read that are not yet written. */
bool stream_is_pending(const struct stream *stream);

/*
 * Limits the stream to the output that can be read now. To be called when the session has ended:
 * there may never be an end of file, as a process in the background may hold the other end.
 */
void stream_finish(struct stream *stream);

/* Closes both descriptors of the stream. */
void stream_close(struct stream *stream);

#endif
