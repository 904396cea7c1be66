/*
 * sys: system calls without the libc's wrapper, where that carries code for old kernels, threads
 * or the vDSO which PID 1 has no use for: with musl's wrappers init is 4.6 kB larger. Each behaves
 * as its wrapper does: -1 with errno.
 */
#ifndef SYS_H
#define SYS_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

struct sys_limit {
	uint64_t now, most; /* UINT64_MAX: unlimited */
};

/* Of getdents64(2); the libc's struct dirent needs a DIR, which allocates. */
struct sys_entry {
	unsigned long long inode, offset;
	unsigned short length;
	unsigned char type;
	char name[];
};
enum { SYS_DIRECTORY = 4 }; /* a type */

/* Returns -1 with that errno. */
static inline int sys_fail(int error)
{
	errno = error;
	return -1;
}

static inline int sys_close(int fd)
{
	return (int)syscall(SYS_close, fd);
}

static inline ssize_t sys_read(int fd, void *buffer, size_t size)
{
	return syscall(SYS_read, fd, buffer, size);
}

static inline ssize_t sys_write(int fd, const void *data, size_t size)
{
	return syscall(SYS_write, fd, data, size);
}

static inline pid_t sys_waitpid(pid_t pid, int *status, int options)
{
	return (pid_t)syscall(SYS_wait4, pid, status, options, NULL);
}

/* The time is in milliseconds; -1 waits for ever. Later machines have none but ppoll(2). */
static inline int sys_poll(struct pollfd *fds, unsigned long count, int timeout)
{
#ifdef SYS_poll
	return (int)syscall(SYS_poll, fds, count, timeout);
#else
	return poll(fds, count, timeout);
#endif
}

static inline int sys_kill(pid_t pid, int signal)
{
	return (int)syscall(SYS_kill, pid, signal);
}

static inline pid_t sys_setsid(void)
{
	return (pid_t)syscall(SYS_setsid);
}

static inline pid_t sys_getsid(pid_t pid)
{
	return (pid_t)syscall(SYS_getsid, pid);
}

static inline pid_t sys_getpgid(pid_t pid)
{
	return (pid_t)syscall(SYS_getpgid, pid);
}

static inline int sys_chdir(const char *path)
{
	return (int)syscall(SYS_chdir, path);
}

static inline int sys_chroot(const char *path)
{
	return (int)syscall(SYS_chroot, path);
}

static inline mode_t sys_umask(mode_t mask)
{
	return (mode_t)syscall(SYS_umask, mask);
}

static inline int sys_mkdirat(int directory, const char *name, mode_t mode)
{
	return (int)syscall(SYS_mkdirat, directory, name, mode);
}

static inline int sys_mknodat(int directory, const char *name, mode_t mode, unsigned device)
{
	return (int)syscall(SYS_mknodat, directory, name, mode, device);
}

static inline int sys_unlinkat(int directory, const char *name, int flags)
{
	return (int)syscall(SYS_unlinkat, directory, name, flags);
}

static inline int sys_unshare(int flags)
{
	return (int)syscall(SYS_unshare, flags);
}

static inline int sys_mount(const char *source, const char *target, const char *type,
	unsigned long flags, const void *data)
{
	return (int)syscall(SYS_mount, source, target, type, flags, data);
}

static inline int sys_umount2(const char *target, int flags)
{
	return (int)syscall(SYS_umount2, target, flags);
}

static inline int sys_madvise(void *address, size_t size, int advice)
{
	return (int)syscall(SYS_madvise, address, size, advice);
}

static inline int sys_getsockopt(int fd, int level, int name, void *value, socklen_t *length)
{
	return (int)syscall(SYS_getsockopt, fd, level, name, value, length);
}

static inline int sys_epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
	return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* Bytes of entries, 0 at the end. The buffer is aligned to 8. */
static inline long sys_entries(int directory, void *buffer, size_t size)
{
	return syscall(SYS_getdents64, directory, buffer, size);
}

