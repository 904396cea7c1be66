/*
 * libFuzzer for verbs_read, the code that parses requests in PID 1, with a check of every
 * pointer that it returns; and for the code that composes replies. With -DREPLAY it is a
 * program that runs on the files of its arguments instead.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/duration.h"
#include "base/wire.h"
#include "channel/verbs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(int true_or_not, const char *what)
{
	if (!true_or_not) {
		fprintf(stderr, "broken: %s\n", what);
		abort();
	}
}

static int inside(const char *p, const char *data, size_t size)
{
	return p >= data && p <= data + size;
}

static int is_verb(const struct request *request, const char *name)
{
	return !strcmp(request->verb->name, name);
}

static void check_request(const struct request *request, const char *data, size_t size)
{
	const struct wire *wire = &request->wire;
	size_t count = 0;

	check(wire->name == data && wire->end == data + size, "name and end");
	check(inside(wire->fields, data, size) && inside(wire->args, data, size), "parts");
	check(wire->fields <= wire->fields_end && wire->fields_end <= wire->args, "order");
	for (char *p = wire->args; p < wire->end; p = wire_next(p))
		count++;
	check(count <= size, "arguments");
	check(request->verb && request->verb->run, "a verb with a function");
	check(is_verb(request, "exec") == (count > 0), "exec has arguments, no other verb has");
	check(request->user.count <= CREDENTIALS_GROUPS, "groups");
	check(!request->user.count || request_has(request, FIELD_USER), "groups need a user");
	check(request->mask >= -1 && request->mask <= 0777, "umask");
	check(request->signal >= 0 && request->signal <= 64, "signal");
	check(!is_verb(request, "signal") || request->signal, "a signal");
	check(!is_verb(request, "attach") || request->session, "a session");
	check(!request->pid || (request->pid > 1 && request->pid <= 1 << 22), "pid");
	check(request->grace >= 0 || request->grace == NOT_SAID, "grace");
	check(!request->directory ||
			(inside(request->directory, data, size) && *request->directory == '/'),
		"cwd");
	check(!request->name || inside(request->name, data, size), "name");
	for (int i = 0; i < LIMITS; i++)
		check(request->limits.of[i].now <= request->limits.of[i].most, "a limit");
	check(!(request->limits.set >> LIMITS), "limits of resources that there are");
}

/* A reply may repeat what the client sent, and is never cut: if it does not fit it is not sent. */
static void check_reply(const char *text, size_t size)
{
	char *data = malloc(size ? size : 1);
	struct wire_out out;

	wire_begin(&out, data, size, "failed");
	wire_add_field(&out, "stage", "request");
	wire_add_number(&out, "errno", 22);
	wire_add_field(&out, "field", text);
	wire_add(&out, text);
	check(out.length <= size, "a reply's length");
	check(out.full || (!data[out.length - 1] && strlen(data) == 6), "a reply's end");
	check(out.full || out.length >= 2 * strlen(text), "a reply's text");
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct request request;
	const char *field = NULL;
	char *data;
	size_t room;

	/* The first two bytes are the number of descriptors and the room for a reply. */
	if (size < 2 || size > WIRE_SIZE + 2)
		return 0;
	room = bytes[1] * 2;
	data = malloc(size - 2 ? size - 2 : 1);
	memcpy(data, bytes + 2, size - 2);
	if (!verbs_read(&request, data, size - 2, bytes[0] % 6, &field))
		check_request(&request, data, size - 2);
	else
		check(field != NULL, "no field is named");
	/* A field's name may lie in the message: it is read as init does. */
	check_reply(field, room);
	check_reply(field, 512);
	free(data);
	data = strndup((const char *)bytes + 2, size - 2);
	verbs_from_list(data);
	free(data);
	return 0;
}

#ifdef REPLAY
int main(int argc, char **argv)
{
	static uint8_t bytes[WIRE_SIZE + 2];

	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
		check(file != NULL, argv[i]);
		LLVMFuzzerTestOneInput(bytes, size);
		fclose(file);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}
#endif
