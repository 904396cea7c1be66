#include "pid1/options.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "check.h"
#include "pid1/options_table.h"

enum { WORDS = 160 };

/* The words of a line, separated by '|', as an argv, which is never freed. */
static char **list(const char *line)
{
	char **words = calloc(WORDS, sizeof *words), *text = strdup(line);

	if (!words || !text)
		exit(2);
	for (unsigned i = 0; text && *line && i < WORDS - 1; i++)
		words[i] = strsep(&text, "|");
	return words;
}

static struct options parse(const char *arguments, const char *environment)
{
	struct options options = {0};

	options_parse(&options, list(arguments), list(environment));
	return options;
}

static void defaults(void)
{
	struct options o = parse("init|cmd|-g", "");

	CHECK(o.persona->program && !strcmp(o.persona->program, "init"));
	CHECK(!strcmp(o.command[0], "cmd") && !strcmp(o.command[1], "-g") && !o.command[2]);
	CHECK(o.group && !o.at_once && !o.wait_all && !o.pause && !o.warn_on_reap);
	CHECK(!o.directory && !o.parent_death);
	CHECK(!o.privileges.no_new_privileges && !o.privileges.user);
	CHECK(o.privileges.capabilities == CAPABILITIES_ALL && !o.limits.set);
	CHECK(o.grace == 2000 && o.kill_after == FOREVER);
	for (int i = 0; i < 256; i++)
		CHECK(!o.expected[i]);
	for (int i = 1; i <= SIGNAL_MAX; i++)
		CHECK(o.rewrite.to[i] == i);
}

static void values(void)
{
	struct options o = parse("init|-cwvv|-e3|--expect=255|-r|TERM:INT|-rUSR1:0|-p|KILL|"
				 "--grace|1.5|--kill-after=500ms|--wait-all|--user|1:2,3,4|"
				 "--chdir|/x|--no-new-privs|--cgroup|/c|"
				 "--limit=cpu.max=1 2|--limit|io.max=8:0 wbps=1|--|-cmd",
		"");

	CHECK(!o.group && o.warn_on_reap && o.wait_all && o.privileges.no_new_privileges);
	CHECK(o.expected[3] && o.expected[255] && !o.expected[0] && !o.expected[4]);
	CHECK(o.rewrite.to[SIGTERM] == SIGINT && o.rewrite.to[SIGUSR1] == 0);
	CHECK(o.parent_death == SIGKILL);
	CHECK(o.grace == 1500 && o.kill_after == 500);
	CHECK(o.privileges.user && o.user.uid == 1 && o.user.gid == 2 && o.user.count == 2);
	CHECK(!strcmp(o.cgroup.path, "/c") && o.cgroup.limits.count == 2);
	CHECK(!strcmp(o.cgroup.limits.list[0], "cpu.max=1 2"));
	CHECK(!strcmp(o.cgroup.limits.list[1], "io.max=8:0 wbps=1"));
	CHECK(o.user.groups[0] == 3 && o.user.groups[1] == 4);
	CHECK(!strcmp(o.directory, "/x") && !strcmp(o.command[0], "-cmd"));
	/* An option that is given again replaces the first value, also the groups. */
	o = parse("init|--user|1:2,3,4|--user=5|--grace|1|--grace|inf|-c|-g|x", "");
	CHECK(o.user.uid == 5 && o.user.gid == 5 && o.user.count == 0);
	CHECK(o.grace == FOREVER && o.group);
	o = parse("init|-P", "");
	CHECK(o.pause && !o.command);
}

