/*
 * main: initctl, the operator's program for the control channel of init: its verbs and its help.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/duration.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "base/version.h"
#include "display.h"
#include "exit.h"
#include "help.h"
#include "initctl.h"
#include "many.h"
#include "options.h"
#include "out.h"
#include "scope.h"
#include "verbs.h"
#include "watchdog.h"

/* One row for each verb, or form of it; the help is printed from them. */
const struct verb verbs[] = {
	{"exec", verb_exec, "[OPTIONS] [--] COMMAND...", "run a command, exit as it does",
		exec_options,
		"  initctl exec -- ls /etc\n"
		"  initctl exec -u postgres -- psql -l\n"
		"  tar c . | initctl exec -w /srv -- tar x\n"},
	{"shell", verb_shell, "[OPTIONS]", "run the user's shell on a terminal", exec_options,
		"  initctl shell\n"
		"  initctl shell --program /bin/busybox    (in an image without a shell)\n"},
	{"attach", verb_attach, "[OPTIONS] SESSION", "return to a detached session", attach_options,
		"  initctl attach 3\n"},
	{"sessions", verb_sessions, "", "list the sessions", NULL, NULL},
	{"signal", verb_signal, "SIGNAL [main|all|PID|%SESSION]",
		"send a signal (default: to main)", NULL,
		"  initctl signal HUP\n"
		"  initctl signal KILL 17\n"},
	{"ps", verb_ps, "[OPTIONS]", "list the processes", ps_options,
		"  initctl ps --tree\n"
		"  initctl ps -o pid,pss,command\n"},
	{"top", verb_top, "[OPTIONS]", "show processes and resources, again and again", top_options,
		"  initctl top\n"
		"  initctl top --once | head\n"},
	{"status", verb_status, "", "print the container's state", NULL, NULL},
	{"wait", verb_wait, "", "wait for the main command, exit as it does", NULL, NULL},
	{"watch", verb_watch, "", "print events as they occur", NULL, NULL},
	{"stop", verb_stop, "[OPTIONS]", "stop the container and wait for its end", stop_options,
		"  initctl stop --grace 30s\n"},
	{"stats", verb_stats, "[OPTIONS]", "print what the container uses", stats_options,
		"  initctl stats --follow\n"},
	{"net", verb_net, "[OPTIONS]", "list sockets and the processes that hold them", net_options,
		"  initctl net -tulpn\n"},
	{"freeze", verb_freeze, "", "freeze the processes of the cgroup", NULL, NULL},
	{"thaw", verb_thaw, "", "thaw them", NULL, NULL},
	{"kill", verb_kill, "", "kill them with SIGKILL", NULL, NULL},
	{"limit", verb_limit, "FILE=VALUE...", "set limits, as memory.max=200M", NULL,
		"  initctl limit memory.max=200M pids.max=100\n"},
	{"cat", verb_cat, "PATH...", "print files of the container", NULL,
		"  initctl cat /etc/hosts\n"},
	{"tail", verb_tail, "[OPTIONS] PATH...", "print the last lines of files, and what is added",
		tail_options,
		"  initctl tail -n 100 /var/log/messages\n"
		"  initctl tail -f /srv/log/access /srv/log/error\n"},
	{"ls", verb_ls, "[OPTIONS] [PATH...]", "list files of the container", ls_options,
		"  initctl ls -la /srv\n"},
	{"cp", verb_copy, "[OPTIONS] SRC... DST", "copy files; :PATH is inside, - a tar stream",
		cp_options,
		"  initctl cp app.conf :/etc/app.conf\n"
		"  initctl cp -a :/var/lib/app backup\n"
		"  initctl cp :/srv - | tar t\n"},
	{"list", verb_list, "[DIR...]", "list the containers", NULL,
		"  initctl list\n"
		"  initctl list /srv/containers    (else $INIT_SOCKETS, or /run/init)\n"
		"  initctl --all status            (all that list finds)\n"},
	{"ns", verb_ns, "[OPTIONS] [LIST]", "list namespaces: net,uts,ipc,pid,mnt,user,...",
		ns_options,
		"  initctl ns\n"
		"  initctl ns net -- ss -tlnp\n"},
	{"ns", verb_ns, "[OPTIONS] LIST [--] COMMAND...", "run a command of the host in them", NULL,
		NULL},
	{"debug", verb_debug, "--tools DIR|FILE [OPTIONS] [--] [COMMAND...]",
		"a shell of the host's among the processes", debug_options,
		"  initctl debug --tools /bin/busybox\n"
		"  initctl debug --tools /bin/busybox -- ls -l /container\n"},
	{"forward", verb_forward, "[ADDR:]PORT[:HOST]:PORT...",
		"forward TCP ports to the container", NULL,
		"  initctl forward 8080:80 5432:db:5432\n"},
	{"connect", verb_connect_to, "HOST:PORT", "join stdin and stdout to a TCP connection", NULL,
		"  ssh -o ProxyCommand='initctl connect 127.0.0.1:22' app\n"},
	{"help", verb_help, "[VERB]", "describe a verb", NULL, NULL},
	{NULL, NULL, NULL, NULL, NULL, NULL},
};

