/* Unit tests of base/error: each errno of the kernel has a text, or a name. */
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

		if (error == 41 || error == 58)
			continue;
		CHECK(*text && strcmp(text, strerror(0)) != 0 && strncmp(text, "Unknown", 7) != 0);
	}
	CHECK(!strcmp(error_text(2), strerror(2)));
	return check_end();
}
