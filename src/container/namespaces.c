#include "namespaces.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "process/credentials.h"
#include "process/reap.h"

/* <linux/sched.h>; musl's sched.h has had it since 1.2.0, glibc's since 2.36. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
	char name[8];
	unsigned flag;
} names[] = {
	{"pid", CLONE_NEWPID},
	{"mount", CLONE_NEWNS},
	{"uts", CLONE_NEWUTS},
	{"ipc", CLONE_NEWIPC},
	{"net", CLONE_NEWNET},
	{"user", CLONE_NEWUSER},
	{"cgroup", CLONE_NEWCGROUP},
	{"time", CLONE_NEWTIME},
	{"all", CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
			CLONE_NEWUSER | CLONE_NEWCGROUP | CLONE_NEWTIME},
};

int namespaces_parse(struct namespaces *namespaces, const char *list)
{
	for (;; list++) {
		unsigned row = TEXT_ROW(list, ',', names);
		if (row == sizeof names / sizeof *names)
			return -1;
		namespaces->flags |= names[row].flag;
		list += text_until(list, ',');
		if (!*list)
			return 0;
	}
}

/* All that were asked for in one call: the others then belong to the user namespace. */
static pid_t clone_into(unsigned long flags)
{
	/* struct clone_args of <linux/sched.h>, in its first version. */
	const uint64_t args[8] = {[0] = flags, [4] = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, args, sizeof args);
}

/*
 * All we were outside is dropped: groups, where we may (user_namespaces(7)), and
 * ids, where the namespace has a 0.
 */
static void become_root(void)
{
	const struct credentials root = {.uid = 0};

	if (credentials_become(&root) && credentials_take_ids(0, 0) && errno != EINVAL)
		log_fail("become root of the user namespace", "");
}

/* The word that the maps are written, or the end of it all. */
static void await(int leash)
{
	char word;

	if (read(leash, &word, 1) != 1)
		_exit(log_failure_code());
}

/* A death that came before we asked to be told of it closed the other end (prctl(2)). */
static void die_with_outer(int leash)
{
	struct pollfd end = {.fd = leash};

	if (sys_prctl(PR_SET_PDEATHSIG, SIGKILL))
		log_fail("follow outer process", "");
	if (poll(&end, 1, 0))
		_exit(log_failure_code());
}

static pid_t child;

static pid_t enter_new_pids(const struct namespaces *namespaces, int *leash)
{
	const bool user = namespaces->flags & CLONE_NEWUSER;
	int ends[2];

	if (sys_pipe(ends))
		log_fail("make pipe", "");
	child = clone_into(namespaces->flags);
	if (child < 0)
		log_fail("make namespaces", "");
	if (!child) {
		close(ends[1]);
		await(ends[0]);
		if (user)
			become_root();
		/* Now, since a change of ids makes the kernel forget it. */
		die_with_outer(ends[0]);
		close(ends[0]);
		return 0;
	}
	if (user)
		idmap_write(child, &namespaces->uids, &namespaces->gids);
	close(ends[0]);
	*leash = ends[1];
	if (write(ends[1], "", 1) != 1)
		log_fail("start inside", "");
	return child;
}

void namespaces_abandon(void)
{
	if (child <= 0)
		return;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* From the inside only our own id could be mapped: a child that stays outside does it. */
static void enter_new_users(const struct namespaces *namespaces)
{
	pid_t self = getpid(), mapper;
	int ends[2], status = 0;

	if (sys_pipe(ends))
		log_fail("make pipe", "");
	mapper = sys_fork(0);
	if (mapper < 0)
		log_fail("fork", "");
	if (!mapper) {
		close(ends[1]);
		await(ends[0]);
		idmap_write(self, &namespaces->uids, &namespaces->gids);
		_exit(0);
	}
	close(ends[0]);
	if (unshare((int)namespaces->flags))
		log_fail("make namespaces", "");
	if (write(ends[1], "", 1) != 1 || waitpid(mapper, &status, 0) < 0)
		log_fail("map ids", "");
	close(ends[1]);
	if (status)
		_exit(reap_code(status));
	become_root();
}

pid_t namespaces_enter(const struct namespaces *namespaces, int *leash)
{
	*leash = -1;
	if (namespaces->flags & CLONE_NEWPID)
		return enter_new_pids(namespaces, leash);
	if (namespaces->flags & CLONE_NEWUSER)
		enter_new_users(namespaces);
	else if (namespaces->flags && unshare((int)namespaces->flags))
		log_fail("make namespaces", "");
	return 0;
}

/* Any socket will do for it (netdevice(7)). */
static void set_loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = sys_socket();

	if (fd < 0 || sys_ioctl(fd, SIOCGIFFLAGS, &request))
		log_fail("read flags of lo", "");
	request.ifr_flags |= IFF_UP;
	if (sys_ioctl(fd, SIOCSIFFLAGS, &request))
		log_fail("set lo up", "");
	close(fd);
}

void namespaces_furnish(const struct namespaces *namespaces)
{
	const char *host = namespaces->hostname, *domain = namespaces->domainname;

	if (host && syscall(SYS_sethostname, host, text_until(host, 0)))
		log_fail("set host name ", host);
	if (domain && syscall(SYS_setdomainname, domain, text_until(domain, 0)))
		log_fail("set domain name ", domain);
	if (namespaces->loopback)
		set_loopback_up();
}
