#include "options_table.h"

#include "base/sys.h"
#include <stddef.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/text.h"
#include "base/version.h"
#include "channel/verbs.h"

/* The column at which the help explains an option. */
enum { HELP_COLUMN = 36 };

/* Ends the process where the descriptor does not take all of it. */
static void print(int fd, const char *text)
{
	size_t length = text_until(text, 0);

	if (sys_write(fd, text, length) != (ssize_t)length)
		_exit(1);
}

/* "  -r, --rewrite FROM:TO", and what it does. */
static void print_option(int fd, const struct option *option)
{
	char line[160], *end = text_copy(line, "  ");
	const char *help;

	for (const char *letter = option->letters; *letter; letter++) {
		*end++ = '-';
		*end++ = *letter;
		end = text_copy(end, ", ");
	}
	end = text_copy(end, *option->letters ? "--" : "    --");
	help = text_field(end, option->text, '\t');
	end += text_until(end, 0);
	do
		*end++ = ' ';
	while (end < line + HELP_COLUMN);
	text_join(end, help + 1, "\n");
	print(fd, line);
}

SECTION_START static void print_help(int fd)
{
	/* By enum option_section. */
	static const char *const titles = "\nSignals:\n\0"
					  "\nEnd:\n\0"
					  "\nCommand:\n\0"
					  "\nContainer:\n\0"
					  "\nControl channel:\n\0"
					  "\nReports:\n\0"
					  "\nOther:\n\0";
	static const char *const footer =
		"\nTIME: 1.5, 500ms, 2s, 1m, 1h, inf. INIT_OPTIONS is read first."
		"\nExit code: the command's, or 128 + its signal; 125 to 127: it did not start.\n";
	const struct option *option;
	int section = -1;

	print(fd, "usage: init [options] [--] command [argument...]\n");
	for (unsigned i = 0; (option = options_row(i)); i++) {
		if (option->section != section)
			print(fd, text_name(titles, option->section));
		section = option->section;
		print_option(fd, option);
	}
	print(fd, footer);
}

_Noreturn void options_explain(const struct persona *persona)
{
	if (!persona->explains)
		fail_note("no command given, see option --help", NULL, NULL);
	print_help(2);
	_exit(persona->setup);
}

/* The offset of a field of struct options; does not compile for a pointer to another type. */
#define FIELD(pointer, name) /* NOLINTNEXTLINE(bugprone-macro-parentheses) */                      \
	_Generic(&((struct options *)0)->name, pointer : offsetof(struct options, name))

#define FLAG(name)         .kind = OPTION_FLAG, .field = FIELD(bool *, name)
#define TEXT(name)         .kind = OPTION_TEXT, .field = FIELD(const char **, name)
#define TIME(name)         .kind = OPTION_TIME, .field = FIELD(long long *, name)
#define DESCRIPTOR(name)   .kind = OPTION_DESCRIPTOR, .field = FIELD(int *, name)
#define MAP(name)          .kind = OPTION_MAP, .field = FIELD(struct idmap *, name)
#define SIGNALS(name)      .kind = OPTION_SIGNALS, .field = FIELD(unsigned long long *, name)
#define CAPABILITIES(name) .kind = OPTION_CAPABILITIES, .field = FIELD(unsigned long long *, name)

#define SETTING(name) .kind = OPTION_SETTING, .field = FIELD(struct settings *, name)

/* What the name is, and what to call the value of one that takes a value; what it does. */
#define HELP(usage, does) usage "\t" does

