/*
 * stream: output of a session on its way to a descriptor of ours, which may be slow,
 * stuck or gone, and keeps nothing else from going on.
 */
#ifndef INITCTL_STREAM_H
#define INITCTL_STREAM_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

enum { STREAM_POLLS = 2, STREAM_REST = 100 /* milliseconds */ };

struct stream {
	int from, to;  /* -1: at its end */
	bool terminal; /* from is a terminal's master */
	bool rests;    /* not to be polled for a while */
	size_t start, length;
	size_t left; /* that may still be read */
	char data[16384];
};

/*
 * Begins one from a descriptor, which it owns and sets non-blocking, to another, which
 * stays the caller's and as it is. from may be -1.
 */
void stream_open(struct stream *stream, int from, bool terminal, int to);

/* What to wait for, and what to do then. */
void stream_polls(const struct stream *stream, struct pollfd polls[STREAM_POLLS]);
void stream_move(struct stream *stream, const struct pollfd polls[STREAM_POLLS]);

/* Leaves what comes from now on where it is, or takes it again. */
void stream_pause(struct stream *stream, bool pause);

/* Whether something was read and is not yet written. */
bool stream_waits(const struct stream *stream);

/*
 * The session has ended: what is there now is read, and no more, since somebody in
 * the background may hold the other end.
 */
void stream_finish(struct stream *stream);

void stream_close(struct stream *stream);

#endif
