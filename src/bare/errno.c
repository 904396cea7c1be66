#include <errno.h>

/* Of the one thread there is; x86_64.S sets it. */
extern int bare_errno;
int bare_errno;

int *__errno_location(void)
{
	return &bare_errno;
}
