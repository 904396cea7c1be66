/*
 * query: the verbs that send one request, and print the reply or a list of replies.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "exit.h"
#include "output.h"
#include "verbs.h"
#include "watchdog.h"

static struct initctl_message message;

void verb_unanswered(const char *action, const char *object)
{
	if (errno == ECONNRESET || errno == EPIPE)
		die(EXIT_CONTAINER_ENDED, "cannot ", action, object, ": the container ended");
	if (errno == EPROTO)
		fail("cannot ", action, object, ": unexpected reply from init");
	if (errno == ETIMEDOUT)
		watchdog_fail(action, object);
	fail_cannot(action, object);
}

_Noreturn static void not_completed(const char *object)
{
	verb_unanswered("complete the request for ", object);
}

/* Ends the program unless the message has this name, or NULL is given. */
static void expect(const char *object, const char *name)
{
	errno = EPROTO;
	if (name && !initctl_is(&message, name))
		not_completed(object);
}

/* The value of a field in a request, or NULL, also if field is NULL. */
static const char *request_value(const struct initctl_request *request, const char *field)
{
	const size_t length = field ? strlen(field) : 0;
	const char *p = request->data;

	for (; field && p < request->data + request->length; p += strlen(p) + 1)
		if (!strncmp(p, field, length) && p[length] == '=')
			return p + length + 1;
	return NULL;
}

/*
 * Sends a request without descriptors and receives the reply. Returns 0 with the reply in message,
 * or after "failed" the exit code. Ends the program if the reply has another name than expected,
 * unless that is NULL.
 */
static int call(int connection, const struct initctl_request *request, const char *object,
	const char *expected)
{
	if (initctl_call(connection, request, NULL, 0, &message))
		not_completed(object);
	initctl_discard(&message);
	if (initctl_is(&message, "failed"))
		return output_failed(
			&message, object, request_value(request, initctl_field(&message, "field")));
	expect(object, expected);
	return 0;
}

/* Receives the next message of a list. Returns false at the end of the connection. */
static bool next(int connection, const char *name)
{
	int result = initctl_receive(connection, &message);

	if (result < 0)
		not_completed(name);
	if (result)
		initctl_discard(&message);
	return result;
}

/* Connects, and calls a request that has no fields. */
static int call_simple(
	const struct context *context, const char *name, const char *expected, int *connection)
{
	char data[64];
	struct initctl_request request;

	*connection = verb_connect(context);
	initctl_begin(&request, data, sizeof data, name);
	return call(*connection, &request, name, expected);
}

int verb_request_open(
	int connection, const char *key, const char *value, struct initctl_message *reply)
{
	char data[64];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "open");
	initctl_add(&request, key, value);
	if (initctl_call(connection, &request, NULL, 0, reply))
		return -1;
	if (initctl_is(reply, "opened") && reply->count == 1)
		return 0;
	initctl_discard(reply);
	if (initctl_is(reply, "failed"))
		return 1;
	errno = EPROTO;
	return -1;
}

int verb_fetch(int connection, const char *key, const char *name, bool needed)
{
	int result = verb_request_open(connection, key, name, &message);

	if (!result)
		return message.fds[0];
	if (result < 0)
		verb_unanswered("open ", name);
	if (needed || initctl_number(&message, "errno", 4095, 0) != ENOENT)
		exit(output_failed(&message, name, NULL));
	return -1;
}

int verb_try_open(const struct context *context, const char *key, const char *value)
{
	/* init closes a connection on which it has refused a request. */
	const int connection = verb_connect(context);
	const int result = verb_request_open(connection, key, value, &message);

	if (result < 0)
		verb_unanswered("open ", value);
	close(connection);
	return result ? -1 : message.fds[0];
}

int verb_open(const struct context *context, const char *key, const char *value)
{
	const int fd = verb_try_open(context, key, value);

	if (fd < 0)
		exit(output_failed(&message, value, NULL));
	return fd;
}

int verb_status(const struct context *context, char **arguments)
{
	int connection, failed;

	arguments_end(arguments);
	failed = call_simple(context, "status", "status", &connection);
	if (failed)
		return failed;
	if (context->json)
		output_json(&message);
	else
		output_fields(&message);
	return verb_printed();
}

int verb_sessions(const struct context *context, char **arguments)
{
	struct table table;
	int connection, failed;

	arguments_end(arguments);
	failed = call_simple(context, "sessions", NULL, &connection);
	if (failed)
		return failed;
	output_sessions(&table);
	while (initctl_is(&message, "session")) {
		if (context->json)
			output_json(&message);
		else
			output_session(&table, &message);
		if (!next(connection, "sessions"))
			die(EXIT_CONTAINER_ENDED, "cannot list sessions: the container ended");
	}
	expect("sessions", "end");
	if (!context->json)
		table_print(&table);
	return verb_printed();
}

int verb_wait(const struct context *context, char **arguments)
{
	char data[64];
	struct initctl_request request;
	int connection, failed, code;

	arguments_end(arguments);
	connection = verb_connect(context);
	initctl_set_timeout(connection, 0);
	initctl_begin(&request, data, sizeof data, "wait");
	failed = call(connection, &request, "wait", "exited");
	if (failed)
		return failed;
	code = initctl_code(&message);
	if (context->json)
		output_json(&message);
	verb_printed();
	return code;
}

int verb_signal(const struct context *context, char **arguments)
{
	const char *signal = argument_take(&arguments, "signal"), *target = *arguments;
	char data[512];
	struct initctl_request request;

	if (target)
		arguments_end(arguments + 1);
	else
		target = "main";
	initctl_begin(&request, data, sizeof data, "signal");
	initctl_add(&request, "signal", signal);
	if (*target == '%')
		initctl_add(&request, "session", target + 1);
	else
		initctl_add(&request, *target >= '0' && *target <= '9' ? "pid" : "target", target);
	if (request.full)
		fail_usage("no such signal or target:",
			strlen(signal) > strlen(target) ? signal : target);
	return call(verb_connect(context), &request, target, "signalled");
}

const struct option stop_options[] = {
	{0, 0, "grace", "TIME", "kill what has not ended after this time", option_text},
	{0, 0, NULL, NULL, NULL, NULL},
};

int verb_stop(const struct context *context, char **arguments)
{
	const char *grace = NULL;
	char data[512];
	struct initctl_request request;
	int connection, failed, result;

	options_take(stop_options, &grace, &arguments);
	arguments_end(arguments);
	initctl_begin(&request, data, sizeof data, "stop");
	if (grace)
		initctl_add(&request, "grace", grace);
	if (request.full)
		fail_usage("bad value for --grace", grace);
	connection = verb_connect(context);
	failed = call(connection, &request, "stop", "stopping");
	if (failed)
		return failed;
	/* init holds the connection until it exits, which a reset of it means as well. */
	initctl_set_timeout(connection, 0);
	while ((result = initctl_receive(connection, &message)) > 0)
		initctl_discard(&message);
	if (result < 0 && errno != ECONNRESET)
		not_completed("stop");
	return 0;
}
