/*
 * top: a screen of the container's processes and of what it uses, which is drawn again and again.
 */
#include "top.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "exit.h"
#include "handler.h"
#include "out.h"
#include "pstree.h"
#include "scan.h"
#include "sort.h"
#include "terminal.h"
#include "usagesource.h"

struct request {
	const char *interval;
	bool once;
};

const struct option top_options[] = {
	{0, offsetof(struct request, interval), "interval", "TIME", "between two looks (2s)",
		option_text},
	{0, offsetof(struct request, once), "once", NULL, "print one look, as a list", option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

enum {
	SHORTEST = 100, /* milliseconds between two looks */
	GLANCE = 500,   /* between those of --once */
	ESCAPE = 0x1b,
	INTERRUPT = 3, /* ctrl-c */
	SUSPEND = 26,  /* ctrl-z */
	ERASE = 0x7f,
	ENTER = '\r'
};

static struct top top;
static struct usage_from from;
static struct initctl_message reply;

static int compare(const void *one, const void *other, const void *order)
{
	const struct process *a = one, *b = other;
	long long difference = 0;

	switch (*(const enum top_order *)order) {
	case TOP_BY_CPU:
		difference = b->load - a->load;
		break;
	case TOP_BY_MEMORY:
		difference = b->resident - a->resident;
		break;
	case TOP_BY_TIME:
		difference = b->user + b->system - a->user - a->system;
		break;
	case TOP_BY_PID:
	case TOP_ORDERS:
		break;
	}
	if (!difference)
		difference = a->pid - b->pid;
	return (difference > 0) - (difference < 0);
}

static bool is_wanted(const struct process *process)
{
	static char command[PROCESS_COMMAND];

	process_command(top.snapshot.proc, process, command);
	return scan_find(command, top.filter) || scan_find(process->name, top.filter);
}

/* Brings the processes of the last look into the order in which they are shown. */
static void arrange(void)
{
	struct process_list *list = &top.snapshot.list;
	size_t kept = 0;

	for (size_t i = 0; i < list->count && *top.filter; i++)
		if (is_wanted(&list->processes[i]))
			list->processes[kept++] = list->processes[i];
	if (*top.filter)
		list->count = kept;
	if (top.tree)
		pstree_order(list);
	else
		sort_array(
			list->processes, list->count, sizeof *list->processes, compare, &top.order);
}

static void look(void)
{
	snapshot_take(&top.snapshot);
	usagelines_look(&from, &top.look);
	arrange();
}

static void draw(void)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};

	sys_ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	topview_draw(&top, size.ws_row ? size.ws_row : 24, size.ws_col ? size.ws_col : 80);
}

/* Moves the selection by that many processes. */
static void move(int by)
{
	const struct process_list *list = &top.snapshot.list;
	long at = 0;

	while (at < (long)list->count && list->processes[at].pid != top.selected)
		at++;
	if (at == (long)list->count)
		at = by > 0 ? -1 : 0;
	at += by;
	if (at < 0)
		at = 0;
	if (at >= (long)list->count)
		at = (long)list->count - 1;
	if (at >= 0)
		top.selected = list->processes[at].pid;
}

/* Sends the signal that was typed to the selected process, and notes how that went. */
static void send_signal(const struct context *context)
{
	const int connection = verb_connect(context);
	const char *signal = *top.input ? top.input : "TERM", *reason = "no answer";
	char data[256];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "signal");
	initctl_add(&request, "signal", signal);
	initctl_add_number(&request, "pid", top.selected);
	if (!initctl_call(connection, &request, NULL, 0, &reply)) {
		initctl_discard(&reply);
		reason = initctl_is(&reply, "signalled") ? NULL : initctl_field(&reply, "message");
	}
	close(connection);
	if (reason)
		out_format(top.note, sizeof top.note, "cannot send %s to %d: %s", signal,
			(int)top.selected, reason);
	else
		out_format(top.note, sizeof top.note, "sent %s to %d", signal, (int)top.selected);
}

/* What a prompt asks for. */
static const char signal_prompt[] = "signal to send (TERM)", filter_prompt[] = "show only";

static void answer(const struct context *context)
{
	if (top.prompt == signal_prompt) {
		send_signal(context);
	} else {
		memcpy(top.filter, top.input, sizeof top.filter);
		top.first = 0;
	}
	top.prompt = NULL;
}

/* A key while something is asked for. */
static void type(const struct context *context, char key)
{
	size_t length = strlen(top.input);

	if (key == ENTER || key == '\n')
		answer(context);
	else if (key == ESCAPE || key == INTERRUPT)
		top.prompt = NULL;
	else if (key == ERASE || key == '\b') {
		/* All bytes of a character. */
		while (length && (top.input[--length] & 0xc0) == 0x80)
			;
		top.input[length] = 0;
	} else if (length + 1 < sizeof top.input && (unsigned char)key >= ' ') {
		top.input[length] = key;
		top.input[length + 1] = 0;
	}
}

static void ask(const char *prompt)
{
	top.prompt = prompt;
	memset(top.input, 0, sizeof top.input);
}