/* With a mount namespace and a root it is a container, and gets less; otherwise as it was. */
static void privileges(void)
{
	const unsigned long long kill = 1 << 5, raw = 1 << 13;
	struct options o = parse("init|--unshare=mount|--chroot|/r|x", "");

	CHECK(o.privileges.capabilities == capabilities_default && o.namespaces.keyring);
	CHECK(o.privileges.no_new_privileges && !o.mounts.set_user_id);
	o = parse("init|--chroot|/r|--mount=proc|x", "");
	CHECK(o.privileges.capabilities == capabilities_default);
	o = parse("init|--chroot|/r|x", "");
	CHECK(o.privileges.capabilities == CAPABILITIES_ALL && !o.namespaces.keyring);
	o = parse("init|--unshare=all|--map-same|x", "");
	CHECK(o.privileges.capabilities == CAPABILITIES_ALL && !o.privileges.no_new_privileges);
	o = parse("init|--unshare=all|--map-same|--chroot=/|--new-privs|x", "");
	CHECK(!o.privileges.no_new_privileges && o.mounts.set_user_id);
	o = parse("init|--unshare=all|--map-same|--chroot=/|--new-privs|--no-new-privs|x", "");
	CHECK(o.privileges.no_new_privileges);
	o = parse("init|--cap-keep=CAP_KILL|--cap-keep|NET_RAW|x", "");
	CHECK(o.privileges.capabilities == (kill | raw));
	o = parse("init|--cap-keep|all|--cap-drop|KILL|--unshare=mount|--chroot=/|x", "");
	CHECK(o.privileges.capabilities == ~kill);
	o = parse("init|--cap-drop|NET_RAW|--cap-keep|default|x", "");
	CHECK(o.privileges.capabilities == (capabilities_default & ~raw));
	o = parse("init|--cap-drop|all|x", "");
	CHECK(!o.privileges.capabilities);
	o = parse("init|--rlimit|RLIMIT_NOFILE=1:2|--rlimit=NOFILE=3:unlimited|x", "");
	CHECK(o.limits.set == 1U << 7);
	CHECK(o.limits.of[7].now == 3 && o.limits.of[7].most == UINT64_MAX);
}

static void environments(void)
{
	char **envp = list("A=1|INIT_OPTIONS=-e 3|B=2|INIT_OPTIONS=-e 4|INIT_OPTION=5");
	struct options o = {0};

	options_parse(&o, list("init|x"), envp);
	CHECK(o.expected[3] && !o.expected[4]);
	CHECK(!strcmp(envp[0], "A=1") && !strcmp(envp[1], "B=2"));
	CHECK(!strcmp(envp[2], "INIT_OPTION=5") && !envp[3]);
	o = parse("init|x", "INIT_OPTIONS= --chdir 'a \"b'\\ \"c'\\\"d\"\t\n-w");
	CHECK(o.warn_on_reap && !strcmp(o.directory, "a \"b c'\"d"));
	o = parse("init|-c|x", "INIT_OPTIONS=-g --grace 1");
	CHECK(!o.group && o.grace == 1000);
	o = parse("init|x", "INIT_OPTIONS=");
	CHECK(o.group);
	o = parse("init|-c|x", "TINI_KILL_PROCESS_GROUP=");
	CHECK(!o.group);
	o = parse("tini|x", "TINI_KILL_PROCESS_GROUP=1");
	CHECK(o.group);
	o = parse("dumb-init|x", "DUMB_INIT_SETSID=0");
	CHECK(!o.group);
	o = parse("init|x", "TINI_VERBOSITY=99|DUMB_INIT_DEBUG=0");
	CHECK(o.verbosity == 99);
	o = parse("tini|-v|x", "TINI_VERBOSITY=2147483647");
	CHECK(o.verbosity == 1);
	o = parse("catatonit|-P|x|y", "");
	CHECK(o.pause && !o.command);
	o = parse("tini|x", "TINI_VERBOSITY=none");
	CHECK(o.verbosity == 0);
	o = parse("catatonit|x", "CATATONIT_DEBUG=");
	CHECK(o.verbosity >= LOG_DEBUG);
	o = parse("init|--env|A=1|-e|B=2=3|-e|4|--env=C=|x", "");
	CHECK(o.variables.count == 3 && o.expected[4]);
	CHECK(!strcmp(o.variables.list[0], "A=1") && !strcmp(o.variables.list[1], "B=2=3"));
	CHECK(!strcmp(o.variables.list[2], "C="));
}

