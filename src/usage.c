#include "usage.h"

#include <unistd.h>

#include "text.h"

_Noreturn static void print(const char *text)
{
	size_t length = text_until(text, 0);

	_exit(write(1, text, length) != (ssize_t)length || write(1, "\n", 1) != 1);
}

_Noreturn void usage_help(void)
{
	print("usage: init [options] [--] command [argument...]\n"
	      "  -g --group              signal the command's process group (default)\n"
	      "  -c --single-child       signal the command alone\n"
	      "  -r --rewrite FROM:TO    forward FROM as TO; TO 0 drops it\n"
	      "  -e --expect CODE        exit 0 where the command exits with CODE\n"
	      "  -p --parent-death-signal SIG  SIG when our parent dies\n"
	      "     --kill-after TIME    KILL a command that outlives TERM by TIME\n"
	      "     --grace TIME         at the end, TERM to KILL for the rest (2s; inf)\n"
	      "     --wait-all           end with the last process, not the command\n"
	      "     --user UID[:GID[,GID...]]  run it as these numeric ids\n"
	      "     --chdir DIR          run it in DIR\n"
	      "     --no-new-privs       exec gives it no privileges\n"
	      "     --control PATH       let operators in by a socket there\n"
	      "     --control-fd N       ... by an inherited one\n"
	      "     --control-allow UID[,UID...]  ... these too, besides root and ourselves\n"
	      "     --control-verbs LIST ... for these requests only: status,wait,...\n"
	      "     --cgroup DIR         run it in the cgroup DIR/app\n"
	      "     --limit FILE=VALUE   ... with this limit, as memory.max=200M\n"
	      "     --ready-fd N --notify  tell N, systemd: it runs; --status-fd N: how it goes\n"
	      "  -P --pause              no command, reap until stopped\n"
	      "  -w --warn-on-reap       warn of each orphan reaped\n"
	      "  -v --verbose            say more; repeatable\n"
	      "  -s --subreaper (always) -h --help   -V --version   -l -L --license\n"
	      "TIME: 2, 1.5, 500ms, 2s, 1m, 1h. INIT_OPTIONS holds options read first.\n"
	      "Exit: the command's, 128+signal; 127 not found, 126 not executable, 125 set-up.");
}

_Noreturn void usage_license(void)
{
	print("init: MIT License, without warranty.");
}

_Noreturn void usage_version(const char *text)
{
	print(text);
}
