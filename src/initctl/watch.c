/*
 * watch: prints what happens in the container, as it happens.
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "display.h"
#include "exit.h"
#include "json.h"
#include "out.h"
#include "output.h"
#include "signame.h"
#include "usagesource.h"
#include "verbs.h"

static struct initctl_message message;

/* The cgroup that tells how many of its processes the kernel has killed for memory; how many. */
static struct usage_from cgroup;
static uint64_t killed;

/* Whether a process that was killed was so for memory, as far as the cgroup tells. */
static bool was_killed_for_memory(void)
{
	const uint64_t before = killed;
	struct usage usage;

	usage_read(&cgroup, &usage);
	killed = usage.values[MEMORY_OOM_KILL];
	return killed != USAGE_UNKNOWN && killed > before;
}

/* Prints a field as "WORD VALUE", unless it is missing. */
static void print_field(const char *word, const char *key)
{
	const char *value = initctl_field(&message, key);

	if (!value)
		return;
	out_text(word);
	display_text(value, SIZE_MAX, 0);
}

static void print_signal(const char *word)
{
	char name[SIGNAME_SIZE];

	signame((int)initctl_number(&message, "signal", 64, 0), name);
	out_print("%s%s", word, name);
}

static void print_end(bool for_memory)
{
	if (initctl_field(&message, "signal"))
		print_signal(" was killed by ");
	else
		print_field(" ended with code ", "code");
	if (for_memory)
		out_text(", out of memory");
}

static void print_sentence(const char *type, bool for_memory)
{
	if (!strcmp(type, "state")) {
		print_field("the container is ", "state");
		if (initctl_number(&message, "main", INT32_MAX, 0))
			print_field(", main command has pid ", "main");
	} else if (!strcmp(type, "main")) {
		out_text("the main command");
		print_end(for_memory);
	} else if (!strcmp(type, "signal")) {
		print_signal("signal forwarded: ");
	} else if (!strcmp(type, "lost")) {
		print_field("events lost: ", "count");
	} else {
		print_field("session ", "session");
		if (!strcmp(type, "started"))
			print_field(" started, pid ", "pid");
		else if (!strcmp(type, "exited"))
			print_end(for_memory);
		else
			print_field(" was ", "type");
	}
}

static void print_event(bool json)
{
	const char *type = initctl_field(&message, "type");
	const bool for_memory =
		initctl_number(&message, "signal", 64, 0) == SIGKILL && was_killed_for_memory();
	const long long now = sys_clock(CLOCK_REALTIME) / 1000;

	if (json) {
		output_json_begin(&message);
		json_number("time", now);
		if (initctl_field(&message, "signal"))
			json_bool("oom", for_memory);
		json_end();
		return;
	}
	/* The local time would need the libc's time zones, which are 6 kB. */
	out_print("%02lld:%02lld:%02lldZ ", now / 3600 % 24, now / 60 % 60, now % 60);
	print_sentence(type ? type : "-", for_memory);
	out_char('\n');
	out_flush();
}

int verb_watch(const struct context *context, char **arguments)
{
	char data[64];
	struct initctl_request request;
	int connection, result;

	arguments_end(arguments);
	usagesource_open(context, &cgroup);
	was_killed_for_memory();
	connection = verb_connect(context);
	initctl_begin(&request, data, sizeof data, "watch");
	result = initctl_call(connection, &request, NULL, 0, &message) ? -1 : 1;
	initctl_set_timeout(connection, 0);
	for (; result == 1; result = initctl_receive(connection, &message)) {
		initctl_discard(&message);
		if (initctl_is(&message, "failed"))
			return output_failed(&message, "watch", NULL);
		if (!initctl_is(&message, "event"))
			fail_note("cannot watch: unexpected reply from init", NULL, NULL);
		print_event(context->json);
		if (out_has_failed())
			break;
	}
	if (result < 0)
		verb_unanswered("watch", "");
	return verb_printed();
}