static void personas(void)
{
	static const struct {
		const char *called, *version;
		bool group, at_once;
	} cases[] = {
		{"init|x", "", true, false},
		{"/sbin/init|x", "", true, false},
		{"tini|x", "tini version 0.19.0", false, true},
		{"/usr/bin/tini|x", "tini version 0.19.0", false, true},
		{"tini-static|x", "tini version 0.19.0", false, true},
		{"tini-static-arm64|x", "tini version 0.19.0", false, true},
		{"docker-init|x", "tini version 0.19.0", false, true},
		{"./dumb-init|x", "dumb-init v1.2.5", true, true},
		{"dumb-init_1.2.5_amd64|x", "dumb-init v1.2.5", true, true},
		{"catatonit|x", "tini version 0.2.1_catatonit", false, true},
		{"catatonit.x86_64|x", "tini version 0.2.1_catatonit", false, true},
		{"/run/podman-init|x", "tini version 0.2.1_catatonit", false, true},
		{"/dev/init|x", "tini version 0.2.1_catatonit", false, true},
		{"/usr/dev/init|x", "", true, false},
		{"tini/|x", "", true, false},
		{"tinit|x", "", true, false},
		{"tiniX|x", "", true, false},
		{"my-tini|x", "", true, false},
	};
	struct options o;

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		o = parse(cases[i].called, "");
		check_case(*cases[i].version ? !strcmp(o.persona->version, cases[i].version)
					     : o.persona->program && o.group,
			"persona", cases[i].called, __LINE__);
		check_case(o.group == cases[i].group, "group", cases[i].called, __LINE__);
		check_case(o.at_once == cases[i].at_once, "at once", cases[i].called, __LINE__);
	}
	o = parse("tini|--grace|1|x", "");
	CHECK(!o.at_once);
	/* As getopt(3) moves options to the front, which dumb-init forbids it. */
	o = parse("tini|x|y|--|-g|--", "");
	CHECK(!strcmp(o.command[0], "x") && !strcmp(o.command[1], "y"));
	CHECK(!strcmp(o.command[2], "-g") && !strcmp(o.command[3], "--") && !o.command[4]);
	o = parse("tini|--|x|--|y", "");
	CHECK(!strcmp(o.command[1], "--") && !strcmp(o.command[2], "y") && !o.command[3]);
	o = parse("catatonit|x|-|--", "");
	CHECK(!strcmp(o.command[1], "-") && !o.command[2]);
	o = parse("tini|x|-c|--|y", "");
	CHECK(!strcmp(o.command[1], "-c") && !strcmp(o.command[2], "--"));
	o = parse("dumb-init|x|--|y", "");
	CHECK(!strcmp(o.command[1], "--"));
	o = parse("dumb-init|--single|--rew|15:3|--verb|x", "");
	CHECK(!o.group && o.rewrite.to[15] == 3 && o.verbosity >= LOG_DEBUG && o.command);
	o = parse("tini|--wait-all|x", "");
	CHECK(!o.at_once && o.wait_all);
	/* dumb-init's own rewrites do not replace those of the options. */
	o = parse("dumb-init|-r|TSTP:0|x", "");
	CHECK(o.rewrite.to[SIGTSTP] == 0 && o.rewrite.to[SIGTTIN] == SIGSTOP);
	o = parse("dumb-init|-c|x", "");
	CHECK(o.rewrite.to[SIGTSTP] == SIGTSTP);
}

