/*
 * The verbs that run something inside, or come back to it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "input.h"
#include "output.h"
#include "passwd.h"
#include "program.h"
#include "relay.h"
#include "terminal.h"
#include "verbs.h"

enum { LISTED = 256 };

/* What exec and shell were asked for. */
struct run {
	struct initctl_exec exec;
	const char *program; /* file, or NULL */
	const char *detach;
	int terminal; /* 1 -t, 0 -T, -1 as it comes */
	bool detached;
	const char *env[LISTED + 2], *limits[LISTED];
	unsigned env_count, limit_count;
};

static struct initctl_message answer;

static void add_variable(struct run *run, const char *word)
{
	if (run->env_count == LISTED)
		verb_misused("too many variables:", word);
	if (strchr(word, '=')) {
		run->env[run->env_count++] = word;
	} else if (getenv(word)) {
		/* environ has it as NAME=VALUE; the value stands behind its name there. */
		run->env[run->env_count++] = getenv(word) - strlen(word) - 1;
	}
}

static void add_limit(struct run *run, const char *word)
{
	if (run->limit_count == LISTED - 1)
		verb_misused("too many limits:", word);
	run->limits[run->limit_count++] = word;
}

static bool take_value(struct run *run, const char *word, char ***arguments)
{
	const char *value;

	if ((value = verb_value(word, "-u", arguments)))
		run->exec.user = value;
	else if ((value = verb_value(word, "-w", arguments)))
		run->exec.directory = value;
	else if ((value = verb_value(word, "-e", arguments)))
		add_variable(run, value);
	else if ((value = verb_value(word, "--program", arguments)))
		run->program = value;
	else if ((value = verb_value(word, "--umask", arguments)))
		run->exec.mask = value;
	else if ((value = verb_value(word, "--rlimit", arguments)))
		add_limit(run, value);
	else if ((value = verb_value(word, "--detach-keys", arguments)))
		run->detach = value;
	return value;
}

static char **take_options(struct run *run, char **arguments)
{
	char *word;

	while ((word = *arguments) && word[0] == '-' && word[1]) {
		arguments++;
		if (!strcmp(word, "--"))
			break;
		if (!strcmp(word, "-t"))
			run->terminal = 1;
		else if (!strcmp(word, "-T"))
			run->terminal = 0;
		else if (!strcmp(word, "-d"))
			run->detached = true;
		else if (!strcmp(word, "--no-new-privs"))
			run->exec.no_new_privileges = true;
		else if (!take_value(run, word, &arguments))
			verb_misused("unknown option", word);
	}
	return arguments;
}

static void set_terminal(struct run *run)
{
	struct winsize size = {.ws_row = 24, .ws_col = 80};
	bool has_type = false;
	int ours = terminal_ours();

	run->exec.terminal = true;
	if (ours >= 0)
		sys_ioctl(ours, TIOCGWINSZ, &size);
	run->exec.height = size.ws_row;
	run->exec.width = size.ws_col;
	for (unsigned i = 0; i < run->env_count; i++)
		has_type |= !strncmp(run->env[i], "TERM=", 5);
	if (!has_type && getenv("TERM"))
		add_variable(run, "TERM");
	else if (!has_type)
		add_variable(run, "TERM=linux");
}

static int null_device(int flags)
{
	int fd = open("/dev/null", flags | O_CLOEXEC);

	if (fd < 0)
		die_errno(125, "open /dev/null");
	return fd;
}

/*
 * A descriptor of ours for the session: passed as it is, or, where it is a terminal,
 * one end of a pipe whose other end is kept in *kept to be relayed.
 */
static int stdio_for(const struct run *run, int fd, int *kept)
{
	int flags = fcntl(fd, F_GETFL), ends[2], mine = fd == 0;

	*kept = -1;
	if (flags < 0 || (flags & O_PATH) || run->detached)
		return null_device(fd ? O_WRONLY : O_RDONLY);
	if (!terminal_is(fd))
		return fd;
	if (sys_pipe(ends))
		die_errno(125, "make a pipe");
	*kept = ends[mine];
	return ends[!mine];
}

/* Both are one terminal, so that one pipe keeps the order of what is printed. */
static bool same_terminal(int a, int b)
{
	struct stat one, other;

	return terminal_is(a) && terminal_is(b) && !fstat(a, &one) && !fstat(b, &other) &&
	       one.st_rdev == other.st_rdev;
}

static void set_stdio(struct run *run, struct relay *relay)
{
	int *stdio = run->exec.stdio;

	stdio[0] = stdio_for(run, 0, &relay->in);
	stdio[1] = stdio_for(run, 1, &relay->out[0]);
	if (relay->out[0] >= 0 && same_terminal(1, 2))
		stdio[2] = stdio[1];
	else
		stdio[2] = stdio_for(run, 2, &relay->out[1]);
}

/*
 * The session's copies are its own. What was passed as it is goes too, all but stderr:
 * a reader of our stdout sees its end when those inside have closed it.
 */
static void drop_stdio(const struct run *run)
{
	const int *stdio = run->exec.stdio;

	for (int fd = 0; fd <= 2; fd++)
		if (stdio[fd] != 2)
			close(stdio[fd]);
}

