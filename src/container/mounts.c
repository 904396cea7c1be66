#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/devices.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mountfd.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"
#include "masks.h"

enum {
	SIZE_TEXT = 24, /* the size of a tmpfs, in characters, at most */
	SAFE = MOUNTFD_NOSUID | MOUNTFD_NODEV | MOUNTFD_NOEXEC,
};

/* In the order in which they are mounted. */
enum row { PROC, SYS, DEV, PTS, SHM, MQUEUE, TMP, RUN, ROWS };

/*
 * The options are those that container runtimes use. Where the kernel refuses them, the
 * first is left out (mountfd_make): a user namespace may have no group 5 for pts.
 */
static const struct {
	char name[7];
	unsigned char attributes;
	const char *type, *point, *options;
} rows[ROWS] = {
	[PROC] = {"proc", SAFE, "proc", "/proc", ""},
	[SYS] = {"sys", SAFE | MOUNTFD_RDONLY, "sysfs", "/sys", ""},
	[DEV] = {"dev", SAFE, "tmpfs", "/dev", "mode=755"},
	[PTS] = {"pts", MOUNTFD_NOSUID | MOUNTFD_NOEXEC, "devpts", "/dev/pts",
		"gid=5 ptmxmode=666 mode=620"},
	[SHM] = {"shm", SAFE, "tmpfs", "/dev/shm", "mode=1777 size=64m"},
	[MQUEUE] = {"mqueue", SAFE, "mqueue", "/dev/mqueue", ""},
	[TMP] = {"tmp", MOUNTFD_NOSUID | MOUNTFD_NODEV, "tmpfs", "/tmp", "mode=1777"},
	[RUN] = {"run", MOUNTFD_NOSUID | MOUNTFD_NODEV, "tmpfs", "/run", "mode=755"},
};

/* Which bits of struct mounts.list a name of the list stands for; 0: there is no such name. */
static unsigned long long bits_of(const char *name)
{
	unsigned row = TEXT_ROW(name, ',', rows);

	if (row < ROWS)
		return 1U << row;
	if (text_is(name, ',', "all"))
		return (1U << ROWS) - 1;
	if (text_is(name, ',', "proc-full"))
		return 1U << PROC | MOUNTS_UNMASKED;
	return text_is(name, ',', "hidepid") ? 1U << PROC | MOUNTS_HIDEPID : 0;
}

int mounts_parse(struct mounts *mounts, const char *list)
{
	const unsigned bits = (unsigned)text_set(list, bits_of);

	mounts->list |= bits;
	return bits ? 0 : -1;
}

static unsigned long long bind_options_of(const char *name)
{
	/* In the order of enum bind_option. */
	return BIND_OPTIONS & 1U << text_number("ro\0dev\0noidmap\0", name, ',');
}

SECTION_START int mounts_add(struct mounts *mounts, const char *text, bool is_tmpfs)
{
	const char *to = text;
	char part[PATH_MAX];
	unsigned options = 0;

	if (mounts->count == MOUNTS_EXTRA || text_until(text, 0) >= PATH_MAX)
		return -1;
	if (!is_tmpfs) {
		to = text_field(part, text, ':');
		if (to == text || !*to++)
			return -1;
	}
	to = text_field(part, to, ':');
	if (*part != '/')
		return -1;
	if (*to && is_tmpfs && (!to[1] || text_until(to, 0) > SIZE_TEXT))
		return -1;
	if (*to && !is_tmpfs) {
		options = (unsigned)text_set(to + 1, bind_options_of);
		if (!options)
			return -1;
	}
	mounts->extra[mounts->count++] =
		(struct mounts_extra){text, is_tmpfs, (unsigned char)options};
	return 0;
}

bool mounts_wanted(const struct mounts *mounts)
{
	return mounts->list || mounts->count || mounts->read_only;
}

