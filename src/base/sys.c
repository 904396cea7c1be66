#include "sys.h"

#ifdef SYS_clock_gettime32
#define SYS_CLOCK SYS_clock_gettime32
#else
#define SYS_CLOCK SYS_clock_gettime
#endif

int sys_create_resolved(int directory, const char *path, int flags, mode_t mode, unsigned resolve)
{
	/* struct open_how: flags, mode, resolve */
	const uint64_t how[3] = {(unsigned)(flags | O_CLOEXEC), mode, resolve};
	int fd, tries = 0;

	do
		fd = (int)syscall(SYS_openat2, directory, path, how, sizeof how);
	while (fd < 0 && errno == EAGAIN && tries++ < 1000);
	return fd;
}

/*
 * Where a long has 32 bits, kernels before 5.1 and the filters of older engines know only the call
 * that has 32 bits as well, and a kernel may be built with none but the other.
 */
long long sys_clock(clockid_t clock)
{
	long time[2] = {0, 0};
#ifdef SYS_clock_gettime64
	long long wide[2] = {0, 0};

	if (!syscall(SYS_clock_gettime64, clock, wide))
		return wide[0] * 1000 + wide[1] / 1000000;
#endif
	syscall(SYS_CLOCK, clock, time);
	return time[0] * 1000LL + time[1] / 1000000;
}
