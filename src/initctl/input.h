/*
 * input: what the operator types on its way to the session, and the keys among it
 * that mean to detach.
 */
#ifndef INITCTL_INPUT_H
#define INITCTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	INPUT_SIZE = 65536,
	INPUT_READ = 1024,    /* at most this is added at a time */
	INPUT_HELD = 16,      /* keys, with the NUL */
	INPUT_PATIENCE = 1000 /* milliseconds that the first keys wait for the next */
};

struct input {
	char bytes[INPUT_SIZE]; /* for the session */
	size_t length;
	const char *keys; /* the sequence that detaches, "" for none */
	size_t matched;   /* of it: held back */
	long long since;  /* monotonic milliseconds */
	bool partial;     /* the last that was typed is no end of a line */
};

/* Whether there is room for another INPUT_READ bytes. */
bool input_has_room(const struct input *typed);

/* Adds at most INPUT_READ bytes. Returns true where the keys are complete. */
bool input_add(struct input *typed, const char *data, size_t length);

/* What was held back is typed after all: nothing followed, as it seems. */
void input_release(struct input *typed);

/* The end of the input, in a terminal's own way of saying so. */
void input_end(struct input *typed);

/* Some of it was taken. */
void input_taken(struct input *typed, size_t length);

/*
 * Keys as people name them, "ctrl-p,ctrl-q", "ctrl-a,d", into at most size bytes
 * with the NUL. 0 or -1.
 */
int input_keys(const char *names, char *keys, size_t size);

#endif
