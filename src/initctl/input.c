/*
 * input: see input.h.
 */
#include "input.h"

#include <string.h>

#include "base/sys.h"

enum { END_OF_INPUT = 4 };

bool input_has_room(const struct input *typed)
{
	/* For what is held back, and two ends, too. */
	return typed->length + INPUT_READ + INPUT_HELD + 2 <= sizeof typed->bytes;
}

static void put(struct input *typed, const char *data, size_t length)
{
	if (!length)
		return;
	memcpy(typed->bytes + typed->length, data, length);
	typed->length += length;
	typed->partial = data[length - 1] != '\r' && data[length - 1] != '\n';
}

static bool add(struct input *typed, char byte)
{
	const char *keys = typed->keys;

	/* As much of what is held back as can still begin the sequence stays so. */
	while (typed->matched && keys[typed->matched] != byte) {
		size_t shorter = typed->matched - 1;
		while (shorter && memcmp(keys, keys + typed->matched - shorter, shorter) != 0)
			shorter--;
		put(typed, keys, typed->matched - shorter);
		typed->matched = shorter;
	}
	if (!*keys || keys[typed->matched] != byte) {
		put(typed, &byte, 1);
		return false;
	}
	typed->since = sys_now();
	return !keys[++typed->matched];
}

bool input_add(struct input *typed, const char *data, size_t length)
{
	for (; length--; data++)
		if (add(typed, *data))
			return true;
	return false;
}

void input_release(struct input *typed)
{
	put(typed, typed->keys, typed->matched);
	typed->matched = 0;
}

void input_end(struct input *typed)
{
	static const char ends[] = {END_OF_INPUT, END_OF_INPUT};

	input_release(typed);
	/* The first only ends the line where that has begun. */
	put(typed, ends, typed->partial ? 2 : 1);
	typed->partial = false;
}

void input_taken(struct input *typed, size_t length)
{
	typed->length -= length;
	memmove(typed->bytes, typed->bytes + length, typed->length);
}

int input_keys(const char *names, char *keys, size_t size)
{
	size_t used = 0;

	while (*names) {
		size_t length = strcspn(names, ",");
		char key = names[0];
		if (length == 6 && !strncmp(names, "ctrl-", 5))
			key = (char)(names[5] & 0x1f);
		else if (length != 1)
			return -1;
		if (!key || used + 1 >= size)
			return -1;
		keys[used++] = key;
		names += length + (names[length] == ',');
	}
	keys[used] = 0;
	return 0;
}