SECTION_START static void put(
	int root, int mount, unsigned attributes, const char *path, bool directory)
{
	char point[PATH_MAX];
	int over;

	text_copy(point, path);
	over = mountfd_point(root, point, directory);
	if (over < 0 || mountfd_put(mount, attributes, over)) {
		const bool is_link = !text_is(point, 0, path);
		fail_errno(over < 0 ? "make mount point " : "mount on ", path,
			is_link ? ", a link to " : "", is_link ? point : "");
	}
	sys_close(over);
}

/* What the kernel asks for in a user namespace (user_namespaces(7), sysfs(5)); or "". */
static const char *cause_for(enum row row)
{
	const bool shows_a_namespace = row == PROC || row == SYS || row == MQUEUE;

	return shows_a_namespace && errno == EPERM
	               ? "; proc needs --unshare=pid, sys net, mqueue ipc, and nothing of it "
	                 "hidden outside"
	               : "";
}

static void mount_row(int root, enum row row, unsigned list)
{
	const char *point = rows[row].point;
	int terminal = -1, host = -1;
	int mount = mountfd_make(rows[row].type,
		row == PROC && list & MOUNTS_HIDEPID ? "hidepid=2" : rows[row].options,
		rows[row].attributes);

	if (mount < 0)
		fail_cannot_since("mount ", rows[row].name, cause_for(row));
	if (row == DEV) {
		terminal = devices_terminal();
		host = sys_open(AT_FDCWD, "/dev", O_PATH);
	}
	put(root, mount, 0, point, true);
	if ((row == PROC || row == SYS) && !(list & MOUNTS_UNMASKED))
		masks_put(mount, row == PROC);
	if (row == DEV) {
		if (devices_fill(mount, host, terminal))
			fail_cannot("fill ", point);
		sys_close(host);
	}
	sys_close(mount);
}

SECTION_START static void mount_tmpfs(int root, const char *text)
{
	char point[PATH_MAX], options[sizeof "mode=1777 size=" + SIZE_TEXT], *end;
	const char *size = text_field(point, text, ':');
	int mount;

	end = text_copy(options, "mode=1777");
	if (*size)
		text_join(end, " size=", size + 1);
	mount = mountfd_make("tmpfs", options, MOUNTFD_NOSUID | MOUNTFD_NODEV);
	if (mount < 0)
		fail_cannot("mount tmpfs ", text);
	put(root, mount, 0, point, true);
	sys_close(mount);
}

/* What was opened: copies that are mounted nowhere. -1: there is none, or not yet. */
static struct {
	const struct mounts *asked;
	int root; /* none where it is the root that we have already */
	int binds[MOUNTS_EXTRA];
} opened;

/* By the same mount. */
static bool is_our_root(int directory)
{
	struct file_status here, root;

	return !file_status_of(directory, &here) && !file_status_at(AT_FDCWD, "/", &root) &&
	       file_is_same(&here, &root) && here.mount == root.mount;
}

/* Makes a copy, if there is none yet. Where that may fail, we are not allowed to yet. */
static bool copy(int *to, int directory, const char *path, bool may_fail)
{
	if (*to < 0)
		*to = mountfd_copy(directory, path);
	return *to >= 0 || (may_fail && errno == EPERM);
}

/* What is not opened yet. */
SECTION_START static void open_sources(bool may_fail)
{
	const struct mounts *asked = opened.asked;
	char from[PATH_MAX];
	int root;

	if (asked->root && opened.root < 0) {
		root = sys_open(AT_FDCWD, asked->root, O_PATH | O_DIRECTORY);
		if (root < 0)
			fail_cannot("open root ", asked->root);
		if (!is_our_root(root) && !copy(&opened.root, root, ".", may_fail))
			fail_cannot("open root ", asked->root);
		sys_close(root);
	}
	for (unsigned i = 0; i < asked->count; i++) {
		text_field(from, asked->extra[i].text, ':');
		if (!asked->extra[i].is_tmpfs && !copy(&opened.binds[i], AT_FDCWD, from, may_fail))
			fail_cannot("bind ", from);
	}
}

void mounts_open(const struct mounts *mounts, bool own_namespace)
{
	opened.asked = mounts;
	opened.root = -1;
	memset(opened.binds, -1, sizeof opened.binds);
	if (own_namespace)
		open_sources(true);
}

