/*
 * exec: the verbs that start a session, or attach to one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
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

/* AUTO: a terminal if stdin and stdout are terminals. */
enum terminal { TERMINAL_AUTO, TERMINAL_YES, TERMINAL_NO };

/* What exec and shell were asked for. */
struct run {
	struct initctl_exec exec;
	const char *program; /* file, or NULL */
	const char *detach;
	enum terminal terminal;
	bool detached;
	const char *env[LISTED + 2], *limits[LISTED];
	unsigned env_count, limit_count;
};

static struct initctl_message answer;

static void add_variable(struct run *run, const char *word)
{
	if (run->env_count == LISTED)
		fail_usage("too many variables:", word);
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
		fail_usage("too many limits:", word);
	run->limits[run->limit_count++] = word;
}

static void store_variable(void *field, const char *value)
{
	add_variable(field, value);
}

static void store_limit(void *field, const char *value)
{
	add_limit(field, value);
}

static void store_terminal(void *field, const char *value)
{
	(void)value;
	*(enum terminal *)field = TERMINAL_YES;
}

static void store_no_terminal(void *field, const char *value)
{
	(void)value;
	*(enum terminal *)field = TERMINAL_NO;
}

#define AT(member) offsetof(struct run, member)

const struct option exec_options[] = {
	{"-t", NULL, NULL, "on a terminal of the container", store_terminal, AT(terminal)},
	{"-T", NULL, NULL, "not on a terminal", store_no_terminal, AT(terminal)},
	{"-u", NULL, "UID[:GID[,GID...]]", "as this user; numbers only", option_text,
		AT(exec.user)},
	{"-w", NULL, "DIR", "in this directory", option_text, AT(exec.directory)},
	{"-e", NULL, "NAME[=VALUE]", "set a variable, or pass ours", store_variable, 0},
	{"-d", NULL, NULL, "detached: print the session, do not wait", option_true, AT(detached)},
	{NULL, "--program", "FILE", "run this static program of the host", option_text,
		AT(program)},
	{NULL, "--umask", "OCTAL", "with this umask", option_text, AT(exec.mask)},
	{NULL, "--rlimit", "NAME:SOFT:HARD", "with this resource limit", store_limit, 0},
	{NULL, "--no-new-privs", NULL, "programs gain no privileges", option_true,
		AT(exec.no_new_privileges)},
	{NULL, "--detach-keys", "KEYS", "detach by these (ctrl-p,ctrl-q)", option_text, AT(detach)},
	{NULL, NULL, NULL, NULL, NULL, 0},
};

const struct option attach_options[] = {
	{NULL, "--detach-keys", "KEYS", "detach by these (ctrl-p,ctrl-q)", option_text, 0},
	{NULL, NULL, NULL, NULL, NULL, 0},
};

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
		fail_errno("open /dev/null");
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
		fail_errno("make a pipe");
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

/* What the operator gave for a field, where there was one value only. */
static const char *value_of(const struct run *run, const char *field)
{
	if (!strcmp(field, "user"))
		return run->exec.user;
	if (!strcmp(field, "cwd"))
		return run->exec.directory;
	if (!strcmp(field, "umask"))
		return run->exec.mask;
	if (!strcmp(field, "rlimits") && run->limit_count == 1)
		return run->limits[0];
	if (!strcmp(field, "env") && run->env_count == 1)
		return run->env[0];
	return NULL;
}

static int output_start_failed(const struct run *run)
{
	const char *stage = initctl_field(&answer, "stage"),
		   *field = initctl_field(&answer, "field");
	const char *object = NULL;

	/* At these stages it is not the command that is the object. */
	if (stage && (!strcmp(stage, "user") || !strcmp(stage, "cwd")))
		object = value_of(run, stage);
	return output_failed(
		&answer, object ? object : run->exec.args[0], field ? value_of(run, field) : NULL);
}

/* Leaves the session to init, and prints its number. */
static int hold(const struct run *run, int connection, int master)
{
	char data[64], session[24];
	struct initctl_request request;

	snprintf(session, sizeof session, "%llu", initctl_number(&answer, "session", ~0ULL, 0));
	initctl_begin(&request, data, sizeof data, "hold");
	if (initctl_call(connection, &request, &master, master >= 0, &answer))
		fail_errno("detach from ", run->exec.args[0]);
	/* One that was quick has ended already: there is nothing left to hold. */
	if (!initctl_is(&answer, "held") && initctl_code(&answer) < 0)
		return output_failed(&answer, run->exec.args[0], NULL);
	puts(session);
	return verb_printed();
}

static int start(const struct context *context, struct run *run)
{
	char keys[INPUT_HELD];
	struct relay relay = {.master = -1, .in = -1, .out = {-1, -1}, .detach = keys};
	int failed;

	if (input_keys(run->detach ? run->detach : "ctrl-p,ctrl-q", keys, sizeof keys))
		fail_usage("bad keys for --detach-keys", run->detach);
	if (run->terminal == TERMINAL_YES ||
		(run->terminal == TERMINAL_AUTO && !run->detached && isatty(0) && isatty(1)))
		set_terminal(run);
	run->exec.env = run->env;
	run->exec.limits = run->limits;
	run->exec.program = run->program ? program_open(run->program) : -1;
	relay.object = run->exec.args[0];
	relay.connection = verb_connect(context);
	if (!run->exec.terminal)
		set_stdio(run, &relay);
	if (!run->detached)
		relay_block_signals();
	failed = initctl_exec_begin(relay.connection, &run->exec, &answer);
	if (!failed) {
		relay_await_start(relay.connection);
		failed = initctl_exec_end(relay.connection, &run->exec, &answer);
	}
	if (failed < 0)
		fail_errno("run ", relay.object);
	if (failed)
		return output_start_failed(run);
	if (run->exec.terminal)
		relay.master = answer.fds[0];
	else
		drop_stdio(run);
	return run->detached ? hold(run, relay.connection, relay.master) : relay_run(&relay);
}

int verb_exec(const struct context *context, char **arguments)
{
	struct run run = {.terminal = TERMINAL_AUTO};

	options_take(exec_options, &run, &arguments);
	if (!*arguments)
		fail("no command given, see 'initctl --help'");
	run.exec.args = arguments;
	return start(context, &run);
}

int verb_shell(const struct context *context, char **arguments)
{
	struct run run = {.terminal = TERMINAL_YES};
	char shell[PASSWD_SHELL], *words[] = {shell, NULL};
	const char *base;

	options_take(exec_options, &run, &arguments);
	arguments_end(arguments);
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

	options_take(attach_options, &detach, &arguments);
	id = argument_take(&arguments, "session");
	arguments_end(arguments);
	if (input_keys(detach ? detach : "ctrl-p,ctrl-q", keys, sizeof keys))
		fail_usage("bad keys for --detach-keys", detach);
	initctl_begin(&request, data, sizeof data, "attach");
	initctl_add(&request, "session", id + (*id == '%'));
	if (request.full)
		fail_usage("no such session:", id);
	relay.connection = verb_connect(context);
	relay.object = id;
	relay_block_signals();
	if (initctl_call(relay.connection, &request, NULL, 0, &answer))
		fail_errno("attach ", id);
	if (initctl_is(&answer, "failed"))
		return output_failed(&answer, id, id);
	if (!initctl_is(&answer, "attached") || answer.count > 1)
		fail("cannot attach ", id, ": unexpected reply from init");
	if (answer.count && !initctl_is_master(answer.fds[0]))
		fail("cannot attach ", id, ": init did not pass a terminal");
	if (answer.count)
		relay.master = answer.fds[0];
	return relay_run(&relay);
}
