#include "masks.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mountfd.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"

/*
 * Lists of names, each with a NUL behind it, and an empty one at the end. They are those of runc
 * and Docker; which of them there are is for the kernel's version and configuration to say.
 */
static const char *const read_only = "bus\0fs\0irq\0sys\0sysrq-trigger\0";
static const char *const hidden_in_proc =
	"acpi\0asound\0interrupts\0kcore\0keys\0latency_stats\0scsi\0"
	"sched_debug\0timer_list\0timer_stats\0";
/* The latter tells what is computed by the power that it takes (CVE-2020-8694). */
static const char *const hidden_in_sysfs = "firmware\0devices/virtual/powercap\0";

/* Both are empty. */
static const char *const file = "file", *const directory = "directory";

/*
 * Puts over each name below mount what is to be seen in its place: the file or the directory in
 * `empty`, or, where that is -1, the same once more, read-only.
 */
SECTION_START static void cover(int mount, const char *names, int empty)
{
	struct file_status status;
	int over, copy;

	for (const char *name = names; *name; name = text_name(name, 1)) {
		over = mountfd_find(mount, name);
		if (over < 0 && errno == ENOENT)
			continue;
		if (empty < 0)
			copy = mountfd_copy(mount, name);
		else
			copy = file_status_of(over, &status)
			               ? -1
			               : mountfd_copy(
						 empty, S_ISDIR(status.mode) ? directory : file);
		if (copy < 0 || mountfd_put(copy, MOUNTFD_RDONLY, over))
			fail_cannot("mask ", name);
		sys_close(copy);
		sys_close(over);
	}
}

/*
 * Only what is mounted somewhere can be copied (open_tree(2)), so the empty directory lies over
 * the mount itself meanwhile, which its descriptor is not affected by.
 */
void masks_put(int fs, bool is_proc)
{
	int empty = mountfd_make("tmpfs", "", MOUNTFD_NOSUID | MOUNTFD_NODEV | MOUNTFD_NOEXEC);
	int here = sys_open(AT_FDCWD, ".", O_PATH | O_DIRECTORY);
	const mode_t mask = sys_umask(0);

	if (empty < 0 || sys_mknodat(empty, file, S_IFREG | 0444, 0) ||
		sys_mkdirat(empty, directory, 0555) || mountfd_put(empty, 0, fs))
		fail_cannot("make masks", NULL);
	sys_umask(mask);
	if (is_proc)
		cover(fs, read_only, -1);
	cover(fs, is_proc ? hidden_in_proc : hidden_in_sysfs, empty);
	/* Where we may not be any more, as with new ids, the command would not be either. */
	if (sys_fchdir(empty) || sys_umount2(".", MNT_DETACH) ||
		(sys_fchdir(here) && sys_chdir("/")))
		fail_cannot("make masks", NULL);
	sys_close(here);
	sys_close(empty);
}
