#include "seccomp.h"

#include <errno.h>
#include <stdint.h>
#include <sys/prctl.h>

#include "base/section.h"
#include "base/sys.h"

enum {
	INSTRUCTIONS = 4096, /* BPF_MAXINSNS of <linux/bpf_common.h> */
	MODE_FILTER = 2,     /* SECCOMP_MODE_FILTER of <linux/seccomp.h> */
};

/* An instruction has 64 bits; one more shows that there are too many. */
static uint64_t program[INSTRUCTIONS + 1] SECTION_LAST;
static size_t size; /* in bytes */

int seccomp_read(int fd)
{
	ssize_t length;

	size = 0;
	while ((length = sys_read(fd, (char *)program + size, sizeof program - size)) > 0)
		size += (size_t)length;
	/* Which leaves errno alone. */
	sys_close(fd);
	if (length < 0)
		return -1;
	errno = EINVAL;
	return !size || size == sizeof program || size % sizeof *program ? -1 : 0;
}

int seccomp_install(void)
{
	/* struct sock_fprog of <linux/filter.h> */
	const struct {
		unsigned short length;
		const void *program;
	} filter = {(unsigned short)(size / sizeof *program), program};

	return (int)syscall(SYS_prctl, PR_SET_SECCOMP, MODE_FILTER, &filter, 0UL, 0UL);
}
