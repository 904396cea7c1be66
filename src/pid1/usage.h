/*
 * usage: the texts that init prints on request, on stdout, and the options that the
 * help names: it is their table, too, so that neither can lag behind the other.
 */
#ifndef USAGE_H
#define USAGE_H

#include <stdbool.h>

/* In the order of the help. */
enum option {
	OPT_GROUP,
	OPT_SINGLE_CHILD,
	OPT_REWRITE,
	OPT_PARENT_DEATH,
	OPT_KILL_AFTER,
	OPT_GRACE,
	OPT_WAIT_ALL,
	OPT_EXPECT,
	OPT_USER,
	OPT_CHDIR,
	OPT_NO_NEW_PRIVS,
	OPT_PAUSE,
	OPT_UNSHARE,
	OPT_MAP_ROOT,
	OPT_UID_MAP,
	OPT_GID_MAP,
	OPT_HOSTNAME,
	OPT_DOMAINNAME,
	OPT_LOOPBACK,
	OPT_CHROOT,
	OPT_READ_ONLY,
	OPT_MOUNT_PROC,
	OPT_MOUNT,
	OPT_BIND,
	OPT_TMPFS,
	OPT_CGROUP,
	OPT_LIMIT,
	OPT_CONTROL,
	OPT_CONTROL_FD,
	OPT_CONTROL_ALLOW,
	OPT_CONTROL_VERBS,
	OPT_READY_FD,
	OPT_NOTIFY,
	OPT_STATUS_FD,
	OPT_WARN,
	OPT_VERBOSE,
	OPT_SUBREAPER,
	OPT_HELP,
	OPT_VERSION,
	OPT_LICENSE,
};

struct usage_option {
	enum option option;
	bool value; /* takes one */
	char name[24];
};

/* The option of a long name, which ends at '=' or the end, or with NULL of a flag; or false. */
bool usage_find(struct usage_option *found, const char *name, char flag);

/* Each ends the process with 0, or 1 where stdout does not take it. */
_Noreturn void usage_help(void);
_Noreturn void usage_license(void);
_Noreturn void usage_version(const char *text);

#endif
