/*
 * sys: system calls without the libc's wrapper, where that carries code for old
 * kernels, threads or the vDSO which PID 1 has no use for: 1.4 kB of musl in all.
 * Each behaves as its wrapper does: -1 with errno.
 */
#ifndef SYS_H
#define SYS_H

#include <fcntl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static inline int sys_fcntl(int fd, int command, long argument)
{
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* Both ends close-on-exec. */
static inline int sys_pipe(int ends[2])
{
	return (int)syscall(SYS_pipe2, ends, O_CLOEXEC);
}

/* The copy is close-on-exec; from and to differ. */
static inline int sys_dup(int from, int to)
{
	return (int)syscall(SYS_dup3, from, to, O_CLOEXEC);
}

/* The monotonic clock in milliseconds; where it was changed to 64 bits, that one. */
static inline long long sys_now(void)
{
#ifdef SYS_clock_gettime64
	long long time[2] = {0, 0};

	syscall(SYS_clock_gettime64, CLOCK_MONOTONIC, time);
#else
	long time[2] = {0, 0};

	syscall(SYS_clock_gettime, CLOCK_MONOTONIC, time);
#endif
	return time[0] * 1000LL + time[1] / 1000000;
}

#endif
