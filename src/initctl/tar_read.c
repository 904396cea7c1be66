/*
 * tar_read: see tar.h. Names are taken apart here and never given to the kernel as paths, so that
 * neither ".." nor a symbolic link in one leads anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/sys.h"
#include "copyfile.h"
#include "memory.h"
#include "tar.h"
#include "tar_entry.h"

/*
 * A directory that was made, whose attributes are set at the end, as what is made in it needs
 * rights and changes its time.
 */
struct later {
	struct later *next;
	struct stat status;
	char name[];
};

static struct {
	int top;
	bool owners;
	struct later *directories;
	/* The directory that was made in last, and how much of its path's name that is. */
	int parent;
	size_t parent_length;
	char parent_name[TAR_NAME_SIZE];
} made;

/* Leaves out of a name what does not matter, as a slash at its start; false: there is a "..". */
static bool clean(char *name)
{
	char *to = name;
	size_t length;

	for (const char *from = name; *from; from += length + (from[length] == '/')) {
		length = strcspn(from, "/");
		if (length == 2 && !memcmp(from, "..", 2))
			return false;
		if (!length || (length == 1 && *from == '.'))
			continue;
		if (to != name)
			*to++ = '/';
		memmove(to, from, length);
		to += length;
	}
	*to = 0;
	return true;
}

/* The directory that a name is in, which is made if it is missing; -1 with errno. */
static int parent_of(const char *name, const char **base)
{
	const char *slash = strrchr(name, '/');
	const size_t length = slash ? (size_t)(slash - name) : 0;

	*base = slash ? slash + 1 : name;
	if (made.parent >= 0 && length == made.parent_length &&
		!memcmp(name, made.parent_name, length))
		return made.parent;
	if (made.parent >= 0)
		sys_close(made.parent);
	made.parent = copyfile_parent(made.top, name, true, base);
	made.parent_length = length;
	memcpy(made.parent_name, name, length);
	return made.parent;
}

static int make_directory(const struct tar_entry *entry, int parent, const char *base)
{
	const size_t length = strlen(entry->name) + 1;
	struct later *later;
	bool is_new;
	int fd = copyfile_directory(parent, *base ? base : ".", &is_new);

	if (fd < 0)
		return -1;
	sys_close(fd);
	if (!is_new && !made.owners)
		return 0;
	later = memory_piece(sizeof *later + length);
	memcpy(later->name, entry->name, length);
	later->status = entry->status;
	later->next = made.directories;
	made.directories = later;
	return 0;
}

static void finish_directories(void)
{
	for (struct later *later = made.directories; later; later = later->next) {
		const char *base;
		int parent = copyfile_parent(made.top, later->name, false, &base), fd = -1;
		if (parent >= 0)
			fd = sys_open(
				parent, *base ? base : ".", O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
		if (fd < 0 || copyfile_attributes(fd, &later->status))
			copy_failed(later->name, errno, NULL);
		if (fd >= 0)
			sys_close(fd);
		if (parent >= 0)
			sys_close(parent);
	}
}

static int make_hard_link(const struct tar_entry *entry, int parent, const char *base)
{
	const char *target_base;
	int target, result;

	errno = EXDEV;
	if (!clean(entry->target))
		return -1;
	target = copyfile_parent(made.top, entry->target, false, &target_base);
	if (target < 0)
		return -1;
	result = copyfile_hard(target, target_base, parent, base);
	sys_close(target);
	return result;
}

/* The content is to be passed over, also where no file is made of it. */
static int make_file(const struct tar_entry *entry, int parent, const char *base)
{
	int fd = parent < 0 ? -1 : copyfile_begin(parent), error = errno;

	if (!tar_pour(entry->status.st_size, fd) && fd >= 0)
		return copyfile_end(fd, parent, base, &entry->status);
	if (fd >= 0) {
		error = errno;
		copyfile_abandon(fd);
	}
	errno = error;
	return -1;
}

static int make(const struct tar_entry *entry, int parent, const char *base)
{
	switch (entry->type) {
	case TAR_DIRECTORY:
		return make_directory(entry, parent, base);
	case TAR_LINK:
		return copyfile_link(parent, base, entry->target, &entry->status);
	default:
		return make_hard_link(entry, parent, base);
	}
}

static void extract(struct tar_entry *entry)
{
	const bool is_file = entry->type == TAR_FILE;
	const char *base = "", *reason = NULL;
	int parent = -1, result = 0;

	if (entry->type == TAR_SPARSE)
		reason = TAR_NO_SPARSE;
	else if (!is_file && !strchr("125", entry->type))
		reason = "not a file, directory or link";
	else if (!clean(entry->name))
		reason = "its name leads out";
	else
		parent = parent_of(entry->name, &base);
	copy_alive(entry->name, 0);
	if (parent >= 0 && is_file)
		result = make_file(entry, parent, base);
	else if (parent >= 0)
		result = make(entry, parent, base);
	else
		result = reason ? 0 : -1;
	if (result || reason)
		copy_failed(entry->name, result ? errno : 0, reason);
	if (parent < 0 && (is_file || entry->type == TAR_SPARSE))
		tar_pour(entry->status.st_size, -1);
}

void tar_read(int top, bool owners)
{
	struct tar_entry entry;

	made.top = top;
	made.owners = owners;
	made.parent = -1;
	while (tar_next(&entry)) {
		extract(&entry);
		if (!tar_has_more())
			break;
	}
	finish_directories();
	tar_drain();
}
