/*
 * signame: see signame.h.
 */
#include "signame.h"

#include "base/text.h"
#include "out.h"

/* As init counts them: SIGRTMIN of most programs. */
enum { LAST_NAMED = 31, FIRST_REAL_TIME = 34, LAST_REAL_TIME = 64 };

/* From 1, as all machines number them that the programs are built for. */
static const char names[] =
	"HUP\0INT\0QUIT\0ILL\0TRAP\0ABRT\0BUS\0FPE\0KILL\0USR1\0SEGV\0USR2\0PIPE\0ALRM\0TERM\0"
	"STKFLT\0CHLD\0CONT\0STOP\0TSTP\0TTIN\0TTOU\0URG\0XCPU\0XFSZ\0VTALRM\0PROF\0WINCH\0IO\0"
	"PWR\0SYS\0";

void signame(int signal, char name[SIGNAME_SIZE])
{
	if (signal >= FIRST_REAL_TIME && signal <= LAST_REAL_TIME)
		out_format(name, SIGNAME_SIZE, "RTMIN+%d", signal - FIRST_REAL_TIME);
	else if (signal > 0 && signal <= LAST_NAMED)
		out_format(name, SIGNAME_SIZE, "%s", text_name(names, (unsigned)signal - 1));
	else
		out_format(name, SIGNAME_SIZE, "%d", signal);
}
