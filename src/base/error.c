#include "error.h"

#include <errno.h>

#include "number.h"
#include "text.h"

/*
 * By their numbers, from 1 up, with a NUL behind each: a text, or for a rare one the name that
 * errno(3) has for it; "" where neither init nor initctl meets it. A libc's texts are 2 kB more.
 */
static const char *const texts =
	"Operation not permitted\0"
	"No such file or directory\0"
	"No such process\0"
	"EINTR\0"
	"I/O error\0"
	"No such device or address\0"
	"Argument list too long\0"
	"Exec format error\0"
	"Bad file descriptor\0"
	"\0"
	"Resource temporarily unavailable\0"
	"Out of memory\0"
	"Permission denied\0"
	"EFAULT\0"
	"\0"
	"Resource busy\0"
	"File exists\0"
	"EXDEV\0"
	"No such device\0"
	"Not a directory\0"
	"Is a directory\0"
	"Invalid argument\0"
	"ENFILE\0"
	"Too many open files\0"
	"Not a tty\0"
	"Text file busy\0"
	"File too large\0"
	"No space left on device\0"
	"ESPIPE\0"
	"Read-only file system\0"
	"EMLINK\0"
	"Broken pipe\0"
	"\0"
	"Out of range\0"
	"\0"
	"Filename too long\0"
	"\0"
	"Function not implemented\0"
	"Directory not empty\0"
	"Symbolic link loop\0"
	"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" /* 41 to 70 */
	"Protocol error\0"
	"\0\0\0" /* 72 to 74 */
	"Value too large\0"
	"\0\0\0\0\0\0\0\0\0\0\0\0" /* 76 to 87 */
	"Not a socket\0"
	"\0"
	"Message too large\0"
	"Wrong type of socket\0"
	"\0"
	"Protocol not supported\0"
	"\0"
	"Not supported\0"
	"\0"
	"EAFNOSUPPORT\0"
	"Address in use\0"
	"EADDRNOTAVAIL\0"
	"\0"
	"ENETUNREACH\0"
	"\0"
	"\0"
	"Connection reset\0"
	"ENOBUFS\0"
	"\0"
	"Not connected\0"
	"Shut down\0"
	"\0"
	"Timed out\0"
	"Connection refused\0"
	"\0"
	"EHOSTUNREACH\0"
	"\0"
	"\0"
	"ESTALE\0"
	"EUCLEAN\0"
	"\0"
	"\0"
	"\0"
	"\0"
	"Quota exceeded\0"
	"\0"
	"\0"
	"\0"
	"ENOKEY\0";

_Static_assert(EPERM == 1 && ELOOP == 40 && ENOTSOCK == 88 && ENOKEY == 126,
	"the numbers of <asm-generic/errno.h>");

const char *error_text(int error)
{
	static char other[sizeof "errno " + NUMBER_SIZE];
	const unsigned index = (unsigned)error - 1;
	const char *text = "";

	if (index < ENOKEY)
		text = text_name(texts, index);
	if (*text)
		return text;
	number_join(other, "errno ", error);
	return other;
}
