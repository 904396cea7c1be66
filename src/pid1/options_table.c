#include "options_table.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "base/section.h"
#include "base/text.h"
#include "base/version.h"
#include "channel/verbs.h"

/* The column at which the help explains an option. */
enum { HELP_COLUMN = 36 };

static bool print(const char *text)
{
	size_t length = text_until(text, 0);

	return write(1, text, length) == (ssize_t)length;
}

/* "  -r, --rewrite FROM:TO", and what it does. */
static bool print_option(const struct option *option)
{
	char line[160], *end = text_join(line, "  ", "");

	for (const char *letter = option->letters; *letter; letter++) {
		*end++ = '-';
		*end++ = *letter;
		end = text_join(end, ", ", "");
	}
	end = text_join(end, *option->letters ? "--" : "    --", option->name);
	if (option->argument)
		end = text_join(end, " ", option->argument);
	do
		*end++ = ' ';
	while (end < line + HELP_COLUMN);
	text_join(end, option->help, "\n");
	return print(line);
}

SECTION_START static int print_help(struct options *options, const char *value)
{
	static const char *const titles[] = {
		[SECTION_SIGNALS] = "\nSignals:\n",
		[SECTION_END] = "\nEnd:\n",
		[SECTION_COMMAND] = "\nCommand:\n",
		[SECTION_CONTAINER] = "\nContainer:\n",
		[SECTION_CHANNEL] = "\nControl channel:\n",
		[SECTION_REPORTS] = "\nReports:\n",
		[SECTION_OTHER] = "\nOther:\n",
	};
	static const char footer[] =
		"\nTIME: 2, 1.5, 500ms, 2s, 1m, 1h, inf. INIT_OPTIONS holds options, read first."
		"\nExit code: the command's, or 128 + its signal; 127 not found,"
		"\n126 not executable, 125 init could not set up.\n";
	const struct option *option;
	bool printed = print("usage: init [options] [--] command [argument...]\n");
	int section = -1;

	(void)options, (void)value;
	for (unsigned i = 0; printed && (option = options_row(i)); i++) {
		if (option->section != section)
			printed = print(titles[option->section]);
		section = option->section;
		printed = printed && print_option(option);
	}
	printed = printed && print(footer);
	_exit(!printed);
}

static int print_license(struct options *options, const char *value)
{
	(void)options, (void)value;
	_exit(!print("init: MIT License, without warranty.\n"));
}

static int print_version(struct options *options, const char *value)
{
	(void)value;
	_exit(!print(options->persona->version) || !print("init " INIT_VERSION "\n"));
}

/* For what init does in any case. */
static int ignore(struct options *options, const char *value)
{
	(void)options, (void)value;
	return 0;
}

static int set_single_child(struct options *options, const char *value)
{
	(void)value;
	options->group = false;
	return 0;
}

static int set_rewrite(struct options *options, const char *value)
{
	return rewrite_parse(&options->rewrite, value);
}

static int set_main_only(struct options *options, const char *value)
{
	return signals_parse(options->main_only, value);
}

static int set_parent_death(struct options *options, const char *value)
{
	options->parent_death = signal_number(value);
	return options->parent_death ? 0 : -1;
}

static int set_kill_after(struct options *options, const char *value)
{
	return number_parse_time(value, &options->kill_after);
}

/* Whoever asks for time at the end does not want the persona's immediate exit. */
static int set_grace(struct options *options, const char *value)
{
	options->at_once = false;
	return number_parse_time(value, &options->grace);
}

static int set_wait_all(struct options *options, const char *value)
{
	(void)value;
	options->wait_all = true;
	options->at_once = false;
	return 0;
}

static int set_expect(struct options *options, const char *value)
{
	unsigned long long code;

	if (number_parse(value, 255, &code))
		return -1;
	options->expected[code] = true;
	return 0;
}

static int set_user(struct options *options, const char *value)
{
	memset(&options->user, 0, sizeof options->user);
	options->privileges.user = &options->user;
	return credentials_parse(&options->user, value);
}

static int add_capabilities(unsigned long long *set, const char *value)
{
	const unsigned long long added = capabilities_from_list(value);

	*set |= added;
	return added ? 0 : -1;
}

static int set_cap_keep(struct options *options, const char *value)
{
	return add_capabilities(&options->kept, value);
}

static int set_cap_drop(struct options *options, const char *value)
{
	return add_capabilities(&options->dropped, value);
}

static int set_rlimit(struct options *options, const char *value)
{
	return limits_add(&options->privileges.limits, value, '=');
}

static int set_sysctl(struct options *options, const char *value)
{
	return sysctl_add(&options->sysctls, value);
}

static int set_unshare(struct options *options, const char *value)
{
	return namespaces_parse(&options->namespaces, value);
}

