/* Unit tests of base/error: each errno of the kernel has a text, a name, or its number. */
#include "base/error.h"

#include "check.h"
#include <errno.h>
#include <string.h>

/* The last of <asm-generic/errno.h>; EWOULDBLOCK and EDEADLOCK are second names. */
enum { LAST = 133 };

int main(void)
{
	for (int error = 1; error <= LAST; error++) {
		const char *text = error_text(error);

		CHECK(*text && strcmp(text, strerror(0)) != 0 && strncmp(text, "Unknown", 7) != 0);
	}
	CHECK(!strcmp(error_text(2), strerror(2)));
	CHECK(!strcmp(error_text(ELOOP), "Symbolic link loop"));
	CHECK(!strcmp(error_text(EPROTO), "Protocol error"));
	CHECK(!strcmp(error_text(EOVERFLOW), "Value too large"));
	CHECK(!strcmp(error_text(ENOTSOCK), "Not a socket"));
	CHECK(!strcmp(error_text(ENOKEY), "ENOKEY"));
	/* Before, in and behind the list. */
	CHECK(!strcmp(error_text(0), "errno 0"));
	CHECK(!strcmp(error_text(ELOOP + 1), "errno 41"));
	CHECK(!strcmp(error_text(EPROTO + 1), "errno 72"));
	CHECK(!strcmp(error_text(EDOM), "errno 33"));
	CHECK(!strcmp(error_text(ENOKEY + 1), "errno 127"));
	return check_end();
}
