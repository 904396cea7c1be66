#include "reason.h"
#include "text.h"

#include <errno.h>
#include <string.h>

static const struct {
	unsigned char error;
	char text[33];
} reasons[] = {
	{EPERM, "Operation not permitted"},
	{ENOENT, "No such file or directory"},
	{ESRCH, "No such process"},
	{EIO, "Input/output error"},
	{E2BIG, "Argument list too long"},
	{ENOEXEC, "Exec format error"},
	{EBADF, "Bad file descriptor"},
	{EAGAIN, "Resource temporarily unavailable"},
	{ENOMEM, "Out of memory"},
	{EACCES, "Permission denied"},
	{EBUSY, "Device or resource busy"},
	{ENOTDIR, "Not a directory"},
	{EISDIR, "Is a directory"},
	{EINVAL, "Invalid argument"},
	{EMFILE, "Too many open files"},
	{ENOTTY, "Not a terminal"},
	{ETXTBSY, "Text file busy"},
	{ENOSPC, "No space left on device"},
	{EROFS, "Read-only file system"},
	{ERANGE, "Out of range"},
	{ELOOP, "Too many symbolic links"},
	{ENAMETOOLONG, "File name too long"},
	{ENOSYS, "Function not implemented"},
	{EMSGSIZE, "Message too long"},
	{ENOTSOCK, "Not a socket"},
	{EPROTOTYPE, "Wrong type of socket"},
	{EPROTONOSUPPORT, "Protocol not supported"},
	{EADDRINUSE, "Address already in use"},
	{ESHUTDOWN, "Container is stopping"},
};

const char *reason_text(int error, char buffer[static REASON_SIZE])
{
	char digits[NUMBER_SIZE];

	for (unsigned i = 0; i < sizeof reasons / sizeof *reasons; i++)
		if (reasons[i].error == error)
			return reasons[i].text;
	text_join(buffer, "errno ", number_text(digits, error));
	return buffer;
}