/* Sockets and devices have the mode that they have. */
SECTION_START static void map(int mount, const char *name, int users, const struct idmap *uids)
{
	struct file_status status;

	if (file_status_of(mount, &status) || !(S_ISDIR(status.mode) || S_ISREG(status.mode)) ||
		!idmap_misses(uids, status.uid))
		return;
	if (mountfd_map(mount, users))
		fail_cannot_since("map ids of ", name,
			errno == EINVAL ? "; its file system cannot: chown it" : "");
}

SECTION_START void mounts_map(int proc, const struct idmap *uids)
{
	const struct mounts *asked = opened.asked;
	int users = sys_open(proc, "ns/user", O_RDONLY);

	map(opened.root, asked->root, users, uids);
	for (unsigned i = 0; i < asked->count; i++)
		if (!(asked->extra[i].options & BIND_UNMAPPED))
			map(opened.binds[i], asked->extra[i].text, users, uids);
	sys_close(users);
	sys_close(proc);
}

/*
 * Another root becomes a mount of its own, restricted, which is what pivot_root(2) takes. It lies
 * over ours: where it was copied from may be closed to us by now.
 */
static int put_root(unsigned attributes)
{
	int over = sys_open(AT_FDCWD, "/", O_PATH | O_DIRECTORY), root = opened.root;

	if (over < 0)
		fail_cannot("open root ", "/");
	if (root < 0)
		root = over;
	else if (mountfd_put(root, attributes, over))
		fail_cannot("open root ", opened.asked->root);
	else
		sys_close(over);
	return root;
}

/* A device that is bound by itself was asked for by name; one in a directory needs "dev". */
SECTION_START static void mount_bind(
	int root, const struct mounts_extra *extra, int mount, unsigned attributes)
{
	char point[PATH_MAX];
	struct file_status status;

	text_field(point, text_field(point, extra->text, ':') + 1, ':');
	if (extra->options & BIND_READ_ONLY)
		attributes |= MOUNTFD_RDONLY;
	if (file_status_of(mount, &status))
		fail_cannot("bind ", extra->text);
	if (extra->options & BIND_DEVICES || !S_ISDIR(status.mode))
		attributes &= ~(unsigned)MOUNTFD_NODEV;
	put(root, mount, attributes, point, S_ISDIR(status.mode));
	sys_close(mount);
}

static void pivot(int root, const char *path)
{
	if (sys_fchdir(root))
		fail_cannot("change directory to ", path);
	/* A rootfs could not be pivoted over itself either. */
	if (opened.root < 0)
		return;
	if (mountfd_pivot())
		fail_cannot("change root to ", path);
	if (sys_chdir("/"))
		fail_cannot("change directory to ", "/");
}

SECTION_START void mounts_build(const struct mounts *mounts, bool own_namespace)
{
	const struct mounts_extra *extra = mounts->extra;
	unsigned safety = 0;
	int root;

	if (!own_namespace) {
		if (mounts->root && (sys_chroot(mounts->root) || sys_chdir("/")))
			fail_cannot("change root to ", mounts->root);
		return;
	}
	if (sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail_cannot_since("make mounts private", "",
			errno == EINVAL ? "; / is not a mount point, as in a chroot" : "");
	/* Before anything is mounted that might cover a source. */
	open_sources(false);
	if (mounts->root)
		safety = MOUNTFD_NODEV | (mounts->set_user_id ? 0U : MOUNTFD_NOSUID);
	root = put_root(safety);
	for (unsigned i = 0; i < ROWS; i++)
		if (mounts->list & 1U << i)
			mount_row(root, i, mounts->list);
	for (unsigned i = 0; i < mounts->count; i++)
		if (extra[i].is_tmpfs)
			mount_tmpfs(root, extra[i].text);
		else
			mount_bind(root, &extra[i], opened.binds[i], safety);
	if (mounts->read_only && mountfd_restrict(root, MOUNTFD_RDONLY))
		fail_cannot("make the root read-only", "");
	if (mounts->root)
		pivot(root, mounts->root);
	sys_close(root);
}
