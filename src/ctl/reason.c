#include "../reason.h"

#include <string.h>

/* An operator can meet every error there is: the libc's words. */
// NOLINTNEXTLINE(readability-non-const-parameter): as PID 1 has it
const char *reason_text(int error, char buffer[static REASON_SIZE])
{
	(void)buffer;
	return strerror(error);
}
