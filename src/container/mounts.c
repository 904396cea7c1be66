#include "mounts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"
#include "devices.h"
#include "masks.h"
#include "mountfd.h"

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

int mounts_add(struct mounts *mounts, const char *text, bool is_tmpfs)
{
	const char *to = text;
	char part[PATH_MAX];

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
	if (*to && (is_tmpfs ? !to[1] || text_until(to, 0) > SIZE_TEXT
			     : !text_is(to, 0, ":ro") && !text_is(to, 0, ":dev")))
		return -1;
	mounts->extra[mounts->count++] = (struct mounts_extra){text, is_tmpfs};
	return 0;
}

bool mounts_wanted(const struct mounts *mounts)
{
	return mounts->list || mounts->count || mounts->read_only;
}

static void put(int root, int mount, const char *path, bool directory)
{
	char point[PATH_MAX];
	int over;

	text_join(point, path, "");
	over = mountfd_point(root, point, directory);
	if (over < 0 || mountfd_put(mount, over)) {
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
	put(root, mount, point, true);
	if ((row == PROC || row == SYS) && !(list & MOUNTS_UNMASKED))
		masks_put(mount, row == PROC);
	if (row == DEV && devices_fill(mount, host, terminal))
		fail_cannot("fill ", point);
	if (host >= 0)
		sys_close(host);
	sys_close(mount);
}

SECTION_START static void mount_tmpfs(int root, const char *text)
{
	char point[PATH_MAX], options[sizeof "mode=1777 size=" + SIZE_TEXT];
	const char *size = text_field(point, text, ':');
	int mount;

	text_join(text_join(options, "mode=1777", *size ? " size=" : ""), size + (*size != 0), "");
	mount = mountfd_make("tmpfs", options, MOUNTFD_NOSUID | MOUNTFD_NODEV);
	if (mount < 0)
		fail_cannot("mount tmpfs ", text);
	put(root, mount, point, true);
	sys_close(mount);
}

/* Whether a directory is the root that we have already, by the same mount. */
static bool is_root(int directory)
{
	struct file_status here, root;

	return !file_status_of(directory, &here) && !file_status_at(AT_FDCWD, "/", &root) &&
	       file_is_same(&here, &root) && here.mount == root.mount;
}

static const struct mounts *asked;

/*
 * A copy, mounted nowhere, of what is bound, for each extra, and of the root; -1: there is none.
 * Those that need a map of ids are made outside, the other binds by mounts_build().
 */
static int copies[MOUNTS_EXTRA + 1];

/* What the extra of that index copies, or behind the last one the root; NULL: nothing. */
static const char *source_of(unsigned index)
{
	if (index == asked->count)
		return asked->root;
	return asked->extra[index].is_tmpfs ? NULL : asked->extra[index].text;
}

/* Whether the owner of a file or directory would be nobody inside. */
static bool has_no_owner(const char *path, const struct idmap *uids)
{
	struct file_status status;
	int file = sys_open(AT_FDCWD, path, O_PATH);
	bool result = !file_status_of(file, &status) &&
	              (S_ISDIR(status.mode) || S_ISREG(status.mode)) &&
	              !idmap_has(uids, status.uid) && !is_root(file);

	sys_close(file);
	return result;
}

/* Of binds, all that are missing; with uids those that have no owner among these, or the root. */
static void make_copies(const struct idmap *uids)
{
	char source[PATH_MAX];

	for (unsigned i = 0; i <= asked->count; i++) {
		const char *path = source_of(i);
		const bool is_bind = i < asked->count;
		if (!path || copies[i] >= 0)
			continue;
		if (is_bind) {
			text_field(source, path, ':');
			path = source;
		}
		if (uids ? !has_no_owner(path, uids) : !is_bind)
			continue;
		copies[i] = mountfd_copy(AT_FDCWD, path);
		if (copies[i] < 0)
			fail_cannot(is_bind ? "bind " : "open root ", path);
	}
}

void mounts_open(const struct mounts *mounts, const struct idmap *uids)
{
	asked = mounts;
	memset(copies, -1, sizeof copies);
	if (uids)
		make_copies(uids);
}

SECTION_START void mounts_map(pid_t pid)
{
	char path[64], digits[NUMBER_SIZE];
	int users;

	text_join(text_join(path, "/proc/", number_text(digits, pid)), "/ns/user", "");
	users = sys_open(AT_FDCWD, path, O_RDONLY);
	for (unsigned i = 0; i <= asked->count; i++)
		if (copies[i] >= 0 && mountfd_map(copies[i], users))
			fail_cannot_since("map ids of ", source_of(i),
				errno == EINVAL ? "; its file system cannot, and its owner is not "
						  "in --uid-map"
						: "");
	sys_close(users);
}

/*
 * Another directory becomes a mount of its own, restricted, which is what pivot_root(2) takes. One
 * that was opened before may be where the new user may not go: it lies over "/" then.
 */
static int open_root(const char *path, int copy, unsigned attributes)
{
	int over = sys_open(AT_FDCWD, path && copy < 0 ? path : "/", O_PATH | O_DIRECTORY);
	int root = over;

	if (path && over >= 0 && (copy >= 0 || !is_root(over))) {
		root = copy >= 0 ? copy : mountfd_copy(over, ".");
		if (root >= 0 &&
			(mountfd_restrict(root, attributes, true) || mountfd_put(root, over)))
			root = -1;
		sys_close(over);
	}
	if (root < 0)
		fail_cannot("open root ", path ? path : "/");
	return root;
}

/* A device that is bound by itself was asked for by name; one in a directory needs ":dev". */
SECTION_START static void mount_bind(int root, const char *text, int mount, unsigned attributes)
{
	char point[PATH_MAX];
	const char *options = text_field(point, text_field(point, text, ':') + 1, ':');
	struct file_status status;

	if (file_status_of(mount, &status))
		fail_cannot("bind ", text);
	if (text_is(options, 0, ":ro"))
		attributes |= MOUNTFD_RDONLY;
	if (text_is(options, 0, ":dev") || !S_ISDIR(status.mode))
		attributes &= ~(unsigned)MOUNTFD_NODEV;
	if (mountfd_restrict(mount, attributes, true))
		fail_cannot("bind ", text);
	put(root, mount, point, S_ISDIR(status.mode));
	sys_close(mount);
}

/*
 * The old root lies over the new one for a moment and is taken away from there: no
 * directory for it is needed (pivot_root(2)). Where it is the rootfs of the kernel's
 * start, which cannot be pivoted, the new one is moved over it.
 */
static void pivot(int root, const char *path)
{
	if (sys_fchdir(root))
		fail_cannot("change directory to ", path);
	/* A rootfs could not be pivoted over itself either. */
	if (is_root(root))
		return;
	if (!syscall(SYS_pivot_root, ".", ".")) {
		if (sys_umount2(".", MNT_DETACH))
			fail_cannot("unmount the old root", "");
	} else if (errno != EINVAL || sys_mount(".", "/", NULL, MS_MOVE, NULL) || sys_chroot("."))
		fail_cannot("pivot root to ", path);
	if (sys_chdir("/"))
		fail_cannot("change directory to ", "/");
}

SECTION_START void mounts_build(const struct mounts *mounts, bool own_namespace)
{
	const struct mounts_extra *extra = mounts->extra;
	int root;
	unsigned safety = 0;

	if (!own_namespace) {
		if (mounts->root && (sys_chroot(mounts->root) || sys_chdir("/")))
			fail_cannot("change root to ", mounts->root);
		return;
	}
	if (sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail_cannot_since("make mounts private", "",
			errno == EINVAL ? "; / is not a mount point, as in a chroot" : "");
	/* Before anything is mounted that might cover a source. */
	make_copies(NULL);
	if (mounts->root)
		safety = MOUNTFD_NODEV | (mounts->set_user_id ? 0U : MOUNTFD_NOSUID);
	root = open_root(mounts->root, copies[mounts->count], safety);
	for (unsigned i = 0; i < ROWS; i++)
		if (mounts->list & 1U << i)
			mount_row(root, i, mounts->list);
	for (unsigned i = 0; i < mounts->count; i++)
		if (extra[i].is_tmpfs)
			mount_tmpfs(root, extra[i].text);
		else
			mount_bind(root, extra[i].text, copies[i], safety);
	if (mounts->read_only && mountfd_restrict(root, MOUNTFD_RDONLY, false))
		fail_cannot("make the root read-only", "");
	if (mounts->root)
		pivot(root, mounts->root);
	sys_close(root);
}
