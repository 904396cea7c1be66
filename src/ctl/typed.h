/*
 * typed: what the operator types on its way to the session, and the keys among it
 * that mean to detach.
 */
#ifndef CTL_TYPED_H
#define CTL_TYPED_H

#include <stdbool.h>
#include <stddef.h>

enum {
	TYPED_SIZE = 65536,
	TYPED_READ = 1024,    /* at most this is added at a time */
	TYPED_HELD = 16,      /* keys, with the NUL */
	TYPED_PATIENCE = 1000 /* milliseconds that the first keys wait for the next */
};

struct typed {
	char bytes[TYPED_SIZE]; /* for the session */
	size_t length;
	const char *keys; /* the sequence that detaches, "" for none */
	size_t matched;   /* of it: held back */
	long long since;  /* monotonic milliseconds */
	bool partial;     /* the last that was typed is no end of a line */
};

/* Whether there is room for another TYPED_READ bytes. */
bool typed_has_room(const struct typed *typed);

/* Adds at most TYPED_READ bytes. Returns true where the keys are complete. */
bool typed_add(struct typed *typed, const char *data, size_t length);

/* What was held back is typed after all: nothing followed, as it seems. */
void typed_release(struct typed *typed);

/* The end of the input, in a terminal's own way of saying so. */
void typed_end(struct typed *typed);

/* Some of it was taken. */
void typed_taken(struct typed *typed, size_t length);

/*
 * Keys as people name them, "ctrl-p,ctrl-q", "ctrl-a,d", into at most size bytes
 * with the NUL. 0 or -1.
 */
int typed_keys(const char *names, char *keys, size_t size);

#endif
