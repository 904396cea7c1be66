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
#include "base/nskind.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"
#include "janitor.h"
#include "mounts.h"
#include "process/credentials.h"
#include "process/signals.h"

/* The flags of clone(2) that a name in a list stands for; 0: there is no such name. */
static unsigned long long flags_of(const char *name)
{
	const bool all = text_is(name, ',', "all");
	unsigned flags = 0;

	for (unsigned i = 0; i < NS_KINDS; i++)
		if (all || ns_has_name(i, name, ','))
			flags |= (unsigned)ns_names[i].flag;
	return flags;
}

int namespaces_parse(struct namespaces *namespaces, const char *list)
{
	const unsigned flags = (unsigned)text_set(list, flags_of);

	namespaces->flags |= flags;
	return flags ? 0 : -1;
}

/* From outside: ids of a process in the new user namespace, and those of files in its mounts. */
SECTION_START static void map_ids(pid_t pid, const struct namespaces *namespaces)
{
	mounts_map(idmap_write(pid, &namespaces->uids, &namespaces->gids), &namespaces->uids);
}

/*
 * All we were outside is dropped: groups, where we may (user_namespaces(7)), and ids. What is
 * made from now on needs an owner that the namespace knows, so where it has no root, the first
 * that it has is taken. All capabilities stay: the ids before were not root's either.
 */
SECTION_START static void become_first(const struct namespaces *namespaces)
{
	const struct credentials first = {
		.uid = *idmap_first(&namespaces->uids), .gid = *idmap_first(&namespaces->gids)};

	if (credentials_become(&first) && credentials_take_ids(first.uid, first.gid))
		fail_cannot("take on ids inside", NULL);
}

/*
 * A parent that fails says so itself and kills us (namespaces_abandon). So where the pipe from
 * it ends it was killed, and we report that in its place.
 */
_Noreturn static void fail_without_parent(void)
{
	fail_note("cannot start: outer process was killed", NULL, NULL);
}

/* Waits for the byte by which our parent lets us continue. */
static void await(int pipe)
{
	char byte;

	if (sys_read(pipe, &byte, 1) != 1)
		fail_without_parent();
}

/* A death before the call of prctl(2), of which it does not tell, has closed the pipe. */
static void die_with_outer(int pipe)
{
	struct pollfd end = {.fd = pipe};

	/* It fails for a bad signal alone. */
	sys_prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sys_poll(&end, 1, 0))
		fail_without_parent();
}

/* A child that waits for us, to be killed where we fail; 0: there is none. */
static pid_t child;

/* The kernel has one errno for several causes: which those may be. */
_Noreturn static void fail_to_make(const struct namespaces *namespaces)
{
	const char *cause = "";

	switch (errno) {
	case EPERM: /* user_namespaces(7) */
		cause = namespaces->flags & CLONE_NEWUSER
		                ? "; an id without a map, a chroot, a sysctl or a seccomp filter "
		                  "forbids it"
		                : "; CAP_SYS_ADMIN or --unshare=user is needed";
		break;
	case ENOSYS: /* what engines answer clone3(2) with, or Linux before 5.3 */
		cause = "; a container engine's seccomp filter forbids it";
		break;
	case ENOSPC: /* namespaces(7) */
		cause = "; see the limits in /proc/sys/user";
		break;
	}
	fail_cannot_since("make namespaces", NULL, cause);
}

/*
 * Starts the child, in new namespaces of those flags, 0 for none. It waits for a byte of ours.
 * Returns our end of the pipe for that, and its own in the child; where child is -1 there is none.
 */
SECTION_START static int start_child(unsigned long flags)
{
	int ends[2];

	if (sys_pipe(ends))
		fail_cannot("start process", NULL);
	/* In one call, so that the others belong to the user namespace. */
	child = flags ? sys_clone3(flags, -1) : sys_fork(0);
	if (!child) {
		janitor_disown();
		sys_close(ends[1]);
		await(ends[0]);
		return ends[0];
	}
	sys_close(ends[0]);
	return ends[1];
}