/* Parses in a child: the exit code, and the message. */
static int dying(const char *arguments, const char *environment, char text[static 4096])
{
	ssize_t length, all = 0;
	int ends[2], status;
	pid_t pid;

	fflush(stdout);
	if (pipe(ends) || (pid = fork()) < 0)
		exit(2);
	if (!pid) {
		dup2(ends[1], 1);
		dup2(ends[1], 2);
		parse(arguments, environment);
		_exit(0);
	}
	close(ends[1]);
	while ((length = read(ends[0], text + all, (size_t)(4095 - all))) > 0)
		all += length;
	text[all] = 0;
	close(ends[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void deaths(void)
{
	static const struct {
		const char *arguments, *environment, *text;
		int code;
	} cases[] = {
		{"init", "", "init: no command given, see option --help\n", 125},
		{"", "", "init: no command given, see option --help\n", 125},
		{"init|--", "", "init: no command given, see option --help\n", 125},
		{"/x/dumb-init", "", "dumb-init: no command given, see option --help\n", 1},
		{"init|--nope|x", "", "init: unrecognized option '--nope'\n", 125},
		{"init|-gx|x", "", "init: invalid option -- 'x'\n", 125},
		{"init|--group=1|x", "", "init: option takes no argument -- '--group=1'\n", 125},
		{"init|-e", "", "init: option requires an argument -- 'e'\n", 125},
		{"init|-e|256|x", "", "init: --expect: bad value '256'\n", 125},
		{"init|-r|X:1|x", "", "init: --rewrite: bad value 'X:1'\n", 125},
		{"init|--user|1:2:3|x", "", "init: --user: bad value '1:2:3'\n", 125},
		{"init|--user|123456789012|x", "", "init: --user: bad value '123456789012'\n", 125},
		{"init|-P|x", "", "init: --pause takes no command: 'x'\n", 125},
		{"init|x", "INIT_OPTIONS=-Z", "init: INIT_OPTIONS: invalid option -- 'Z'\n", 125},
		{"init|x", "INIT_OPTIONS=-g y", "init: INIT_OPTIONS: not an option: 'y'\n", 125},
		{"init|x", "INIT_OPTIONS=-e",
			"init: INIT_OPTIONS: option requires an argument -- 'e'\n", 125},
		{"tini|-V", "", "tini version 0.19.0 (init ", 0},
		{"init|-gV|--nope", "", "tini version 0.19.0 (init ", 0},
		{"init|x", "INIT_OPTIONS=-V", "tini version 0.19.0 (init ", 0},
		{"dumb-init|--ver|x", "", "dumb-init: unrecognized option '--ver'\n", 1},
		{"dumb-init|--vers", "", "dumb-init v1.2.5 (init ", 0},
		{"podman-init|--v", "", "tini version 0.2.1_catatonit (init ", 0},
		{"tini|--vers|x", "", "tini: unrecognized option '--vers'\n", 1},
		{"init|--vers|x", "", "init: unrecognized option '--vers'\n", 125},
	};
	char text[4096];

	for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
		int code = dying(cases[i].arguments, cases[i].environment, text);
		bool whole = cases[i].code != 0;
		check_case(code == cases[i].code, "code", cases[i].arguments, __LINE__);
		check_case(whole ? !strcmp(text, cases[i].text)
				 : !strncmp(text, cases[i].text, strlen(cases[i].text)),
			text, cases[i].arguments, __LINE__);
	}
	/* A quote without end, and too many words: which is told by the variable's text. */
	CHECK(dying("init|x", "INIT_OPTIONS=-g 'a", text) == 125 && strstr(text, "quote"));
	CHECK(dying("init|x", "INIT_OPTIONS=\"", text) == 125 && strstr(text, "quote"));
}

/* As many words as fit, and one more. */
static void many(void)
{
	char environment[1024] = "INIT_OPTIONS=", text[4096];
	struct options o;

	for (int i = 0; i < 128; i++)
		strcat(environment, "-w ");
	o = parse("init|x", environment);
	CHECK(o.warn_on_reap);
	strcat(environment, "-w");
	CHECK(dying("init|x", environment, text) == 125);
}

/* A valid value of an option, by the word that the help has for it. */
static const char *sample(const struct option *option, const char *name)
{
	static const struct {
		const char *argument, *value;
	} samples[] = {
		{"FROM:TO", "TERM:INT"},
		{"SIG", "HUP"},
		{"TIME", "3s"},
		{"CODE", "7"},
		{"UID[:GID[,GID...]]", "1:2,3"},
		{"DIR", "/x"},
		{"IN:OUT:COUNT", "0:1000:1"},
		{"NAME", "box"},
		{"SRC:DST[:OPTION,...]", "/a:/b:ro,dev"},
		{"NAME=SOFT:HARD", "NOFILE=1:2"},
		{"DST[:SIZE]", "/t:1m"},
		{"FILE=VALUE", "pids.max=5"},
		{"NAME=VALUE", "net.core.somaxconn=5"},
		{"PATH", "/run/s"},
		{"N", "5"},
		{"UID[,UID...]", "1,2"},
		{"SIG[,SIG...]", "HUP,usr1"},
	};
	const char *argument = option->text + strlen(name) + 1;
	const size_t length = strcspn(argument, "\t");

	if (!strcmp(name, "unshare"))
		return "pid,net";
	if (!strncmp(name, "cap-", 4))
		return "NET_RAW,CAP_KILL";
	if (!strcmp(name, "mount"))
		return "proc,tmp";
	if (!strcmp(name, "control-verbs"))
		return "status,wait";
	for (unsigned i = 0; i < sizeof samples / sizeof *samples; i++)
		if (strlen(samples[i].argument) == length &&
			!memcmp(argument, samples[i].argument, length))
			return samples[i].value;
	return "";
}

/* Every row of the table is accepted by its long name and by each of its short ones. */
static void whole_table(void)
{
	const struct option *option;
	char text[4096], words[128];
	unsigned rows = 0;

	for (; (option = options_row(rows)); rows++) {
		char name[OPTION_NAME];
		const bool takes = options_name(option, name);
		/* These need other options, or no command. */
		const char *also = !strcmp(name, "limit")   ? "|--cgroup|/c"
		                   : strstr(name, "id-map") ? "|--map-same"
		                                            : "";
		const char *last = strcmp(name, "pause") ? "|x" : "";
		const char *value = takes ? sample(option, name) : "";
		const char *bar = takes ? "|" : "";

		snprintf(words, sizeof words, "init|--%s%s%s%s%s", name, bar, value, also, last);
		check_case(!dying(words, "", text), text, words, __LINE__);
		if (takes) {
			snprintf(words, sizeof words, "init|--%s=%s%s%s", name, value, also, last);
			check_case(!dying(words, "", text), text, words, __LINE__);
			snprintf(words, sizeof words, "init|--%s", name);
			check_case(dying(words, "", text) == 125, text, words, __LINE__);
		}
		for (const char *letter = option->letters; *letter; letter++) {
			snprintf(words, sizeof words, "init|-%c%s%s%s", *letter, bar, value, last);
			check_case(!dying(words, "", text), text, words, __LINE__);
			check_case(options_by_letter(*letter) == option, "letter", words, __LINE__);
		}
		check_case(options_by_name(name, "") == option, "name", name, __LINE__);
	}
	CHECK(rows == 49);
	CHECK(!options_by_letter(0) && !options_by_letter('-') && !options_by_name("", ""));
}

/* An option named in the help text of another is parsed as its own row says. */
static void help_is_only_text(void)
{
	const struct option *other = options_by_name("wait-all", "");
	struct options o = parse("init|--wait-all|--grace|7|x", "");

	CHECK(strstr(other->text, "(see also --grace)"));
	CHECK(o.wait_all && o.grace == 7000);
}

int main(void)
{
	defaults();
	values();
	privileges();
	environments();
	personas();
	deaths();
	many();
	whole_table();
	help_is_only_text();
	return check_end();
}
