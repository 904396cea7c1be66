/*
 * An example of a program that runs a command in a container, by libinitctl.a:
 *
 *     embed_client SOCKET COMMAND...
 *
 * passes its own stdin, stdout and stderr, prints the number of the session on stderr,
 * and exits as the command does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "initctl.h"

static struct initctl_message answer;

static int fail(const char *what)
{
	fprintf(stderr, "embed_client: %s: %s\n", what, strerror(errno));
	return 125;
}

static const char *field(const char *key)
{
	const char *value = initctl_field(&answer, key);

	return value ? value : "?";
}

/* More descriptors than a message takes are refused before anything is sent. */
static int sends_too_many(int connection)
{
	int fds[4 * INITCTL_DESCRIPTORS] = {0};
	struct initctl_request request;
	char data[64];

	initctl_begin(&request, data, sizeof data, "status");
	for (unsigned count = INITCTL_DESCRIPTORS + 1; count <= sizeof fds / sizeof *fds; count++) {
		errno = 0;
		if (initctl_send(connection, &request, fds, count) != -1 || errno != EINVAL)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const environment[] = {"FROM=embed_client", NULL};
	struct initctl_exec exec = {
		.env = environment,
		.directory = "/tmp",
		.stdio = {0, 1, 2},
		.program = -1,
	};
	int connection, code;

	if (argc < 3)
		return 2;
	exec.args = argv + 2;
	connection = initctl_connect(argv[1]);
	if (connection < 0)
		return fail(argv[1]);
	if (sends_too_many(connection))
		return fail("too many descriptors");
	switch (initctl_exec(connection, &exec, &answer)) {
	case 0:
		fprintf(stderr, "session %s\n", field("session"));
		code = initctl_wait(connection, &code) ? fail("wait") : code;
		break;
	case 1:
		fprintf(stderr, "failed in %s, errno %s\n", field("stage"), field("errno"));
		code = 126;
		break;
	default:
		code = fail("exec");
	}
	close(connection);
	return code;
}