/* In the order of the help. */
static const struct option table[] = {
	{HELP("group", "signal the command's group"), "g", SECTION_SIGNALS, FLAG(group)},
	{HELP("single-child", "signal only the command"), "c", SECTION_SIGNALS,
		.kind = OPTION_SINGLE_CHILD},
	{HELP("main-only SIG[,SIG...]", "signal only the command with these"), "", SECTION_SIGNALS,
		SIGNALS(main_only)},
	{HELP("rewrite FROM:TO", "forward signal FROM as TO; 0 drops it"), "r", SECTION_SIGNALS,
		.kind = OPTION_REWRITE},
	{HELP("parent-death-signal SIG", "get SIG when init's parent dies"), "p", SECTION_SIGNALS,
		.kind = OPTION_PARENT_DEATH},

	{HELP("kill-after TIME", "KILL it TIME after the first TERM"), "", SECTION_END,
		TIME(kill_after)},
	{HELP("grace TIME", "from TERM to KILL of others (2s)"), "", SECTION_END,
		.kind = OPTION_GRACE},
	{HELP("wait-all", "end with the last process (see also --grace)"), "", SECTION_END,
		.kind = OPTION_WAIT_ALL},
	{HELP("expect CODE", "exit with 0 instead of CODE"), "e", SECTION_END,
		.kind = OPTION_EXPECT},

	{HELP("user UID[:GID[,GID...]]", "run it as these ids"), "", SECTION_COMMAND,
		.kind = OPTION_USER},
	{HELP("chdir DIR", "run it in DIR"), "", SECTION_COMMAND, TEXT(directory)},
	{HELP("env NAME=VALUE", "set a variable of its environment"), "", SECTION_COMMAND,
		SETTING(variables)},
	{HELP("no-new-privs", "set no_new_privs for it"), "", SECTION_COMMAND,
		FLAG(privileges.no_new_privileges)},
	{HELP("new-privs", "let set-user-ID programs work"), "", SECTION_COMMAND,
		FLAG(mounts.set_user_id)},
	{HELP("cap-keep LIST", "keep only these; all, default"), "", SECTION_COMMAND,
		CAPABILITIES(kept)},
	{HELP("cap-drop LIST", "drop these capabilities"), "", SECTION_COMMAND,
		CAPABILITIES(dropped)},
	{HELP("seccomp-fd N", "seccomp filter to read from N"), "", SECTION_COMMAND,
		DESCRIPTOR(seccomp)},
	{HELP("rlimit NAME=SOFT:HARD", "set a limit: NOFILE=1024:4096"), "", SECTION_COMMAND,
		.kind = OPTION_RLIMIT},
	{HELP("pause", "run no command, only reap"), "P", SECTION_COMMAND, FLAG(pause)},

	{HELP("unshare LIST", "pid,mount,uts,ipc,net,user,cgroup,time; all"), "", SECTION_CONTAINER,
		.kind = OPTION_UNSHARE},
	{HELP("map-root", "map root to the caller's ids"), "", SECTION_CONTAINER,
		.kind = OPTION_MAP_ROOT},
	{HELP("uid-map IN:OUT:COUNT", "map user ids"), "", SECTION_CONTAINER, MAP(namespaces.uids)},
	{HELP("gid-map IN:OUT:COUNT", "map group ids"), "", SECTION_CONTAINER,
		MAP(namespaces.gids)},
	{HELP("map-same", "map root's ids to themselves"), "", SECTION_CONTAINER,
		FLAG(namespaces.map_same)},
	{HELP("hostname NAME", "set the host name"), "", SECTION_CONTAINER,
		TEXT(namespaces.hostname)},
	{HELP("domainname NAME", "set the NIS domain name"), "", SECTION_CONTAINER,
		TEXT(namespaces.domainname)},
	{HELP("loopback", "bring up lo"), "", SECTION_CONTAINER, FLAG(namespaces.loopback)},
	{HELP("sysctl NAME=VALUE", "set a sysctl of its namespaces"), "", SECTION_CONTAINER,
		SETTING(sysctls)},
	{HELP("chroot DIR", "make DIR the root"), "", SECTION_CONTAINER, TEXT(mounts.root)},
	{HELP("read-only", "make the root read-only"), "", SECTION_CONTAINER,
		FLAG(mounts.read_only)},
	{HELP("mount-proc", "mount /proc"), "", SECTION_CONTAINER, .kind = OPTION_MOUNT},
	{HELP("mount LIST", "proc,sys,dev,pts,shm,mqueue,tmp,run; hidepid"), "", SECTION_CONTAINER,
		.kind = OPTION_MOUNT},
	{HELP("bind SRC:DST[:OPTION,...]", "mount SRC on DST; ro, dev, noidmap"), "",
		SECTION_CONTAINER, .kind = OPTION_BIND},
	{HELP("tmpfs DST[:SIZE]", "mount a tmpfs on DST"), "", SECTION_CONTAINER,
		.kind = OPTION_TMPFS},
	{HELP("cgroup DIR", "run it in the cgroup DIR/app"), "", SECTION_CONTAINER,
		TEXT(cgroup.path)},
	{HELP("limit FILE=VALUE", "limit that cgroup: memory.max=200M"), "", SECTION_CONTAINER,
		SETTING(cgroup.limits)},

	{HELP("control PATH", "make a socket for initctl"), "", SECTION_CHANNEL,
		TEXT(control.path)},
	{HELP("control-fd N", "use the inherited socket N"), "", SECTION_CHANNEL,
		DESCRIPTOR(control.fd)},
	{HELP("control-allow UID[,UID...]", "admit these users too"), "", SECTION_CHANNEL,
		.kind = OPTION_CONTROL_ALLOW},
	{HELP("control-verbs LIST", "offer only these requests"), "", SECTION_CHANNEL,
		.kind = OPTION_CONTROL_VERBS},

	{HELP("ready-fd N", "newline to N when it runs"), "", SECTION_REPORTS,
		DESCRIPTOR(notify.fds[NOTIFY_READY])},
	{HELP("notify", "tell systemd when it runs"), "", SECTION_REPORTS, FLAG(notify.service)},
	{HELP("status-fd N", "line to N for each event"), "", SECTION_REPORTS,
		DESCRIPTOR(notify.fds[NOTIFY_STATUS])},
	{HELP("warn-on-reap", "log reaped orphans"), "w", SECTION_REPORTS, FLAG(warn_on_reap)},
	{HELP("verbose", "log more; may be repeated"), "v", SECTION_REPORTS,
		.kind = OPTION_VERBOSE},

	{HELP("subreaper", "no effect: always on"), "s", SECTION_OTHER, .kind = OPTION_SUBREAPER},
	{HELP("help", "print this text"), "h", SECTION_OTHER, .kind = OPTION_HELP},
	{HELP("version", "print the version"), "V", SECTION_OTHER, .kind = OPTION_VERSION},
	{HELP("license", "print the license"), "lL", SECTION_OTHER, .kind = OPTION_LICENSE},
};

