#include "sysctl.h"

#include <sched.h>
#include <stddef.h>

#include "base/file.h"
#include "base/log.h"
#include "base/section.h"
#include "base/text.h"

enum { PATH = 256 };

/* What each path that starts like this belongs to (namespaces(7), ipc_namespaces(7)). */
static const struct {
	unsigned flag; /* CLONE_NEW... */
	char start[18];
} owners[] = {
	{CLONE_NEWNET, "net/"},
	{CLONE_NEWIPC, "fs/mqueue/"},
	{CLONE_NEWIPC, "kernel/msg"},
	{CLONE_NEWIPC, "kernel/sem"},
	{CLONE_NEWIPC, "kernel/shm"},
	{CLONE_NEWUSER, "user/"},
	{CLONE_NEWUTS, "kernel/domainname"},
	{CLONE_NEWUTS, "kernel/hostname"},
};

/*
 * The path below /proc/sys that a setting names. The first of its separators is the one that
 * separates; the other one stands for a dot. 0, or -1 where it is none, or leads upwards.
 */
static int read_path(char path[static PATH], const char *setting)
{
	const size_t length = text_until(setting, '=');
	const bool by_dots = text_until(setting, '.') < text_until(setting, '/');

	if (!length || length >= PATH || !setting[length])
		return -1;
	for (size_t i = 0; i < length; i++) {
		path[i] = setting[i];
		if (by_dots && setting[i] == '.')
			path[i] = '/';
		else if (by_dots && setting[i] == '/')
			path[i] = '.';
		if (path[i] == '.' && (!i || path[i - 1] == '/'))
			return -1;
	}
	path[length] = 0;
	return 0;
}

int sysctl_add(struct sysctls *sysctls, const char *setting)
{
	char path[PATH];

	if (sysctls->count == SYSCTLS || read_path(path, setting))
		return -1;
	sysctls->settings[sysctls->count++] = setting;
	return 0;
}

static bool is_owned(const char *path, unsigned long namespaces)
{
	for (unsigned i = 0; i < sizeof owners / sizeof *owners; i++)
		if (namespaces & owners[i].flag && text_after(path, owners[i].start))
			return true;
	return false;
}

SECTION_START void sysctl_set(const struct sysctls *sysctls, unsigned long namespaces)
{
	static const char root[] = "/proc/sys/";
	char path[sizeof root + PATH], *name = text_join(path, root, "");

	for (unsigned i = 0; i < sysctls->count; i++) {
		const char *setting = sysctls->settings[i];
		read_path(name, setting);
		if (!is_owned(name, namespaces))
			fail_note("cannot set sysctl ", setting, ": it is the host's, see --unshare");
		if (file_write(AT_FDCWD, path, setting + text_until(setting, '=') + 1))
			fail_cannot("set sysctl ", setting);
	}
}
