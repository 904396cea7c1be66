/*
 * nslist: see nslist.h.
 */
#include "nslist.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/sys.h"
#include "base/text.h"
#include "out.h"
#include "verbs.h"

/* <linux/magic.h>, <linux/nsfs.h> */
#define NSFS             0x6e736673
#define NS_GET_USERNS    0xb701
#define NS_GET_NSTYPE    0xb703
#define NS_GET_OWNER_UID 0xb704

static void add(struct nslist *list, enum ns_kind kind)
{
	if (!nslist_has(list, kind))
		list->kinds[list->count++] = kind;
}

static void add_name(struct nslist *list, const char *name)
{
	if (!strcmp(name, "all")) {
		list->all = true;
		for (unsigned i = 0; i < NS_KINDS; i++)
			add(list, i);
		return;
	}
	for (unsigned i = 0; i < NS_KINDS; i++)
		if (ns_has_name(i, name, 0)) {
			add(list, i);
			return;
		}
	fail_usage("unknown namespace", name);
}

void nslist_parse(struct nslist *list, const char *text)
{
	char copy[256], *name, *rest = copy;

	if (strlen(text) >= sizeof copy)
		fail_usage("unknown namespace", text);
	text_join(copy, text, "");
	while ((name = strsep(&rest, ",")))
		add_name(list, name);
}

bool nslist_has(const struct nslist *list, enum ns_kind kind)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->kinds[i] == kind)
			return true;
	return false;
}

void nslist_drop(struct nslist *list, enum ns_kind kind)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < list->count; i++)
		if (list->kinds[i] != kind)
			list->kinds[kept++] = list->kinds[i];
	list->count = kept;
}

bool ns_is(enum ns_kind kind, int fd)
{
	return file_system_of(fd) == NSFS &&
	       sys_ioctl(fd, NS_GET_NSTYPE, NULL) == ns_names[kind].flag;
}

void nslist_check(const int *fds)
{
	for (unsigned i = 0; i < NS_KINDS; i++)
		if (fds[i] >= 0 && !ns_is(i, fds[i]))
			fail_note("cannot use descriptor of ", ns_names[i].name,
				": not a namespace of this kind");
}

bool ns_is_file(int fd, const char *path)
{
	struct stat one, other;

	return !file_stat_of(fd, &one) && !file_stat_at(AT_FDCWD, path, &other, 0) &&
	       one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool ns_is_ours(enum ns_kind kind, int fd)
{
	char path[32];

	text_join(path, "/proc/self/ns/", ns_names[kind].name);
	return ns_is_file(fd, path);
}

/*
 * Finds the inode of the user namespace that a namespace belongs to, and the uid of its owner.
 * Each is -1 if the kernel does not tell, which it does only for our own user namespace and its
 * descendants.
 */
static void find_owner(enum ns_kind kind, int fd, long long *user, long long *owner)
{
	struct stat status;
	int userns = sys_ioctl(fd, NS_GET_USERNS, NULL);
	uid_t uid = 0;

	*user = userns >= 0 && !file_stat_of(userns, &status) ? (long long)status.st_ino : -1;
	*owner = -1;
	/* NS_GET_USERNS of a user namespace is its parent, but its owner is its own creator. */
	if (!sys_ioctl(kind == NS_USER ? fd : userns, NS_GET_OWNER_UID, &uid))
		*owner = uid;
	if (userns >= 0)
		close(userns);
}

static void print_number(int width, long long number, const char *unknown)
{
	if (number < 0)
		out_print("%-*s", width, unknown);
	else
		out_print("%-*lld", width, number);
}

void nslist_print(const struct nslist *list, const int *fds, bool json)
{
	if (!json && list->count)
		out_line("KIND    INODE       OWNER       USER-NS     SHARED");
	for (unsigned i = 0; i < list->count; i++) {
		enum ns_kind kind = list->kinds[i];
		struct stat status = {.st_ino = 0};
		long long user, owner;
		bool ours = ns_is_ours(kind, fds[kind]);

		file_stat_of(fds[kind], &status);
		find_owner(kind, fds[kind], &user, &owner);
		out_print(
			json ? "{\"namespace\":\"%s\",\"inode\":%lld,\"owner\":" : "%-7s %-11lld ",
			ns_names[kind].name, (long long)status.st_ino);
		print_number(json ? 0 : 12, owner, json ? "null" : "-");
		if (json)
			out_text(",\"user\":");
		print_number(json ? 0 : 12, user, json ? "null" : "-");
		out_print(json ? ",\"shared\":%s}\n" : "%s\n", ours   ? json ? "true" : "yes"
							       : json ? "false"
								      : "no");
	}
}