static pid_t enter_new_pids(const struct namespaces *namespaces, int *life)
{
	const bool user = namespaces->flags & CLONE_NEWUSER;
	const int pipe = start_child(namespaces->flags);

	if (child < 0)
		fail_to_make(namespaces);
	if (!child) {
		if (user)
			become_first(namespaces);
		/* Now, since a change of ids makes the kernel forget it. */
		die_with_outer(pipe);
		sys_close(pipe);
		return 0;
	}
	if (user)
		map_ids(child, namespaces);
	*life = pipe;
	if (sys_write(pipe, "", 1) != 1)
		fail_cannot("start process", NULL);
	return child;
}

void namespaces_abandon(void)
{
	if (child <= 0)
		return;
	sys_kill(child, SIGKILL);
	sys_waitpid(child, NULL, 0);
}

/*
 * The mapper ended, as of wait(2). One that failed has said so, and has cleaned up, from
 * outside; for one that was killed we do.
 */
static void check_mapper(int status)
{
	if (WTERMSIG(status))
		idmap_fail_killed("id mapper", WTERMSIG(status));
	if (status)
		_exit(WEXITSTATUS(status));
}

/* From the inside only our own id could be mapped: a child that stays outside does it. */
static void enter_new_users(const struct namespaces *namespaces)
{
	pid_t self = getpid();
	const int pipe = start_child(0);
	int status;

	if (child < 0)
		fail_cannot("start process", NULL);
	if (!child) {
		map_ids(self, namespaces);
		_exit(0);
	}
	if (sys_unshare((int)namespaces->flags))
		fail_to_make(namespaces);
	if ((sys_write(pipe, "", 1) != 1 && errno != EPIPE) || sys_waitpid(child, &status, 0) < 0)
		fail_cannot("map ids", NULL);
	child = 0;
	sys_close(pipe);
	check_mapper(status);
	become_first(namespaces);
}

pid_t namespaces_enter(const struct namespaces *namespaces, int *life)
{
	*life = -1;
	if (namespaces->flags & CLONE_NEWPID)
		return enter_new_pids(namespaces, life);
	if (namespaces->flags & CLONE_NEWUSER)
		enter_new_users(namespaces);
	else if (namespaces->flags && sys_unshare((int)namespaces->flags))
		fail_to_make(namespaces);
	return 0;
}

/* Any socket will do for it (netdevice(7)). */
static void bring_up_loopback(void)
{
	struct ifreq request;
	int fd = sys_socket(AF_UNIX, SOCK_SEQPACKET);
	bool up = false;

	text_copy(request.ifr_name, "lo");
	if (fd >= 0 && !sys_ioctl(fd, SIOCGIFFLAGS, &request)) {
		request.ifr_flags |= IFF_UP;
		up = !sys_ioctl(fd, SIOCSIFFLAGS, &request);
	}
	if (!up)
		fail_cannot("bring up lo", NULL);
	sys_close(fd);
}

/*
 * Keys have no namespace: what is in the keyring of whoever starts init is not for the container.
 * Where the kernel has no keys, or a filter keeps all of them away, there are none to hide.
 */
static void join_keyring(void)
{
	const int join_session_keyring = 1; /* <linux/keyctl.h> */

	if (syscall(SYS_keyctl, join_session_keyring, NULL) < 0 && errno != ENOSYS &&
		errno != EPERM)
		fail_cannot("join session keyring", NULL);
}

void namespaces_furnish(const struct namespaces *namespaces)
{
	const char *host = namespaces->hostname, *domain = namespaces->domainname;

	if (host && syscall(SYS_sethostname, host, text_until(host, 0)))
		fail_cannot("set host name ", host);
	if (domain && syscall(SYS_setdomainname, domain, text_until(domain, 0)))
		fail_cannot("set domain name ", domain);
	if (namespaces->loopback)
		bring_up_loopback();
	if (namespaces->keyring)
		join_keyring();
}
