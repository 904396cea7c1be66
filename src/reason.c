#include "reason.h"
#include "text.h"

#include <errno.h>

/* Behind one another: most are far shorter than the longest. */
#define REASONS(DO)                                                                                \
	DO(EPERM, "Operation not permitted")                                                       \
	DO(ENOENT, "No such file or directory")                                                    \
	DO(ESRCH, "No such process")                                                               \
	DO(EIO, "Input/output error")                                                              \
	DO(E2BIG, "Argument list too long")                                                        \
	DO(ENOEXEC, "Exec format error")                                                           \
	DO(EBADF, "Bad file descriptor")                                                           \
	DO(EAGAIN, "Resource temporarily unavailable")                                             \
	DO(ENOMEM, "Out of memory")                                                                \
	DO(EACCES, "Permission denied")                                                            \
	DO(EBUSY, "Device or resource busy")                                                       \
	DO(ENOTDIR, "Not a directory")                                                             \
	DO(EISDIR, "Is a directory")                                                               \
	DO(EINVAL, "Invalid argument")                                                             \
	DO(EMFILE, "Too many open files")                                                          \
	DO(ENOTTY, "Not a terminal")                                                               \
	DO(ETXTBSY, "Text file busy")                                                              \
	DO(ENOSPC, "No space left on device")                                                      \
	DO(EROFS, "Read-only file system")                                                         \
	DO(ERANGE, "Out of range")                                                                 \
	DO(ELOOP, "Too many symbolic links")                                                       \
	DO(ENAMETOOLONG, "File name too long")                                                     \
	DO(ENOSYS, "Function not implemented")                                                     \
	DO(EMSGSIZE, "Message too long")                                                           \
	DO(ENOTSOCK, "Not a socket")                                                               \
	DO(EPROTOTYPE, "Wrong type of socket")                                                     \
	DO(EPROTONOSUPPORT, "Protocol not supported")                                              \
	DO(EADDRINUSE, "Address already in use")                                                   \
	DO(ESHUTDOWN, "Container is stopping")
#define ERROR(error, text) error,
#define TEXT(error, text)  text "\0"

static const unsigned char errors[] = {REASONS(ERROR)};
static const char texts[] = REASONS(TEXT);

const char *reason_text(int error, char buffer[static REASON_SIZE])
{
	char digits[NUMBER_SIZE];

	for (unsigned i = 0; i < sizeof errors; i++)
		if (errors[i] == error)
			return text_nth(texts, i);
	text_join(buffer, "errno ", number_text(digits, error));
	return buffer;
}