/* What it is that failed in that stage. */
static int output_start_failed(const struct run *run)
{
	const char *stage = initctl_field(&answer, "stage"), *object = run->exec.args[0];

	if (stage && !strcmp(stage, "cwd") && run->exec.directory)
		object = run->exec.directory;
	else if (stage && !strcmp(stage, "user") && run->exec.user)
		object = run->exec.user;
	return output_failed(&answer, object);
}

/* Leaves the session to init, and prints its number. */
static int hold(const struct run *run, int connection, int master)
{
	char data[64], session[24];
	struct initctl_request request;

	snprintf(session, sizeof session, "%llu", initctl_number(&answer, "session", ~0ULL, 0));
	initctl_begin(&request, data, sizeof data, "hold");
	if (initctl_call(connection, &request, &master, master >= 0, &answer))
		die_errno(125, "detach from ", run->exec.args[0]);
	/* One that was quick has ended already: there is nothing left to hold. */
	if (!initctl_is(&answer, "held") && initctl_code(&answer) < 0)
		return output_failed(&answer, run->exec.args[0]);
	puts(session);
	return verb_printed();
}

static int start(const struct context *context, struct run *run)
{
	char keys[INPUT_HELD];
	struct relay relay = {.master = -1, .in = -1, .out = {-1, -1}, .detach = keys};
	int failed;

	if (input_keys(run->detach ? run->detach : "ctrl-p,ctrl-q", keys, sizeof keys))
		verb_misused("bad keys for --detach-keys", run->detach);
	if (run->terminal < 0)
		run->terminal = !run->detached && isatty(0) && isatty(1);
	if (run->terminal)
		set_terminal(run);
	run->exec.env = run->env;
	run->exec.limits = run->limits;
	run->exec.program = run->program ? program_open(run->program) : -1;
	relay.object = run->exec.args[0];
	relay.connection = verb_connect(context);
	if (!run->terminal)
		set_stdio(run, &relay);
	if (!run->detached)
		relay_block_signals();
	failed = initctl_exec_begin(relay.connection, &run->exec, &answer);
	if (!failed) {
		relay_await_start(relay.connection);
		failed = initctl_exec_end(relay.connection, &run->exec, &answer);
	}
	if (failed < 0)
		die_errno(125, "run ", relay.object);
	if (failed)
		return output_start_failed(run);
	if (run->terminal)
		relay.master = answer.fds[0];
	else
		drop_stdio(run);
	return run->detached ? hold(run, relay.connection, relay.master) : relay_run(&relay);
}

int verb_exec(const struct context *context, char **arguments)
{
	struct run run = {.terminal = -1};

	arguments = take_options(&run, arguments);
	if (!*arguments)
		die(125, "no command given, see 'initctl --help'");
	run.exec.args = arguments;
	return start(context, &run);
}

int verb_shell(const struct context *context, char **arguments)
{
	struct run run = {.terminal = 1};
	char shell[PASSWD_SHELL], *words[] = {shell, NULL};
	const char *base;

	arguments = take_options(&run, arguments);
	verb_no_more(arguments);
	if (run.program) {
		/* A busybox goes by the name it is called. */
		base = strrchr(run.program, '/');
		base = base ? base + 1 : run.program;
		snprintf(shell, sizeof shell, "%s", strncmp(base, "busybox", 7) ? base : "sh");
	} else {
		passwd_shell(context, run.exec.user, shell);
	}
	run.exec.args = words;
	return start(context, &run);
}

int verb_attach(const struct context *context, char **arguments)
{
	char keys[INPUT_HELD], data[128];
	struct relay relay = {
		.master = -1, .in = -1, .out = {-1, -1}, .detach = keys, .attached = true};
	const char *detach = NULL, *id;
	struct initctl_request request;

	if (*arguments && !strncmp(*arguments, "--detach-keys", 13)) {
		id = *arguments++;
		detach = verb_value(id, "--detach-keys", &arguments);
	}
	id = verb_word(&arguments, "session");
	verb_no_more(arguments);
	if (input_keys(detach ? detach : "ctrl-p,ctrl-q", keys, sizeof keys))
		verb_misused("bad keys for --detach-keys", detach);
	initctl_begin(&request, data, sizeof data, "attach");
	initctl_add(&request, "session", id + (*id == '%'));
	if (request.full)
		verb_misused("no such session:", id);
	relay.connection = verb_connect(context);
	relay.object = id;
	relay_block_signals();
	if (initctl_call(relay.connection, &request, NULL, 0, &answer))
		die_errno(125, "attach ", id);
	if (initctl_is(&answer, "failed"))
		return output_failed(&answer, id);
	if (!initctl_is(&answer, "attached") || answer.count > 1)
		die(125, "attach ", id, ": this is not what init answers");
	if (answer.count && !initctl_is_master(answer.fds[0]))
		die(125, "attach ", id, ": what init holds is not a terminal");
	if (answer.count)
		relay.master = answer.fds[0];
	return relay_run(&relay);
}
