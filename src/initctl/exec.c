/*
 * exec: the verbs that start a session, or attach to one.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "input.h"
#include "login.h"
#include "memory.h"
#include "out.h"
#include "output.h"
#include "program.h"
#include "relay.h"
#include "scope.h"
#include "standard.h"
#include "terminal.h"
#include "verbs.h"

/* AUTO: on a terminal if our stdin and stdout are terminals and -d is not given. */
enum terminal { TERMINAL_AUTO, TERMINAL_YES, TERMINAL_NO };

/* The arguments of exec and shell. */
struct run {
	struct initctl_exec exec;
	const char *program;     /* path of a file of the host, or NULL */
	const char *detach_keys; /* NULL: the default */
	enum terminal terminal;
	bool detached;
	bool scope;
	const char **env;    /* those of the user, those given, TERM, that of the scope, and NULL */
	const char **limits; /* those given, and NULL */
	unsigned env_count, limit_count;
};

static struct initctl_message reply;

static void add_variable(struct run *run, const char *word)
{
	if (strchr(word, '=')) {
		run->env[run->env_count++] = word;
	} else if (getenv(word)) {
		/* getenv() points into the string NAME=VALUE of environ. */
		run->env[run->env_count++] = getenv(word) - strlen(word) - 1;
	}
}

static void store_variable(void *field, const char *value)
{
	add_variable(field, value);
}

static void store_limit(void *field, const char *value)
{
	struct run *run = field;

	run->limits[run->limit_count++] = value;
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
	{'t', AT(terminal), NULL, NULL, "on a terminal of the container", store_terminal},
	{'T', AT(terminal), NULL, NULL, "not on a terminal", store_no_terminal},
	{'u', AT(exec.user), NULL, "USER[:GROUP[,GROUP...]]", "as this user, by names or numbers",
		option_text},
	{'w', AT(exec.directory), NULL, "DIR", "in this directory", option_text},
	{'e', 0, NULL, "NAME[=VALUE]", "set a variable, or pass ours", store_variable},
	{'d', AT(detached), NULL, NULL, "detached: print the session, do not wait", option_true},
	{0, AT(program), "program", "FILE", "run this static program of the host", option_text},
	{0, AT(scope), "scope", NULL, "end what the command leaves behind", option_true},
	{0, AT(exec.mask), "umask", "OCTAL", "with this umask", option_text},
	{0, 0, "rlimit", "NAME:SOFT:HARD", "with this resource limit", store_limit},
	{0, AT(exec.privileged), "privileged", NULL, "as root with all that init may do",
		option_true},
	{0, AT(exec.no_new_privileges), "no-new-privs", NULL, "programs gain no privileges",
		option_true},
	{0, AT(detach_keys), "detach-keys", "KEYS", "detach by these (ctrl-p,ctrl-q)", option_text},
	{0, 0, NULL, NULL, NULL, NULL},
};

