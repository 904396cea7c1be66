#include "sysctl.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/nskind.h"
#include "base/section.h"
#include "base/text.h"

enum { PATH = 256 };

/* What each path that starts like this belongs to (namespaces(7), ipc_namespaces(7)). */
static const struct {
	unsigned char kind; /* enum ns_kind */
	char start[18];
} owners[] = {
	{NS_NET, "net/"},
	{NS_IPC, "fs/mqueue/"},
	{NS_IPC, "kernel/msg"},
	{NS_IPC, "kernel/sem"},
	{NS_IPC, "kernel/shm"},
	{NS_USER, "user/"},
	{NS_UTS, "kernel/domainname"},
	{NS_UTS, "kernel/hostname"},
};

static bool is_owned(const char *path, unsigned long namespaces)
{
	for (unsigned i = 0; i < sizeof owners / sizeof *owners; i++)
		if (namespaces & (unsigned)ns_names[owners[i].kind].flag &&
			text_after(path, owners[i].start))
			return true;
	return false;
}

/* Dots are slashes where there are none. 0, or -1 with errno, also for a path that leads upwards.
 */
static int read_path(char path[static PATH], const char *name, size_t length)
{
	const bool by_dots = text_until(name, '/') >= length;

	errno = EINVAL;
	if (length >= PATH)
		return -1;
	memcpy(path, name, length);
	path[length] = 0;
	for (char *p = path; *p; p++) {
		if (by_dots && *p == '.')
			*p = '/';
		if (p[0] == '/' && p[1] == '.' && !by_dots)
			return -1;
	}
	return 0;
}

SECTION_START void sysctl_set(const struct settings *settings, unsigned long namespaces)
{
	static const char *const root = "/proc/sys/";
	char path[16 + PATH], *name = text_copy(path, root);

	for (unsigned i = 0; i < settings->count; i++) {
		const char *setting = settings->list[i];
		const size_t length = text_until(setting, '=');
		const int bad = read_path(name, setting, length);
		if (!bad && !is_owned(name, namespaces))
			fail_note("cannot set sysctl ", setting,
				": no namespace of --unshare has it");
		if (bad || file_write(AT_FDCWD, path, setting + length + 1))
			fail_cannot("set sysctl ", setting);
	}
}
