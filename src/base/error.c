#include "error.h"

#include <errno.h>

#include "number.h"
#include "text.h"

/*
 * Those that init or initctl may meet, from the first of each run on, with a NUL behind each: a
 * text, or for a rare one the name that errno(3) has for it. A libc's texts are 1.5 kB more.
 */
static const struct {
	int first;
	const char *texts;
} runs[] = {
	{EPERM, "Operation not permitted\0"
		"No such file or directory\0"
		"No such process\0"
		"Interrupted system call\0"
		"I/O error\0"
		"No such device or address\0"
		"Argument list too long\0"
		"Exec format error\0"
		"Bad file descriptor\0"
		"No child process\0"
		"Resource temporarily unavailable\0"
		"Out of memory\0"
		"Permission denied\0"
		"Bad address\0"
		"ENOTBLK\0"
		"Resource busy\0"
		"File exists\0"
		"Cross-device link\0"
		"No such device\0"
		"Not a directory\0"
		"Is a directory\0"
		"Invalid argument\0"
		"Too many open files in system\0"
		"Too many open files\0"
		"Not a tty\0"
		"Text file busy\0"
		"File too large\0"
		"No space left on device\0"
		"ESPIPE\0"
		"Read-only file system\0"
		"EMLINK\0"
		"Broken pipe\0"
		"EDOM\0"
		"Out of range\0"
		"EDEADLK\0"
		"Filename too long\0"
		"ENOLCK\0"
		"Function not implemented\0"
		"Directory not empty\0"
		"Symbolic link loop\0"},
	{EPROTO, "Protocol error\0"},
	{EOVERFLOW, "Value too large\0"},
	{ENOTSOCK, "Not a socket\0"
		   "EDESTADDRREQ\0"
		   "Message too large\0"
		   "Wrong type of socket\0"
		   "ENOPROTOOPT\0"
		   "Protocol not supported\0"
		   "ESOCKTNOSUPPORT\0"
		   "Not supported\0"
		   "EPFNOSUPPORT\0"
		   "EAFNOSUPPORT\0"
		   "Address in use\0"
		   "EADDRNOTAVAIL\0"
		   "ENETDOWN\0"
		   "ENETUNREACH\0"
		   "ENETRESET\0"
		   "ECONNABORTED\0"
		   "Connection reset\0"
		   "ENOBUFS\0"
		   "EISCONN\0"
		   "Not connected\0"
		   "Shut down\0"
		   "ETOOMANYREFS\0"
		   "Timed out\0"
		   "Connection refused\0"
		   "EHOSTDOWN\0"
		   "EHOSTUNREACH\0"
		   "EALREADY\0"
		   "EINPROGRESS\0"
		   "ESTALE\0"
		   "EUCLEAN\0"
		   "ENOTNAM\0"
		   "ENAVAIL\0"
		   "EISNAM\0"
		   "EREMOTEIO\0"
		   "Quota exceeded\0"
		   "ENOMEDIUM\0"
		   "EMEDIUMTYPE\0"
		   "ECANCELED\0"
		   "ENOKEY\0"
		   "EKEYEXPIRED\0"
		   "EKEYREVOKED\0"
		   "EKEYREJECTED\0"},
};

_Static_assert(EPERM == 1 && ELOOP == 40 && ENOTSOCK == 88 && EKEYREJECTED == 129,
	"the numbers of <asm-generic/errno.h>");

const char *error_text(int error)
{
	static char other[sizeof "errno " + NUMBER_SIZE];
	char digits[NUMBER_SIZE];

	for (unsigned i = 0; i < sizeof runs / sizeof *runs; i++) {
		const char *text = runs[i].texts;
		int number = runs[i].first;
		for (; *text && number < error; number++)
			text = text_name(text, 1);
		if (*text && number == error)
			return text;
	}
	text_join(other, "errno ", number_text(digits, error));
	return other;
}