static inline int sys_fcntl(int fd, int command, long argument)
{
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

/* Both ends close-on-exec. */
static inline int sys_pipe(int ends[2])
{
	return (int)syscall(SYS_pipe2, ends, O_CLOEXEC);
}

/*
 * A private mapping of the whole of a file, or of memory where fd is -1; MAP_FAILED with errno.
 * What is mapped stays until the process ends.
 */
static inline void *sys_map(int fd, size_t size)
{
#ifdef SYS_mmap2
	const long number = SYS_mmap2;
#else
	const long number = SYS_mmap;
#endif
	const int flags = fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_PRIVATE;

	return (void *)syscall(number, NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
}

/* SOCK_SEQPACKET; both close-on-exec. */
static inline int sys_socketpair(int ends[2])
{
	return (int)syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
}

static inline int sys_blocking_socket(int family, int type)
{
	return (int)syscall(SYS_socket, family, type | SOCK_CLOEXEC, 0);
}

static inline int sys_socket(int family, int type)
{
	return sys_blocking_socket(family, type | SOCK_NONBLOCK);
}

/* The address is one of any family. */
static inline int sys_bind(int fd, const void *address, size_t length)
{
	return (int)syscall(SYS_bind, fd, address, length);
}

static inline int sys_connect(int fd, const void *address, size_t length)
{
	return (int)syscall(SYS_connect, fd, address, length);
}

static inline int sys_getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
	return (int)syscall(SYS_getsockname, fd, address, length);
}

static inline int sys_listen(int fd, int backlog)
{
	return (int)syscall(SYS_listen, fd, backlog);
}

static inline int sys_shutdown(int fd, int how)
{
	return (int)syscall(SYS_shutdown, fd, how);
}

static inline ssize_t sys_send(int fd, const void *data, size_t size, int flags)
{
	return syscall(SYS_sendto, fd, data, size, flags, NULL, 0UL);
}

static inline int sys_accept(int fd)
{
	return (int)syscall(SYS_accept4, fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

/* The struct is to be zero where nothing is set: musl has padding in it. */
static inline ssize_t sys_sendmsg(int fd, const struct msghdr *message, int flags)
{
	return syscall(SYS_sendmsg, fd, message, flags);
}

static inline ssize_t sys_recvmsg(int fd, struct msghdr *message, int flags)
{
	return syscall(SYS_recvmsg, fd, message, flags);
}

/* Close-on-exec; creates nothing. Where a long has 32 bits, files may be larger. */
static inline int sys_open(int directory, const char *path, int flags)
{
	return (int)syscall(SYS_openat, directory, path, flags | O_CLOEXEC | O_LARGEFILE, 0);
}

/* What a path may not lead through, for sys_open_resolved: RESOLVE_... of <linux/openat2.h>. */
enum {
	SYS_NO_XDEV = 1,
	SYS_NO_MAGICLINKS = 2, /* as /proc/PID/root */
	SYS_NO_SYMLINKS = 4,
	SYS_BENEATH = 8,
	SYS_IN_ROOT = 0x10, /* the directory is /, for symbolic links and ".." as well */
};

/*
 * As sys_open, by openat2(2); Linux 5.6. A path with ".." in it or in a symbolic link fails with
 * EAGAIN where anything on the machine is mounted, unmounted or renamed meanwhile: then it is
 * to be tried again, but not for ever.
 */
int sys_create_resolved(int directory, const char *path, int flags, mode_t mode, unsigned resolve);

static inline int sys_open_resolved(int directory, const char *path, int flags, unsigned resolve)
{
	return sys_create_resolved(directory, path, flags, 0, resolve);
}

/* Close-on-exec. */
static inline int sys_epoll(void)
{
	return (int)syscall(SYS_epoll_create1, O_CLOEXEC);
}

/* The time is in milliseconds; -1 waits for ever. */
static inline int sys_epoll_wait(int epoll, struct epoll_event *events, int most, int timeout)
{
	return (int)syscall(SYS_epoll_pwait, epoll, events, most, timeout, NULL, 0UL);
}

/* The length of what a symbolic link holds, which is no more than size; no NUL is added. */
static inline ssize_t sys_readlink(int directory, const char *name, char *text, size_t size)
{
	return syscall(SYS_readlinkat, directory, name, text, size);
}

/* Where the kernel has two structs, the libc knows which one it declares. */
static inline int sys_fstatfs(int fd, struct statfs *status)
{
#ifdef SYS_fstatfs64
	return fstatfs(fd, status);
#else
	return (int)syscall(SYS_fstatfs, fd, status);
#endif
}

static inline int sys_statfs(const char *path, struct statfs *status)
{
#ifdef SYS_statfs64
	return statfs(path, status);
#else
	return (int)syscall(SYS_statfs, path, status);
#endif
}

/* As fexecve(3): not for a script, whose interpreter cannot open what is close-on-exec. */
static inline int sys_execute(int fd, char *const *words, char *const *environment)
{
	return (int)syscall(SYS_execveat, fd, "", words, environment, 0x1000 /* AT_EMPTY_PATH */);
}

/* This process goes to that group, or with 0 to one of its own. */
static inline int sys_setpgid(pid_t group)
{
	return (int)syscall(SYS_setpgid, 0, group);
}

static inline int sys_fchdir(int fd)
{
	return (int)syscall(SYS_fchdir, fd);
}

/*
 * The number of a system call that takes ids of 32 bits: SYS_IDS(setgroups). Where ids had 16 bits
 * at first, the one of that name still does.
 */
#ifdef SYS_fchown32
#define SYS_IDS(name) SYS_##name##32
#else
#define SYS_IDS(name) SYS_##name
#endif

static inline int sys_fchown(int fd, uid_t uid, gid_t gid)
{
	return (int)syscall(SYS_IDS(fchown), fd, uid, gid);
}

/* Not of a descriptor that was opened with O_PATH. */
static inline int sys_fchmod(int fd, mode_t mode)
{
	return (int)syscall(SYS_fchmod, fd, mode);
}

/* The copy is close-on-exec; from and to differ. */
static inline int sys_dup(int from, int to)
{
	return (int)syscall(SYS_dup3, from, to, O_CLOEXEC);
}

/* The copy stays open at an exec; from and to differ. */
static inline int sys_dup2(int from, int to)
{
	return (int)syscall(SYS_dup3, from, to, 0);
}

/* Close-on-exec and non-blocking. The kernel's set is shorter than the libc's. */
static inline int sys_signalfd(const sigset_t *set)
{
	return (int)syscall(SYS_signalfd4, -1, set, _NSIG / 8, O_CLOEXEC | O_NONBLOCK);
}

/*
 * As fork(2) with flags of clone(2), without the libc's care for threads and locks,
 * which we have none of.
 */
static inline pid_t sys_fork(unsigned long flags)
{
#ifdef __s390x__
	return (pid_t)syscall(SYS_clone, 0UL, flags | SIGCHLD, 0UL, 0UL, 0UL);
#else
	return (pid_t)syscall(SYS_clone, flags | SIGCHLD, 0UL, 0UL, 0UL, 0UL);
#endif
}

/*
 * clone3(2) with flags, for a child that is born in a cgroup (Linux 5.7), by its descriptor, or
 * with -1 in ours: what an older kernel does not know has to be zero. Returns as fork(2).
 */
static inline pid_t sys_clone3(unsigned long flags, int cgroup)
{
	/* struct clone_args of <linux/sched.h> up to cgroup. */
	const uint64_t into_cgroup = 0x200000000;
	const uint64_t arguments[11] = {[0] = cgroup < 0 ? flags : flags | into_cgroup,
		[4] = SIGCHLD,
		[10] = cgroup < 0 ? 0 : (uint64_t)cgroup};

	return (pid_t)syscall(SYS_clone3, arguments, sizeof arguments);
}

/* Not for threads, whom a libc would tell. old and new may be NULL. */
static inline int sys_limit(int resource, const struct sys_limit *new, struct sys_limit *old)
{
	return (int)syscall(SYS_prlimit64, 0, resource, new, old);
}

/* The libcs disagree on the type of a request. */
static inline int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)syscall(SYS_ioctl, fd, request, argument);
}

static inline int sys_prctl(int option, unsigned long argument)
{
	return (int)syscall(SYS_prctl, option, argument, 0UL, 0UL, 0UL);
}

/* A clock in milliseconds. */
long long sys_clock(clockid_t clock);

/* The monotonic one. */
static inline long long sys_now(void)
{
	return sys_clock(CLOCK_MONOTONIC);
}

#endif