static int set_map_root(struct options *options, const char *value)
{
	(void)value;
	idmap_root(&options->namespaces.uids, geteuid());
	idmap_root(&options->namespaces.gids, getegid());
	return 0;
}

static int set_uid_map(struct options *options, const char *value)
{
	return idmap_parse(&options->namespaces.uids, value);
}

static int set_gid_map(struct options *options, const char *value)
{
	return idmap_parse(&options->namespaces.gids, value);
}

static int set_mount_proc(struct options *options, const char *value)
{
	(void)value;
	return mounts_parse(&options->mounts, "proc");
}

static int set_mount(struct options *options, const char *value)
{
	return mounts_parse(&options->mounts, value);
}

static int set_bind(struct options *options, const char *value)
{
	return mounts_add(&options->mounts, value, false);
}

static int set_tmpfs(struct options *options, const char *value)
{
	return mounts_add(&options->mounts, value, true);
}

static int set_limit(struct options *options, const char *value)
{
	struct cgroup_setup *cgroup = &options->cgroup;

	if (cgroup->count == CGROUP_LIMITS || !value[text_until(value, '=')])
		return -1;
	cgroup->limits[cgroup->count++] = value;
	return 0;
}

static int set_control_allow(struct options *options, const char *value)
{
	struct server_setup *control = &options->control;

	return credentials_parse_list(value, control->allowed, SERVER_UIDS, &control->count);
}

static int set_control_verbs(struct options *options, const char *value)
{
	options->control.verbs = verbs_from_list(value);
	return options->control.verbs ? 0 : -1;
}

static int set_verbose(struct options *options, const char *value)
{
	(void)value;
	options->verbosity++;
	return 0;
}

/* The offset of a field of struct options; does not compile for a pointer to another type. */
#define FIELD(pointer, name) /* NOLINTNEXTLINE(bugprone-macro-parentheses) */                      \
	_Generic(&((struct options *)0)->name, pointer : offsetof(struct options, name))

#define FLAG(name)       .kind = OPTION_FLAG, .field = FIELD(bool *, name)
#define TEXT(name)       .kind = OPTION_TEXT, .field = FIELD(const char **, name)
#define DESCRIPTOR(name) .kind = OPTION_DESCRIPTOR, .field = FIELD(int *, name)
#define CALL(function)   .kind = OPTION_CALL, .set = (function)

