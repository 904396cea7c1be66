/*
 * wire: a message of the control channel, as bytes. One datagram is one message:
 * NUL-terminated strings, the name first, then key=value fields; the word "args"
 * ends the fields, and every string after it is an argument. No system call.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	WIRE_VERSION = 1,
	WIRE_OLDEST = 1,
	WIRE_SIZE = 65536,   /* of a message, in bytes, at most */
	WIRE_DESCRIPTORS = 6 /* that go with a message, at most; see union control in seqpacket.c */
};

/* A message in a buffer of the caller's, which all pointers point into. */
struct wire {
	char *name;
	char *fields; /* the first field, or fields_end */
	char *fields_end;
	char *args; /* the first argument, or end */
	char *end;  /* behind the last NUL */
};

/*
 * Finds the parts of the length bytes at data. Returns 0, or -1 where they are not
 * a message: empty, no NUL at the end, an empty name.
 */
int wire_read(struct wire *wire, char *data, size_t length);

/* The string after this one. */
char *wire_next(char *string);

/* The value of a field string where that is its key, else NULL. */
const char *wire_value(const char *field, const char *key);

/*
 * For a repeated key: its first value at *at or behind, which begins as wire->fields; then *at
 * is behind it. NULL where there is none.
 */
const char *wire_take(const struct wire *wire, char **at, const char *key);

/* The value of the first field with that key, or NULL. */
const char *wire_field(const struct wire *wire, const char *key);

/* The same as a number of 0..max, or otherwise where it is missing or is none. */
unsigned long long wire_number(const struct wire *wire, const char *key, unsigned long long max,
	unsigned long long otherwise);

/* A message being written to a buffer of the caller's. What does not fit sets full. */
struct wire_out {
	char *data;
	size_t size, length;
	bool full;
};

void wire_begin(struct wire_out *out, char *data, size_t size, const char *name);

/* One string as it is: an argument, or the word "args". */
void wire_add(struct wire_out *out, const char *string);
void wire_add_field(struct wire_out *out, const char *key, const char *value);
void wire_add_number(struct wire_out *out, const char *key, long long value);

#endif