const struct option attach_options[] = {
	{0, 0, "detach-keys", "KEYS", "detach by these (ctrl-p,ctrl-q)", option_text},
	{0, 0, NULL, NULL, NULL, NULL},
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

/* The value that the operator gave for a field of the request; NULL for none or several. */
static const char *value_of(const struct run *run, const char *field)
{
	const char *const values[] = {run->exec.user, run->exec.directory, run->exec.mask,
		run->limit_count == 1 ? run->limits[0] : NULL,
		run->env_count == 1 ? run->env[0] : NULL, NULL};

	return values[text_number("user\0cwd\0umask\0rlimits\0env\0", field, 0)];
}

static int output_start_failed(const struct run *run)
{
	const char *stage = initctl_field(&reply, "stage"), *field = initctl_field(&reply, "field");
	const char *object = NULL;

	/* The object of these stages is the user or the directory, not the command. */
	if (stage && (!strcmp(stage, "user") || !strcmp(stage, "cwd")))
		object = value_of(run, stage);
	return output_failed(
		&reply, object ? object : run->exec.args[0], field ? value_of(run, field) : NULL);
}

/* Hands the session over to init, and prints its number. Returns the exit code. */
static int hold(const struct run *run, int connection, int master)
{
	const unsigned long long session = initctl_number(&reply, "session", ~0ULL, 0);
	char data[64];
	struct initctl_request request;

	initctl_begin(&request, data, sizeof data, "hold");
	if (initctl_call(connection, &request, &master, master >= 0, &reply))
		verb_unanswered("detach from ", run->exec.args[0]);
	/* A short command may have ended by now, and "exited" is the reply. */
	if (!initctl_is(&reply, "held") && initctl_code(&reply) < 0)
		return output_failed(&reply, run->exec.args[0], NULL);
	out_print("%llu\n", session);
	return verb_printed();
}

/*
 * Replaces a user who is given by name by his numbers, and puts his variables before those that
 * were given, which override them. login is the caller's, and has to stay.
 */
static void log_in(const struct context *context, struct run *run, struct login *login)
{
	unsigned count = 0;

	if (!run->exec.user || login_is_numeric(run->exec.user))
		return;
	login_find(context, run->exec.user, login);
	while (login->variables[count])
		count++;
	memmove(run->env + count, run->env, run->env_count * sizeof *run->env);
	memcpy(run->env, login->variables, count * sizeof *run->env);
	run->env_count += count;
	run->exec.user = login->user;
}

/* The relay has none of its descriptors yet. */
static void begin_relay(struct relay *relay, const char *detach_keys)
{
	static char keys[INPUT_KEYS];

	relay->master = relay->in = relay->out[0] = relay->out[1] = -1;
	relay->detach_keys = keys;
	if (input_keys(detach_keys ? detach_keys : "ctrl-p,ctrl-q", keys, sizeof keys))
		fail_usage("bad keys for --detach-keys", detach_keys);
}

static int start(const struct context *context, struct run *run)
{
	struct relay relay = {.attached = false};
	int failed;

	if (run->scope && run->program)
		fail_usage("cannot use --scope with --program", NULL);
	begin_relay(&relay, run->detach_keys);
	if (run->terminal == TERMINAL_YES || (run->terminal == TERMINAL_AUTO && !run->detached &&
						     terminal_is_open(0) && terminal_is_open(1)))
		set_terminal(run);
	run->exec.env = run->env;
	run->exec.limits = run->limits;
	run->exec.program = run->program ? program_open(run->program) : -1;
	if (run->scope) {
		run->env[run->env_count++] = SCOPE_VARIABLE "=1";
		run->exec.program = program_open_own();
	}
	relay.object = run->exec.args[0];
	relay.connection = verb_connect(context);
	if (!run->exec.terminal)
		standard_pass(run->exec.stdio, &relay, run->detached);
	if (!run->detached)
		relay_block_signals();
	failed = initctl_exec_begin(relay.connection, &run->exec, &reply);
	if (!failed) {
		relay_await_start(relay.connection, relay.object);
		failed = initctl_exec_end(relay.connection, &run->exec, &reply);
	}
	if (failed < 0)
		verb_unanswered("run ", relay.object);
	if (failed)
		return output_start_failed(run);
	if (run->exec.terminal)
		relay.master = reply.fds[0];
	else
		standard_close(run->exec.stdio);
	return run->detached ? hold(run, relay.connection, relay.master) : relay_run(&relay);
}

/* Reads the options. The lists have room for every word, and are never released. */
static void take_options(struct run *run, char ***arguments)
{
	size_t words = 0;

	while ((*arguments)[words])
		words++;
	run->env = memory_piece((words + 8) * sizeof *run->env);
	run->limits = memory_piece((words + 1) * sizeof *run->limits);
	options_take(exec_options, run, arguments);
}

int verb_exec(const struct context *context, char **arguments)
{
	struct run run = {.terminal = TERMINAL_AUTO};
	struct login login;

	take_options(&run, &arguments);
	if (!*arguments)
		fail_usage("no command given", NULL);
	run.exec.args = arguments;
	log_in(context, &run, &login);
	return start(context, &run);
}

int verb_shell(const struct context *context, char **arguments)
{
	struct run run = {.terminal = TERMINAL_YES};
	struct login login;
	char *words[] = {login.shell, NULL};
	const char *base;

	take_options(&run, &arguments);
	arguments_end(arguments);
	log_in(context, &run, &login);
	if (run.program) {
		/* busybox chooses its applet by the name under which it is executed. */
		base = text_last(run.program, '/');
		out_format(login.shell, sizeof login.shell, "%s",
			strncmp(base, "busybox", 7) ? base : "sh");
	} else if (run.exec.user != login.user) {
		login_find(context, run.exec.user, &login);
	}
	run.exec.args = words;
	return start(context, &run);
}

int verb_attach(const struct context *context, char **arguments)
{
	char data[128];
	struct relay relay = {.attached = true};
	const char *detach_keys = NULL, *id;
	struct initctl_request request;

	options_take(attach_options, &detach_keys, &arguments);
	id = argument_take(&arguments, "session");
	arguments_end(arguments);
	begin_relay(&relay, detach_keys);
	initctl_begin(&request, data, sizeof data, "attach");
	initctl_add(&request, "session", id + (*id == '%'));
	if (request.full)
		fail_usage("no such session:", id);
	relay.connection = verb_connect(context);
	relay.object = id;
	relay_block_signals();
	if (initctl_call(relay.connection, &request, NULL, 0, &reply))
		verb_unanswered("attach to session ", id);
	if (initctl_is(&reply, "failed"))
		return output_failed(&reply, id, id);
	errno = EPROTO;
	if (!initctl_is(&reply, "attached") || reply.count > 1)
		verb_unanswered("attach to session ", id);
	if (reply.count && !initctl_is_master(reply.fds[0]))
		fail_note("cannot attach to session ", id, ": init did not pass a terminal");
	if (reply.count)
		relay.master = reply.fds[0];
	return relay_run(&relay);
}
