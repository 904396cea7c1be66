/*
 * input: see input.h.
 */
#include "input.h"

#include <string.h>

#include "base/sys.h"

bool input_has_room(const struct input *input)
{
	/* The detach keys that are held back may be added as well. */
	return input->length + INPUT_READ + INPUT_KEYS <= sizeof input->bytes;
}

static void put(struct input *input, const char *data, size_t length)
{
	if (!length)
		return;
	memcpy(input->bytes + input->length, data, length);
	input->length += length;
	input->last = data[length - 1];
}

static bool add(struct input *input, char byte)
{
	const char *keys = input->keys;

	/*
	 * The byte does not continue the sequence: release the held bytes up to the longest suffix
	 * that is a beginning of the sequence as well.
	 */
	while (input->matched && keys[input->matched] != byte) {
		size_t shorter = input->matched - 1;
		while (shorter && memcmp(keys, keys + input->matched - shorter, shorter) != 0)
			shorter--;
		put(input, keys, input->matched - shorter);
		input->matched = shorter;
	}
	if (!*keys || keys[input->matched] != byte) {
		put(input, &byte, 1);
		return false;
	}
	input->since = sys_now();
	return !keys[++input->matched];
}

bool input_add(struct input *input, const char *data, size_t length)
{
	for (; length--; data++)
		if (add(input, *data))
			return true;
	return false;
}

void input_release(struct input *input)
{
	put(input, input->keys, input->matched);
	input->matched = 0;
}

void input_taken(struct input *input, size_t length)
{
	input->length -= length;
	memmove(input->bytes, input->bytes + length, input->length);
}

/* Whether ctrl- with this character is a key: one that its own byte stands for, other than NUL. */
static bool has_control(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= '_');
}

int input_keys(const char *names, char *keys, size_t size)
{
	size_t used = 0;

	while (*names) {
		size_t length = strcspn(names, ",");
		char key = names[0];
		if (length == 6 && !strncmp(names, "ctrl-", 5) && has_control(names[5]))
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
