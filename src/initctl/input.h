/*
 * input: buffers the operator's input until the session takes it, and recognizes the sequence of
 * keys that detaches.
 */
#ifndef INITCTL_INPUT_H
#define INITCTL_INPUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	INPUT_SIZE = 65536,
	INPUT_READ = 1024,       /* bytes added at a time, at most */
	INPUT_KEYS = 16,         /* size of a key sequence with its NUL, at most */
	INPUT_KEY_TIMEOUT = 1000 /* milliseconds for which an incomplete sequence is held back */
};

struct input {
	char bytes[INPUT_SIZE]; /* to be written to the session */
	size_t length;          /* of bytes */
	const char *keys;       /* the sequence that detaches, "" for none */
	size_t matched;         /* bytes of the sequence that were typed, and are held back */
	long long since;        /* time of the last of these, in monotonic milliseconds */
	char last;              /* the last byte that was added, 0 for none */
};

/* Whether there is room for another INPUT_READ bytes. */
bool input_has_room(const struct input *input);

/* Adds at most INPUT_READ bytes. Returns true, and ignores the rest, if they complete the keys. */
bool input_add(struct input *input, const char *data, size_t length);

/* Adds the keys that were held back as ordinary input, since the sequence was not completed. */
void input_release(struct input *input);

/* Removes the first bytes, which have been written. */
void input_taken(struct input *input, size_t length);

/*
 * Translates a sequence of keys such as "ctrl-p,ctrl-q" or "ctrl-a,d" into bytes, at most size of
 * them with the NUL. Returns 0, or -1 if it is malformed or too long; errno is not set.
 */
int input_keys(const char *names, char *keys, size_t size);

#endif
