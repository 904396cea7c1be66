#include "usage.h"

#include <unistd.h>

#include "base/text.h"

/*
 * An option is a blank or tab, its flags, a blank, "--" and its name. One blank and a capital
 * behind it: it takes a value.
 */
static const char help[] =
	"usage: init [options] [--] command [argument...]\n"
	"Signals -g --group (default) or -c --single-child of the command gets them\n"
	"\t-r --rewrite FROM:TO  forward FROM as TO; TO 0 drops it\n"
	"\t-p --parent-death-signal SIG  SIG when our parent dies\n"
	"End     --kill-after TIME  KILL a command that outlives TERM by TIME\n"
	"\t--grace TIME  TERM to KILL for the rest (2s; inf)\n"
	"\t--wait-all  with the last process  -e --expect CODE  exit 0 for CODE\n"
	"Command --user UID[:GID[,GID...]]  --chdir DIR  --no-new-privs  -P --pause none\n"
	"Inside  --unshare LIST  pid,mount,uts,ipc,net,user,cgroup,time or all\n"
	"\t--map-root  --uid-map IN:OUT:COUNT  --gid-map IN:OUT:COUNT\n"
	"\t--hostname NAME  --domainname NAME  --loopback  set lo up\n"
	"\t--chroot DIR  --read-only  --mount-proc\n"
	"\t--mount LIST  proc,sys,dev,pts,shm,mqueue,tmp,run or all; hidepid\n"
	"\t--bind SRC:DST[:ro]  --tmpfs DST[:SIZE]\n"
	"\t--cgroup DIR  it runs in DIR/app  --limit FILE=VALUE  memory.max=200M\n"
	"Channel --control PATH  a socket for operators  --control-fd N  an inherited one\n"
	"\t--control-allow UID[,UID...]  them too  --control-verbs LIST  only these\n"
	"Starter --ready-fd N  --notify  tell N, systemd: it runs  --status-fd N  events\n"
	"\t-w --warn-on-reap  -v --verbose  repeatable  -s --subreaper  always\n"
	"\t-h --help  -V --version  -l -L --license\n"
	"TIME: 2, 1.5, 500ms, 2s, 1m, 1h. INIT_OPTIONS holds options read first.\n"
	"Exit: the command's, 128+signal; 127 not found, 126 not executable, 125 set-up.";

bool usage_find(struct usage_option *found, const char *name, char flag)
{
	bool flagged = false;
	const char *at = help;

	found->option = 0;
	for (; *at; at++) {
		unsigned length = 0;
		if (at[0] > ' ' || at[1] != '-')
			continue;
		if (at[2] != '-') {
			flagged |= at[2] == flag;
			continue;
		}
		for (at += 3; *at > ' '; at++)
			found->name[length++] = *at;
		found->name[length] = 0;
		found->value = at[0] == ' ' && at[1] >= 'A' && at[1] <= 'Z';
		if (name ? text_is(name, '=', found->name) : flagged)
			return true;
		found->option++;
		at--;
	}
	return false;
}

_Noreturn static void print(const char *text)
{
	size_t length = text_until(text, 0);

	_exit(write(1, text, length) != (ssize_t)length || write(1, "\n", 1) != 1);
}

_Noreturn void usage_help(void)
{
	print(help);
}

_Noreturn void usage_license(void)
{
	print("init: MIT License, without warranty.");
}

_Noreturn void usage_version(const char *text)
{
	print(text);
}
