/*
 * stats: what a container uses: a few readable lines, or with --raw all files of its cgroup.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "beneath.h"
#include "cgroup.h"
#include "cgroup1.h"
#include "container.h"
#include "exit.h"
#include "out.h"
#include "output.h"
#include "usagelines.h"
#include "usagesource.h"
#include "verbs.h"

enum {
	KEY_SIZE = 256,  /* bytes of a field's name, with its NUL */
	INTERVAL = 1000, /* milliseconds, of --follow */
	SHORTEST = 10    /* and the shortest that may be asked for */
};

struct choice {
	bool follow, raw;
	const char *interval;
};

const struct option stats_options[] = {
	{0, offsetof(struct choice, follow), "follow", NULL, "repeat until the container ends",
		option_true},
	{0, offsetof(struct choice, interval), "interval", "TIME", "with --follow: how often (1s)",
		option_text},
	{0, offsetof(struct choice, raw), "raw", NULL, "print the files of the cgroup",
		option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

static struct initctl_message message;

/* Adds the field FILE[.LINE][.KEY]=VALUE. */
static void add(struct initctl_request *out, const char *file, const char *line, const char *key,
	const char *value)
{
	char name[KEY_SIZE];

	out_format(name, sizeof name, "%s%s%s%s%s", file, line ? "." : "", line ? line : "",
		key ? "." : "", key ? key : "");
	initctl_add(out, name, value);
}

/* Adds a line as "usage_usec 12", "some avg10=0.00 total=0" or "8:0 rbytes=4096 wbytes=0". */
static void add_line(struct initctl_request *out, const char *file, char *line)
{
	char *name = strsep(&line, " "), *word;

	while ((word = strsep(&line, " "))) {
		char *value = strchr(word, '=');
		/* A device without numbers has a blank at the end. */
		if (!*word)
			continue;
		if (value)
			*value++ = 0;
		add(out, file, name, value ? word : NULL, value ? value : word);
	}
}

/* Adds the contents of a file, unless it is missing; is_table: its lines have keys. */
static void add_file(struct initctl_request *out, int cgroup, const char *file, bool is_table)
{
	char text[CGROUP_TEXT], *rest = text, *line;

	beneath_read(cgroup, file, text, sizeof text);
	while ((line = strsep(&rest, "\n")))
		if (is_table)
			add_line(out, file, line);
		else if (*line)
			add(out, file, NULL, NULL, line);
}

static void print_raw(const struct context *context, int cgroup, int container)
{
	/* Which of these exist depends on the controllers and the kernel. */
	static const char files[] =
		"memory.current\0memory.peak\0memory.high\0memory.max\0memory.swap.current\0"
		"memory.swap.max\0pids.current\0pids.peak\0pids.max\0cpu.weight\0cpu.max\0";
	static const char tables[] =
		"cgroup.events\0memory.events\0pids.events\0cpu.stat\0io.stat\0cpu.pressure\0"
		"memory.pressure\0io.pressure\0";
	struct initctl_request out;

	initctl_begin(&out, message.data, sizeof message.data, "stats");
	for (const char *file = files; *file; file = text_name(file, 1))
		add_file(&out, cgroup_is_weight(file) ? container : cgroup, file, false);
	for (const char *file = tables; *file; file = text_name(file, 1))
		add_file(&out, cgroup, file, true);
	if (out.full)
		fail_note("cannot print stats of cgroup: too many values for one message", NULL,
			NULL);
	message.length = out.length;
	if (context->json)
		output_json(&message);
	else
		output_table(&message);
}

/* Waits until that time. Returns false once the container has ended: init closes the connection. */
static bool wait_until(int connection, long long time)
{
	struct pollfd one = {.fd = connection, .events = POLLIN};
	long long left;

	while ((left = time - sys_now()) > 0)
		if (poll(&one, 1, (int)left) > 0)
			return false;
	return true;
}

/* Prints the lines; on a terminal that has room for them over those that were printed last. */
static void print_lines(const struct usage_look *look)
{
	static unsigned last;
	struct winsize size = {0};
	const bool terminal = !sys_ioctl(1, TIOCGWINSZ, &size);

	if (look->elapsed && terminal && last < size.ws_row)
		out_print("\033[%uA\033[J", last);
	else if (look->elapsed)
		out_char('\n');
	last = usagelines_print(look, size.ws_col);
}

static void print_usage(const struct context *context, const struct usage_from *from)
{
	static struct usage_look look;
	unsigned part = 0;

	usagelines_look(from, &look);
	while (part < USAGE_PARTS && !look.now.sources[part])
		part++;
	if (part == USAGE_PARTS)
		fail_note("cannot print stats of container: there is no cgroup and no /proc", NULL,
			NULL);
	if (context->json)
		usagelines_json(&look);
	else
		print_lines(&look);
}

int verb_stats(const struct context *context, char **arguments)
{
	static struct choice choice;
	static struct usage_from from;
	long long interval = INTERVAL;
	int cgroup = -1, container, connection;

	options_take(stats_options, &choice, &arguments);
	arguments_end(arguments);
	if (choice.interval &&
		(number_parse_time(choice.interval, &interval) || interval < SHORTEST))
		fail_usage("bad value for --interval", choice.interval);
	if (choice.raw)
		cgroup = cgroup_open(context, "print stats of", false, &container);
	else
		usagesource_open(context, &from);
	connection = choice.follow ? verb_connect(context) : -1;
	for (long long next = sys_now();;) {
		if (choice.raw)
			print_raw(context, cgroup, container);
		else
			print_usage(context, &from);
		verb_printed();
		next += interval;
		if (!choice.follow || !wait_until(connection, next))
			return 0;
		if (choice.raw && !context->json)
			out_char('\n');
	}
}
