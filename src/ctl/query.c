/*
 * The verbs that ask or tell, and hear a line or a list of them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../log.h"
#include "../seqpacket.h"
#include "show.h"
#include "verbs.h"

static struct initctl_message message;

/* Sends the request, which has no descriptors; -1, or the exit code where it failed. */
static int ask(int connection, const struct wire_out *request, const char *object)
{
	if (initctl_call(connection, request, NULL, 0, &message))
		die_errno(125, "talk to init");
	seqpacket_discard(message.fds, message.count);
	return initctl_is(&message, "failed") ? show_failed(&message, object) : -1;
}

/* The next of a list. Returns false at its end. */
static bool next(int connection)
{
	int result = initctl_receive(connection, &message);

	if (result < 0)
		die_errno(125, "talk to init");
	if (result)
		seqpacket_discard(message.fds, message.count);
	return result;
}

static int ask_simply(const struct context *context, const char *name, int *connection)
{
	char data[64];
	struct wire_out request;

	*connection = verb_connect(context);
	wire_begin(&request, data, sizeof data, name);
	return ask(*connection, &request, name);
}

/* What was printed is only done when it is written. */
static int printed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	die_errno(125, "write output");
}

int verb_status(const struct context *context, char **arguments)
{
	int connection, failed;

	verb_no_more(arguments);
	failed = ask_simply(context, "status", &connection);
	if (failed >= 0)
		return failed;
	if (context->json)
		show_json(&message);
	else
		show_fields(&message);
	return printed();
}

int verb_sessions(const struct context *context, char **arguments)
{
	int connection, failed;

	verb_no_more(arguments);
	failed = ask_simply(context, "sessions", &connection);
	if (failed >= 0)
		return failed;
	for (bool first = true; initctl_is(&message, "session"); first = false) {
		if (context->json)
			show_json(&message);
		else
			show_session(&message, first);
		if (!next(connection))
			die(125, "talk to init: the list has no end");
	}
	return printed();
}

int verb_watch(const struct context *context, char **arguments)
{
	int connection, failed;

	verb_no_more(arguments);
	failed = ask_simply(context, "watch", &connection);
	if (failed >= 0)
		return failed;
	do
		if (context->json)
			show_json(&message);
		else
			show_event(&message);
	while (!ferror(stdout) && next(connection));
	return printed();
}

int verb_wait(const struct context *context, char **arguments)
{
	int connection, failed, code;

	verb_no_more(arguments);
	failed = ask_simply(context, "wait", &connection);
	if (failed >= 0)
		return failed;
	code = initctl_code(&message);
	if (context->json)
		show_json(&message);
	if (code < 0)
		die(125, "talk to init: no answer to wait");
	return code;
}

int verb_signal(const struct context *context, char **arguments)
{
	const char *signal = verb_word(&arguments, "signal"), *whom = *arguments;
	char data[512];
	struct wire_out request;

	if (whom)
		verb_no_more(arguments + 1);
	else
		whom = "main";
	wire_begin(&request, data, sizeof data, "signal");
	wire_add_field(&request, "signal", signal);
	if (*whom == '%')
		wire_add_field(&request, "session", whom + 1);
	else
		wire_add_field(&request, *whom >= '0' && *whom <= '9' ? "pid" : "target", whom);
	if (request.full)
		verb_misused("no such signal or target:", signal);
	return ask(verb_connect(context), &request, whom) > 0 ? 125 : 0;
}

int verb_stop(const struct context *context, char **arguments)
{
	const char *grace = NULL;
	char data[512];
	struct wire_out request;
	int connection, failed;

	if (*arguments && !strcmp(*arguments, "--grace")) {
		arguments++;
		grace = verb_word(&arguments, "value for --grace");
	} else if (*arguments && !strncmp(*arguments, "--grace=", 8)) {
		grace = *arguments++ + 8;
	}
	verb_no_more(arguments);
	wire_begin(&request, data, sizeof data, "stop");
	if (grace)
		wire_add_field(&request, "grace", grace);
	if (request.full)
		verb_misused("bad value for --grace", grace);
	connection = verb_connect(context);
	failed = ask(connection, &request, "stop");
	if (failed >= 0)
		return failed;
	/* The connection closes when init is gone; one cut off by its exit is gone too. */
	while (initctl_receive(connection, &message) > 0)
		;
	return 0;
}
