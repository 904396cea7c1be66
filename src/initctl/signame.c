/*
 * signame: see signame.h.
 */
#include "signame.h"
#include "out.h"

#include <signal.h>

/* As init counts them: SIGRTMIN of most programs. */
enum { FIRST_REAL_TIME = 34, LAST_REAL_TIME = 64 };

void signame(int signal, char name[SIGNAME_SIZE])
{
	static const struct {
		unsigned char signal;
		char name[7];
	} names[] = {
		{SIGHUP, "HUP"},
		{SIGINT, "INT"},
		{SIGQUIT, "QUIT"},
		{SIGILL, "ILL"},
		{SIGTRAP, "TRAP"},
		{SIGABRT, "ABRT"},
		{SIGBUS, "BUS"},
		{SIGFPE, "FPE"},
		{SIGKILL, "KILL"},
		{SIGUSR1, "USR1"},
		{SIGSEGV, "SEGV"},
		{SIGUSR2, "USR2"},
		{SIGPIPE, "PIPE"},
		{SIGALRM, "ALRM"},
		{SIGTERM, "TERM"},
		{SIGCHLD, "CHLD"},
		{SIGCONT, "CONT"},
		{SIGSTOP, "STOP"},
		{SIGTSTP, "TSTP"},
		{SIGTTIN, "TTIN"},
		{SIGTTOU, "TTOU"},
		{SIGURG, "URG"},
		{SIGXCPU, "XCPU"},
		{SIGXFSZ, "XFSZ"},
		{SIGVTALRM, "VTALRM"},
		{SIGPROF, "PROF"},
		{SIGWINCH, "WINCH"},
		{SIGIO, "IO"},
		{SIGPWR, "PWR"},
		{SIGSYS, "SYS"},
	};

	if (signal >= FIRST_REAL_TIME && signal <= LAST_REAL_TIME)
		out_format(name, SIGNAME_SIZE, "RTMIN+%d", signal - FIRST_REAL_TIME);
	else
		out_format(name, SIGNAME_SIZE, "%d", signal);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].signal == signal)
			out_format(name, SIGNAME_SIZE, "%s", names[i].name);
}
