/*
 * debug: the verb for a shell with the operator's tools among the container's processes.
 *
 * Three processes: initctl itself, which relays and stays outside; a minder, which enters the
 * container's namespaces, but for its PID namespace, makes the root of tools and speaks to initctl
 * as init would; its child, in the PID namespace as well, which supervises the command.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "exit.h"
#include "handler.h"
#include "memory.h"
#include "minder.h"
#include "nsenter.h"
#include "out.h"
#include "program.h"
#include "relay.h"
#include "scope.h"
#include "standard.h"
#include "terminal.h"
#include "toolroot.h"
#include "verbs.h"

struct debug {
	struct toolroot root;
	struct nslist list;
	int fds[NS_KINDS];
	struct minder minder;
	bool terminal;
	const char *tools, *directory;
	char **env; /* those given, PATH, HOME, TERM, that of the scope, and NULL */
	unsigned env_count;
};

static struct initctl_message reply;

/* Where a variable of that name is, or is to be added. */
static char **find_variable(struct debug *debug, const char *word)
{
	const size_t length = strcspn(word, "=");
	unsigned i = 0;

	while (i < debug->env_count &&
		(strncmp(debug->env[i], word, length) != 0 || debug->env[i][length] != '='))
		i++;
	return &debug->env[i];
}

static void set_variable(struct debug *debug, char *word)
{
	char **at = find_variable(debug, word);

	debug->env_count += !*at;
	*at = word;
}

static void set_default(struct debug *debug, char *word)
{
	if (!*find_variable(debug, word))
		set_variable(debug, word);
}

static void store_variable(void *field, const char *value)
{
	struct debug *debug = field;
	char *own = getenv(value);

	if (strchr(value, '='))
		set_variable(debug, (char *)(uintptr_t)value);
	else if (own)
		/* getenv() points into the string NAME=VALUE of environ. */
		set_variable(debug, own - strlen(value) - 1);
}

#define AT(member) offsetof(struct debug, member)

const struct option debug_options[] = {
	{0, AT(tools), "tools", "FILE", "file or directory of the tools", option_text},
	{'w', AT(directory), NULL, "DIR", "in this directory", option_text},
	{'e', 0, NULL, "NAME[=VALUE]", "set a variable, or pass ours", store_variable},
	{0, 0, NULL, NULL, NULL, NULL},
};

/*
 * The command gets none of our variables, which processes of the container might read. A flat
 * directory of tools is in PATH as well.
 */
static void set_environment(struct debug *debug)
{
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/";
	static char home[] = "HOME=/", scope[] = SCOPE_VARIABLE "=1";
	char *type = getenv("TERM");

	set_default(debug, path);
	set_default(debug, home);
	set_default(debug, scope);
	if (type)
		set_default(debug, type - 5);
	debug->minder.environment = debug->env;
}

static void set_command(struct debug *debug, char **arguments)
{
	static char shell[] = "sh", *words[] = {shell, NULL};

	debug->minder.command = *arguments ? arguments : words;
	debug->minder.directory = debug->directory ? debug->directory : "/";
	if (!*arguments && debug->root.name && !toolroot_is_busybox(&debug->root))
		words[0] = (char *)(uintptr_t)debug->root.name;
}

static void fetch(const struct context *context, struct debug *debug)
{
	const int connection = verb_connect(context);

	for (unsigned i = 0; i < NS_KINDS; i++) {
		debug->fds[i] = verb_fetch(connection, "namespace", ns_names[i].name, false);
		if (debug->fds[i] >= 0)
			debug->list.kinds[debug->list.count++] = i;
	}
	nslist_check(debug->fds);
	debug->root.container = verb_fetch(connection, "what", "root", true);
	debug->root.proc = verb_fetch(connection, "what", "proc", true);
	close(connection);
}

/*
 * busybox makes links for all that it is. It is to be seen in the container, and so has nothing of
 * ours, and may be stopped there: it ends with this process.
 */
static void install_links(const char *name)
{
	char path[NAME_MAX + 8], *words[] = {"busybox", "--install", "-s", "/bin", NULL};
	pid_t child = nsenter_fork();

	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	file_close_range(0, ~0U, FILE_CLOSE_NOW);
	out_format(path, sizeof path, "/bin/%s", name);
	execve(path, words, environ);
	_exit(1);
}

/* The minder. It reports what fails on the operator's stderr, and ends without a reply. */
_Noreturn static void serve(struct debug *debug)
{
	struct minder *minder = &debug->minder;
	sigset_t all;
	int slave;

	/* The operator's keys are for the relay alone, which passes them on. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	toolroot_copy(&debug->root, debug->fds);
	nslist_drop(&debug->list, NS_MNT);
	nsenter(&debug->list, debug->fds, -1);
	/* After that, since a change of ids takes it back. */
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	toolroot_build(&debug->root);
	if (debug->terminal) {
		minder->master = toolroot_terminal(&slave);
		terminal_copy_size(terminal_ours(), minder->master, 0);
		for (int fd = 0; fd <= 2; fd++)
			minder->stdio[fd] = slave;
	}
	if (toolroot_is_busybox(&debug->root))
		install_links(debug->root.name);
	minder_run(minder, &reply);
}

/* Starts the minder. Returns our end of its connection, once it has replied. */
static int start(struct debug *debug)
{
	const struct initctl_exec expected = {.terminal = debug->terminal};
	int ends[2], status = 0;
	pid_t child;

	if (sys_socketpair(ends))
		fail_cannot("make a pair of sockets", NULL);
	child = sys_fork(0);
	if (child < 0)
		fail_cannot("fork", NULL);
	debug->minder.connection = ends[1];
	if (!child) {
		close(ends[0]);
		serve(debug);
	}
	close(ends[1]);
	relay_await_start(ends[0], *debug->minder.command);
	if (!initctl_exec_end(ends[0], &expected, &reply))
		return ends[0];
	/* It has said why. */
	if (waitpid(child, &status, 0) == child && WIFEXITED(status))
		exit(WEXITSTATUS(status));
	fail_note("cannot run ", *debug->minder.command, ": its minder was killed");
}

int verb_debug(const struct context *context, char **arguments)
{
	struct debug debug = {.minder = {.master = -1}};
	struct relay relay = {.master = -1, .in = -1, .out = {-1, -1}, .detach_keys = ""};

	size_t words = 0;

	while (arguments[words])
		words++;
	debug.env = memory_piece((words + 5) * sizeof *debug.env);
	options_take(debug_options, &debug, &arguments);
	if (!debug.tools)
		fail_usage("no --tools given", NULL);
	program_protect(context->words);
	debug.minder.program = program_open_own();
	toolroot_open(&debug.root, debug.tools);
	set_environment(&debug);
	set_command(&debug, arguments);
	fetch(context, &debug);
	debug.terminal = isatty(0) && isatty(1);
	if (!debug.terminal)
		standard_pass(debug.minder.stdio, &relay, false);
	/* If SIGCHLD is ignored, the kernel reaps the children and their status is lost. */
	handler_set(SIGCHLD, SIG_DFL);
	relay_block_signals();
	relay.object = *debug.minder.command;
	relay.connection = start(&debug);
	if (debug.terminal)
		relay.master = reply.fds[0];
	else
		standard_close(debug.minder.stdio);
	return relay_run(&relay);
}
