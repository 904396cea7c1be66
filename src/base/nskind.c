#include "nskind.h"

#include <sched.h>

#include "text.h"

/* <linux/sched.h>; musl's sched.h has had it since 1.2.0, glibc's since 2.36. */
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

const struct ns_name ns_names[NS_KINDS] = {
	[NS_CGROUP] = {"cgroup", CLONE_NEWCGROUP},
	[NS_IPC] = {"ipc", CLONE_NEWIPC},
	[NS_UTS] = {"uts", CLONE_NEWUTS},
	[NS_NET] = {"net", CLONE_NEWNET},
	[NS_TIME] = {"time", CLONE_NEWTIME},
	[NS_PID] = {"pid", CLONE_NEWPID},
	[NS_MNT] = {"mnt", CLONE_NEWNS},
	[NS_USER] = {"user", CLONE_NEWUSER},
};

bool ns_has_name(enum ns_kind kind, const char *text, char end)
{
	return text_is(text, end, ns_names[kind].name) ||
	       (kind == NS_MNT && text_is(text, end, "mount"));
}
