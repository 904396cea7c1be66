#include "nskind.h"

#include <sched.h>

/* <linux/sched.h>; musl's sched.h has had it since 1.2.0, glibc's since 2.36. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

const struct ns_name ns_names[NS_KINDS] = {
	[NS_CGROUP] = {"cgroup", "cgroup", CLONE_NEWCGROUP},
	[NS_IPC] = {"ipc", "ipc", CLONE_NEWIPC},
	[NS_UTS] = {"uts", "uts", CLONE_NEWUTS},
	[NS_NET] = {"net", "net", CLONE_NEWNET},
	[NS_TIME] = {"time", "time", CLONE_NEWTIME},
	[NS_PID] = {"pid", "pid", CLONE_NEWPID},
	[NS_MNT] = {"mnt", "mount", CLONE_NEWNS},
	[NS_USER] = {"user", "user", CLONE_NEWUSER},
};