/* A key; false: it is to quit. */
static bool press(char key)
{
	static const char orders[] = "cmip";
	const char *order = strchr(orders, key);

	*top.note = 0;
	if (order && key)
		top.order = (enum top_order)(order - orders);
	switch (key) {
	case 'q':
	case INTERRUPT:
		return false;
	case 't':
		top.tree = !top.tree;
		break;
	case '/':
		ask(filter_prompt);
		break;
	case 's':
	case 'k':
		if (top.selected)
			ask(signal_prompt);
		else
			text_copy(top.note, "select a process first, by the arrow keys");
		break;
	case SUSPEND:
		terminal_pause();
		sys_kill(getpid(), SIGSTOP);
		terminal_resume();
		break;
	default:
		break;
	}
	return true;
}

/* The keys that are sequences of three characters. */
static int arrow(const char *keys, size_t length)
{
	if (length < 3 || keys[0] != ESCAPE || (keys[1] != '[' && keys[1] != 'O'))
		return 0;
	return keys[2] == 'A'   ? -1
	       : keys[2] == 'B' ? 1
	       : keys[2] == '5' ? -10
	       : keys[2] == '6' ? 10
	                        : 0;
}

/* Reads keys. Returns false if the operator quits, or the terminal is gone. */
static bool read_keys(const struct context *context)
{
	char keys[64];
	ssize_t length = read(STDIN_FILENO, keys, sizeof keys);
	int by;

	if (length <= 0)
		return length < 0 && (errno == EINTR || errno == EAGAIN);
	for (char *p = keys; p < keys + length; p++) {
		by = top.prompt ? 0 : arrow(p, (size_t)(keys + length - p));
		if (by) {
			move(by);
			/* "~" ends that of a page. */
			p += by * by > 1 ? 3 : 2;
		} else if (top.prompt) {
			type(context, *p);
		} else if (!press(*p)) {
			return false;
		}
	}
	return true;
}

/* A descriptor of the signals that end this process, or tell of the terminal's size. */
static int open_signals(void)
{
	static const unsigned char awaited[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, 0};
	sigset_t before;

	return handler_open(awaited, &before);
}

/*
 * Waits until that time for keys and signals. Returns -1 if the time has come, and else the exit
 * code with which the program is to end.
 */
static int wait_until(const struct context *context, long long time, int signals, int connection)
{
	struct signalfd_siginfo info;
	long long left;

	while ((left = time - sys_now()) > 0) {
		struct pollfd polls[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			{.fd = signals, .events = POLLIN}, {.fd = connection, .events = POLLIN}};
		if (poll(polls, 3, (int)left) <= 0)
			continue;
		if (polls[1].revents && read(signals, &info, sizeof info) == sizeof info &&
			info.ssi_signo != SIGWINCH)
			return EXIT_SIGNAL + (int)info.ssi_signo;
		if (polls[0].revents && !read_keys(context))
			return 0;
		if (polls[2].revents)
			return EXIT_CONTAINER_ENDED;
		if (!top.prompt)
			arrange();
		draw();
	}
	return -1;
}

/* init closes the connection when the container ends. */
static int run(const struct context *context, long long interval)
{
	const int connection = verb_connect(context), signals = open_signals();
	int code;

	if (signals < 0 || terminal_raw(STDOUT_FILENO, true))
		fail_cannot("set up the terminal", NULL);
	do {
		const long long next = sys_now() + interval;
		look();
		draw();
		code = wait_until(context, next, signals, connection);
	} while (code < 0);
	terminal_restore();
	if (code == EXIT_CONTAINER_ENDED)
		die(EXIT_CONTAINER_ENDED, "cannot look at processes: the container ended");
	return code;
}

/* The list of --once, in the order of the use of the CPU. */
static int print_once(const struct context *context)
{
	static const enum snapshot_name names[] = {COLUMN_PID, COLUMN_USER, COLUMN_STATE,
		COLUMN_CPU, COLUMN_RSS, COLUMN_TIME, COLUMN_ROLE, COLUMN_COMMAND};
	enum { COUNT = sizeof names / sizeof *names };
	static struct table_column columns[COUNT];
	struct table table;

	look();
	poll(NULL, 0, GLANCE);
	look();
	if (context->json)
		usagelines_json(&top.look);
	else
		usagelines_print(&top.look, table_terminal_width());
	if (!context->json)
		out_char('\n');
	for (unsigned i = 0; i < COUNT; i++)
		columns[i] = snapshot_columns[names[i]];
	table_begin(&table, "process", columns, COUNT, context->json);
	for (size_t i = 0; i < top.snapshot.list.count; i++)
		for (unsigned j = 0; j < COUNT; j++)
			snapshot_cell(&top.snapshot, &top.snapshot.list.processes[i], names[j], "",
				&table);
	table_print(&table);
	return verb_printed();
}

int verb_top(const struct context *context, char **arguments)
{
	struct request request = {.once = false};
	long long interval = 2000;

	options_take(top_options, &request, &arguments);
	arguments_end(arguments);
	if (request.interval &&
		(number_parse_time(request.interval, &interval) || interval < SHORTEST))
		fail_usage("bad value for --interval", request.interval);
	if (!request.once && (!terminal_is_open(STDIN_FILENO) || !terminal_is_open(STDOUT_FILENO)))
		fail_note("cannot draw a screen: stdin and stdout are no terminal, see --once",
			NULL, NULL);
	snapshot_open(&top.snapshot, context);
	usagesource_open(context, &from);
	return request.once ? print_once(context) : run(context, interval);
}
