/*
 * connect: the verb that joins stdin and stdout to a TCP connection in the container.
 */
#include "base/log.h"
#include "dial.h"
#include "exit.h"
#include "join.h"
#include "stream.h"

int verb_connect_to(const struct context *context, char **arguments)
{
	const char *word = argument_take(&arguments, "host and port");
	char copy[INET_WORD], text[INET_TEXT], *parts[INET_PARTS];
	struct inet_host host;
	unsigned port;
	int init, socket;

	arguments_end(arguments);
	if (inet_split(word, copy, parts) != 2 || !*parts[0] || inet_port(parts[1], 1, &port))
		fail_usage("expected HOST:PORT, not", word);
	inet_find(context, &host, parts[0], port);
	init = verb_connect(context);
	socket = dial(context, &host, "connect", -1, text);
	switch (join_run(init, socket, 0, stream_reopen(1))) {
	case JOIN_DONE:
		return 0;
	case JOIN_INSIDE:
		fail_cannot("relay connection to ", text);
	case JOIN_INPUT:
		fail_cannot("read input", NULL);
	case JOIN_OUTPUT:
		fail_cannot("write output", NULL);
	case JOIN_CONTAINER_ENDED:
		break;
	}
	die(EXIT_CONTAINER_ENDED, "connection to ", text, ": the container ended");
}