/* In the order of the help. */
static const struct option table[] = {
	{"group", NULL, "signal the command's group", "g", SECTION_SIGNALS, FLAG(group)},
	{"single-child", NULL, "signal only the command", "c", SECTION_SIGNALS,
		CALL(set_single_child)},
	{"main-only", "SIG[,SIG...]", "signal only the command with these", "", SECTION_SIGNALS,
		CALL(set_main_only)},
	{"rewrite", "FROM:TO", "forward signal FROM as TO; 0 drops it", "r", SECTION_SIGNALS,
		CALL(set_rewrite)},
	{"parent-death-signal", "SIG", "get SIG when init's parent dies", "p", SECTION_SIGNALS,
		CALL(set_parent_death)},

	{"kill-after", "TIME", "KILL the command TIME after the first TERM", "", SECTION_END,
		CALL(set_kill_after)},
	{"grace", "TIME", "time from TERM to KILL for others (2s)", "", SECTION_END,
		CALL(set_grace)},
	{"wait-all", NULL, "end with the last process (see also --grace)", "", SECTION_END,
		CALL(set_wait_all)},
	{"expect", "CODE", "exit with 0 instead of CODE", "e", SECTION_END, CALL(set_expect)},

	{"user", "UID[:GID[,GID...]]", "run it as these user and group ids", "", SECTION_COMMAND,
		CALL(set_user)},
	{"chdir", "DIR", "run it in DIR", "", SECTION_COMMAND, TEXT(directory)},
	{"no-new-privs", NULL, "set no_new_privs for it", "", SECTION_COMMAND,
		FLAG(privileges.no_new_privileges)},
	{"new-privs", NULL, "let its set-user-ID programs have their effect", "", SECTION_COMMAND,
		FLAG(mounts.set_user_id)},
	{"cap-keep", "LIST", "keep only these capabilities; all, default", "", SECTION_COMMAND,
		CALL(set_cap_keep)},
	{"cap-drop", "LIST", "drop these capabilities", "", SECTION_COMMAND, CALL(set_cap_drop)},
	{"seccomp-fd", "N", "install the seccomp filter read from N", "", SECTION_COMMAND,
		DESCRIPTOR(seccomp)},
	{"rlimit", "NAME=SOFT:HARD", "limit a resource: NOFILE=1024:4096", "", SECTION_COMMAND,
		CALL(set_rlimit)},
	{"pause", NULL, "run no command, only reap", "P", SECTION_COMMAND, FLAG(pause)},

	{"unshare", "LIST", "pid,mount,uts,ipc,net,user,cgroup,time; all", "", SECTION_CONTAINER,
		CALL(set_unshare)},
	{"map-root", NULL, "map root to the caller's ids", "", SECTION_CONTAINER,
		CALL(set_map_root)},
	{"uid-map", "IN:OUT:COUNT", "user namespace: map user ids", "", SECTION_CONTAINER,
		CALL(set_uid_map)},
	{"gid-map", "IN:OUT:COUNT", "user namespace: map group ids", "", SECTION_CONTAINER,
		CALL(set_gid_map)},
	{"map-same", NULL, "map root's ids as they are outside", "", SECTION_CONTAINER,
		FLAG(namespaces.map_same)},
	{"hostname", "NAME", "set the host name", "", SECTION_CONTAINER, TEXT(namespaces.hostname)},
	{"domainname", "NAME", "set the NIS domain name", "", SECTION_CONTAINER,
		TEXT(namespaces.domainname)},
	{"loopback", NULL, "bring up the loopback interface", "", SECTION_CONTAINER,
		FLAG(namespaces.loopback)},
	{"sysctl", "NAME=VALUE", "set a sysctl of its namespaces", "", SECTION_CONTAINER,
		CALL(set_sysctl)},
	{"chroot", "DIR", "make DIR the root", "", SECTION_CONTAINER, TEXT(mounts.root)},
	{"read-only", NULL, "make the root read-only", "", SECTION_CONTAINER,
		FLAG(mounts.read_only)},
	{"mount-proc", NULL, "mount /proc", "", SECTION_CONTAINER, CALL(set_mount_proc)},
	{"mount", "LIST", "proc,sys,dev,pts,shm,mqueue,tmp,run; hidepid", "", SECTION_CONTAINER,
		CALL(set_mount)},
	{"bind", "SRC:DST[:ro|:dev]", "mount the host's SRC on DST", "", SECTION_CONTAINER,
		CALL(set_bind)},
	{"tmpfs", "DST[:SIZE]", "mount a tmpfs on DST", "", SECTION_CONTAINER, CALL(set_tmpfs)},
	{"cgroup", "DIR", "run the command in the cgroup DIR/app", "", SECTION_CONTAINER,
		TEXT(cgroup.path)},
	{"limit", "FILE=VALUE", "limit that cgroup: memory.max=200M", "", SECTION_CONTAINER,
		CALL(set_limit)},

	{"control", "PATH", "make a socket for initctl", "", SECTION_CHANNEL, TEXT(control.path)},
	{"control-fd", "N", "use the inherited socket N", "", SECTION_CHANNEL,
		DESCRIPTOR(control.fd)},
	{"control-allow", "UID[,UID...]", "admit these users too", "", SECTION_CHANNEL,
		CALL(set_control_allow)},
	{"control-verbs", "LIST", "offer only these requests", "", SECTION_CHANNEL,
		CALL(set_control_verbs)},

	{"ready-fd", "N", "write a newline to N when it runs", "", SECTION_REPORTS,
		DESCRIPTOR(notify.fds[NOTIFY_READY])},
	{"notify", NULL, "tell systemd when it runs", "", SECTION_REPORTS, FLAG(notify.service)},
	{"status-fd", "N", "write a line to N for each event", "", SECTION_REPORTS,
		DESCRIPTOR(notify.fds[NOTIFY_STATUS])},
	{"warn-on-reap", NULL, "log reaped orphans", "w", SECTION_REPORTS, FLAG(warn_on_reap)},
	{"verbose", NULL, "log more; may be repeated", "v", SECTION_REPORTS, CALL(set_verbose)},

	{"subreaper", NULL, "no effect: always on", "s", SECTION_OTHER, CALL(ignore)},
	{"help", NULL, "print this text", "h", SECTION_OTHER, CALL(print_help)},
	{"version", NULL, "print the version", "V", SECTION_OTHER, CALL(print_version)},
	{"license", NULL, "print the license", "lL", SECTION_OTHER, CALL(print_license)},
};

const struct option *options_row(unsigned index)
{
	return index < sizeof table / sizeof *table ? &table[index] : NULL;
}

const struct option *options_by_name(const char *name)
{
	const struct option *option;

	for (unsigned i = 0; (option = options_row(i)); i++)
		if (text_is(name, '=', option->name))
			return option;
	return NULL;
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

/* 0, 1 and 2 are the command's. */
static int parse_descriptor(int *fd, const char *value)
{
	unsigned long long number;

	if (number_parse(value, 1 << 20, &number) || number < 3)
		return -1;
	*fd = (int)number;
	return 0;
}

int options_apply(const struct option *option, struct options *options, const char *value)
{
	void *field = (char *)options + option->field;

	switch ((enum option_kind)option->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)field = value;
		return *value ? 0 : -1;
	case OPTION_DESCRIPTOR:
		return parse_descriptor(field, value);
	case OPTION_CALL:
		return option->set(options, value);
	}
	return -1;
}