int verb_connect(const struct context *context)
{
	int connection;

	if (context->rehearsal)
		_exit(0);
	connection = initctl_connect_within(context->socket, (unsigned)watchdog_timeout());
	if (connection < 0 && errno == ETIMEDOUT)
		watchdog_fail("connect to ", context->socket);
	if (connection < 0)
		fail_cannot("connect to ", context->socket);
	return connection;
}

int verb_printed(void)
{
	if (out_flush())
		return 0;
	fail_cannot("write output", NULL);
}

_Noreturn static void print_help(void *field, const char *value);
_Noreturn static void print_version(void *field, const char *value);

/* "inf" is no limit, which the watchdog has as 0. */
static void store_timeout(void *field, const char *value)
{
	long long time;

	(void)field;
	if (number_parse_time(value, &time) || !time)
		fail_usage("bad value for --timeout", value);
	watchdog_set(time == FOREVER ? 0 : time);
}

static void store_socket(void *field, const char *value)
{
	if (*value)
		targets_add(field, value);
}

static void store_all(void *field, const char *value)
{
	(void)value;
	targets_find_all(field);
}

static void store_jobs(void *field, const char *value)
{
	unsigned long long jobs;

	if (number_parse(value, 100000, &jobs) || !jobs)
		fail_usage("bad value for --jobs", value);
	*(size_t *)field = (size_t)jobs;
}

static const struct option common_options[] = {
	{'S', offsetof(struct context, targets), NULL, "SOCKET",
		"control socket ($INIT_SOCKET, /run/init.sock)", store_socket},
	{0, offsetof(struct context, targets), "all", NULL,
		"all that list finds; -S also takes 'DIR/*.sock'", store_all},
	{0, offsetof(struct context, jobs), "jobs", "N", "on at most so many at once (64)",
		store_jobs},
	{0, offsetof(struct context, json), "json", NULL, "print one JSON object a line",
		option_true},
	{0, 0, "timeout", "TIME", "give up on a container that does not answer (10s)",
		store_timeout},
	{'h', 0, "help", NULL, "print this help", print_help},
	{'V', 0, "version", NULL, "print the version", print_version},
	{0, 0, NULL, NULL, NULL, NULL},
};

_Noreturn static void print_help(void *field, const char *value)
{
	(void)field;
	(void)value;
	help_summary(common_options);
	exit(verb_printed());
}

int verb_help(const struct context *context, char **arguments)
{
	(void)context;
	if (!*arguments)
		help_summary(common_options);
	else if (arguments_end(arguments + 1), !help_verb(*arguments))
		help_unknown(*arguments);
	return verb_printed();
}

_Noreturn static void print_version(void *field, const char *value)
{
	(void)field;
	(void)value;
	out_line("initctl " INIT_VERSION);
	exit(verb_printed());
}

/*
 * Opens those of the descriptors 0, 1 and 2 that are closed, with O_PATH, which allows neither
 * reading nor writing. Otherwise a descriptor opened later, such as the connection, could become
 * a session's stdin by accident.
 */
static void fill_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (sys_fcntl(fd, F_GETFD, 0) < 0)
			sys_open(AT_FDCWD, "/", O_PATH);
}

/* Runs a verb on one container, or on several if -S or --all say so. */
static int run_on(struct context *context, const struct verb *verb, char **arguments)
{
	struct targets *targets = &context->targets;
	size_t jobs;

	if (verb->run == verb_list || verb->run == verb_help ||
		(targets->count <= 1 && !targets->several))
		return verb->run(context, arguments);
	jobs = many_jobs(verb->name, arguments);
	targets_name(targets);
	return many_run(context, verb->run, arguments, context->jobs ? context->jobs : jobs);
}

static int run_verb(struct context *context, char **words)
{
	for (const struct verb *verb = verbs; verb->name; verb++) {
		if (strcmp(verb->name, *words) != 0)
			continue;
		/* --json is also accepted directly after the verb. */
		if (words[1] && !strcmp(words[1], "--json")) {
			context->json = true;
			words++;
		}
		options_of_verb(verb->name);
		if (words[1] && (!strcmp(words[1], "-h") || !strcmp(words[1], "--help")))
			option_help();
		return run_on(context, verb, words + 1);
	}
	help_unknown(*words);
}

int main(int argc, char **argv)
{
	struct context context = {.socket = getenv("INIT_SOCKET"), .words = argv};
	char **words = argv + (argc > 0);

	fill_stdio();
	log_setup("initctl", LOG_WARN, EXIT_INITCTL);
	log_show_by(display_in_message);
	if (getenv(SCOPE_VARIABLE) && argc)
		scope_run(argv);
	while (option_take(common_options, &context, &words))
		;
	if (context.targets.count)
		context.socket = context.targets.rows[0].path;
	if (!context.socket || !*context.socket)
		context.socket = "/run/init.sock";
	if (!*words) {
		help_summary(common_options);
		return verb_printed();
	}
	return run_verb(&context, words);
}
