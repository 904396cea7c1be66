/*
 * initctl: the operator's end of init's control channel.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/version.h"
#include "initctl.h"
#include "verbs.h"

static const struct {
	char name[9];
	int (*run)(const struct context *context, char **arguments);
} verbs[] = {
	{"exec", verb_exec},
	{"shell", verb_shell},
	{"attach", verb_attach},
	{"sessions", verb_sessions},
	{"signal", verb_signal},
	{"status", verb_status},
	{"wait", verb_wait},
	{"watch", verb_watch},
	{"stop", verb_stop},
	{"freeze", verb_freeze},
	{"thaw", verb_thaw},
	{"kill", verb_kill},
	{"limit", verb_limit},
	{"stats", verb_stats},
	{"ns", verb_ns},
};

static const char help[] =
	"usage: initctl [-S SOCKET] [--json] VERB ...\n"
	"  exec [options] [--] COMMAND...   run it inside; exits as it does\n"
	"  shell [options]                  the user's shell inside, on a terminal\n"
	"    -t, -T            on a terminal of the container, or not (default: where\n"
	"                      stdin and stdout are terminals)\n"
	"    -u UID[:GID,...]  as these numeric ids\n"
	"    -w DIR            in this directory\n"
	"    -e NAME[=VALUE]   with this variable, or ours of that name\n"
	"    -d                detached: do not wait for it\n"
	"    --program FILE    run this static program of ours, named as COMMAND\n"
	"    --umask OCTAL, --rlimit NAME:SOFT:HARD, --no-new-privs\n"
	"    --detach-keys K   what detaches (ctrl-p,ctrl-q)\n"
	"  attach SESSION                   go back to a detached session\n"
	"  sessions                         list them\n"
	"  signal SIG [main|all|PID|%SESSION]  send SIG; to the main command if not said\n"
	"  status                           how the container is\n"
	"  wait                             until the main command ends; exits as it did\n"
	"  watch                            events as they come\n"
	"  stop [--grace TIME]              stop the container, and wait until it is\n"
	"  stats                            what the command's cgroup uses; with --cgroup also\n"
	"  freeze, thaw                     hold all of its processes, and let them go on\n"
	"  kill                             KILL all of them\n"
	"  limit FILE=VALUE...              set its limits, as memory.max=200M\n"
	"  ns [LIST]                        its namespaces: net,uts,ipc,pid,mnt,user,cgroup,time\n"
	"  ns LIST [options] [--] COMMAND...   run a command of ours in them\n"
	"    --program FILE    run this static program, named as COMMAND\n"
	"    --fd N            enter none: COMMAND has them as descriptors N, N+1...\n"
	"    --from DIR        not of the container, but as they were saved there\n"
	"  ns --save DIR [LIST]             keep them in DIR when the container is gone\n"
	"  ns --drop DIR                    and no more\n"
	"SOCKET: -S, else $INIT_SOCKET, else /run/init.sock. Exit: the command's, 128+signal,\n"
	"127 not found, 126 not executable, 125 initctl or the channel.";

_Noreturn void verb_misused(const char *what, const char *word)
{
	die(125, what, " '", word, "', see 'initctl --help'");
}

char *verb_word(char ***arguments, const char *what)
{
	char *word = **arguments;

	if (!word)
		die(125, "no ", what, " given, see 'initctl --help'");
	++*arguments;
	return word;
}

const char *verb_value(const char *word, const char *option, char ***arguments)
{
	size_t length = strlen(option);

	if (strncmp(word, option, length) != 0)
		return NULL;
	if (!word[length])
		return verb_word(arguments, "value for option");
	if (option[1] != '-')
		return word + length;
	return word[length] == '=' ? word + length + 1 : NULL;
}

void verb_no_more(char **arguments)
{
	if (*arguments)
		verb_misused("too many words:", *arguments);
}

int verb_connect(const struct context *context)
{
	int connection = initctl_connect(context->socket);

	if (connection < 0)
		die_errno(125, "connect to ", context->socket);
	return connection;
}

int verb_printed(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	die_errno(125, "write output");
}

_Noreturn static void print(const char *text)
{
	puts(text);
	exit(verb_printed());
}

/* Options before the verb. Returns where that is. */
static char **take_options(struct context *context, char **words)
{
	for (; *words && **words == '-'; words++)
		if (!strcmp(*words, "-S") && words[1])
			context->socket = *++words;
		else if (!strncmp(*words, "-S", 2) && (*words)[2])
			context->socket = *words + 2;
		else if (!strcmp(*words, "--json"))
			context->json = true;
		else if (!strcmp(*words, "-h") || !strcmp(*words, "--help"))
			print(help);
		else if (!strcmp(*words, "-V") || !strcmp(*words, "--version"))
			print("initctl " INIT_VERSION);
		else
			verb_misused("unknown option, or no value:", *words);
	return words;
}

/*
 * Any of 0, 1, 2 may be closed at the start. What takes its place can be neither read
 * nor written, and nothing that is opened later lands there by chance: the connection
 * as a session's stdin.
 */
static void fill_stdio(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			open("/", O_PATH | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct context context = {.socket = getenv("INIT_SOCKET"), .words = argv};
	char **words;

	fill_stdio();
	log_setup("initctl", LOG_WARN, 125);
	words = take_options(&context, argv + (argc > 0));
	if (!context.socket || !*context.socket)
		context.socket = "/run/init.sock";
	if (!*words)
		die(125, "no verb given, see 'initctl --help'");
	for (unsigned i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(verbs[i].name, *words)) {
			/* Behind the verb it may stand as well. */
			if (words[1] && !strcmp(words[1], "--json")) {
				context.json = true;
				words++;
			}
			return verbs[i].run(&context, words + 1);
		}
	verb_misused("unknown verb", *words);
}