const struct option *options_row(unsigned index)
{
	return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

bool options_name(const struct option *option, char name[static OPTION_NAME])
{
	char *end;
	bool takes_value;

	text_field(name, option->text, '\t');
	end = name + text_until(name, ' ');
	takes_value = *end;
	*end = 0;
	return takes_value;
}

/* What a known name has behind a given one, which ends at '='; NULL: it begins otherwise. */
static const char *rest_of(const char *known, const char *name)
{
	for (; *name && *name != '='; name++, known++)
		if (*known != *name)
			return NULL;
	return known;
}

const struct option *options_by_name(const char *name, const char *abbreviated)
{
	const struct option *option, *found = NULL;
	char known[OPTION_NAME];
	const char *rest;
	unsigned count = 0;

	for (unsigned i = 0; (option = options_row(i)); i++) {
		options_name(option, known);
		rest = rest_of(known, name);
		if (!rest)
			continue;
		if (!*rest)
			return option;
		if (abbreviated[text_until(abbreviated, *option->letters)]) {
			found = option;
			count++;
		}
	}
	return count == 1 ? found : NULL;
}

const struct option *options_by_letter(char letter)
{
	const struct option *option;

	for (unsigned i = 0; (option = options_row(i)); i++)
		for (const char *known = option->letters; *known; known++)
			if (*known == letter)
				return option;
	return NULL;
}

/* Adds NAME=VALUE. 0, or -1 where it is none, or there is no room for more. */
static int add_setting(struct settings *settings, const char *value)
{
	if (settings->count == SETTINGS || *value == '=' || !value[text_until(value, '=')])
		return -1;
	settings->list[settings->count++] = value;
	return 0;
}

SECTION_START int options_apply(
	const struct option *option, struct options *options, const char *value)
{
	void *field = (char *)options + option->field;
	struct namespaces *namespaces = &options->namespaces;
	struct server_setup *control = &options->control;
	unsigned long long number;
	int failed = 0;

	switch ((enum option_kind)option->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		break;
	case OPTION_TEXT:
		*(const char **)field = value;
		failed = !*value;
		break;
	case OPTION_TIME:
		failed = number_parse_time(value, field);
		break;
	case OPTION_DESCRIPTOR:
		/* 0, 1 and 2 are the command's. */
		failed = number_parse(value, 1 << 20, &number) || number < 3;
		if (!failed)
			*(int *)field = (int)number;
		break;
	case OPTION_MAP:
		failed = idmap_parse(field, value);
		break;
	case OPTION_SIGNALS:
		number = signals_from_list(value);
		*(unsigned long long *)field |= number;
		failed = !number;
		break;
	case OPTION_CAPABILITIES:
		number = capabilities_from_list(value);
		*(unsigned long long *)field |= number;
		failed = !number;
		break;
	case OPTION_SETTING:
		failed = add_setting(field, value);
		break;

	case OPTION_SINGLE_CHILD:
		options->group = false;
		break;
	case OPTION_REWRITE:
		failed = rewrite_parse(&options->rewrite, value);
		break;
	case OPTION_PARENT_DEATH:
		options->parent_death = signal_number(value);
		failed = !options->parent_death;
		break;
	/* Whoever asks for time at the end does not want the persona's immediate exit. */
	case OPTION_GRACE:
		options->at_once = false;
		failed = number_parse_time(value, &options->grace);
		break;
	case OPTION_WAIT_ALL:
		options->at_once = false;
		options->wait_all = true;
		break;
	case OPTION_EXPECT:
		/* The option -e of another program, pid1. */
		if (!number_parse(value, 255, &number))
			options->expected[number] = true;
		else
			failed = add_setting(&options->variables, value);
		break;
	case OPTION_USER:
		options->user.count = 0; /* of groups */
		options->privileges.user = &options->user;
		failed = credentials_parse(&options->user, value);
		break;
	case OPTION_RLIMIT:
		failed = limits_add(&options->limits, value, '=');
		break;
	case OPTION_UNSHARE:
		failed = namespaces_parse(namespaces, value);
		break;
	case OPTION_MAP_ROOT:
		idmap_root(&namespaces->uids, geteuid());
		idmap_root(&namespaces->gids, getegid());
		break;
	case OPTION_MOUNT:
		failed = mounts_parse(&options->mounts, value ? value : "proc");
		break;
	case OPTION_BIND:
	case OPTION_TMPFS:
		failed = mounts_add(&options->mounts, value, option->kind == OPTION_TMPFS);
		break;
	case OPTION_CONTROL_ALLOW:
		failed = credentials_parse_list(
			value, control->allowed, SERVER_UIDS, &control->count);
		break;
	case OPTION_CONTROL_VERBS:
		control->verbs = verbs_from_list(value);
		failed = !control->verbs;
		break;
	case OPTION_VERBOSE:
		options->verbosity += options->persona->more_verbose;
		break;
	case OPTION_SUBREAPER: /* init does so in any case */
		break;
	case OPTION_HELP:
		print_help(1);
		_exit(0);
	case OPTION_VERSION:
		/* Docker wants "tini version ", and looks for " - git." behind it. */
		print(1, options->persona->version);
		print(1, " (init " INIT_VERSION ") - git.init\n");
		_exit(0);
	case OPTION_LICENSE:
		print(1, "init: MIT License, without warranty.\n");
		_exit(0);
	}
	return failed ? -1 : 0;
}
