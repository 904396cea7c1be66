/*
 * copytree: see copytree.h.
 */
#include "copytree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "inside.h"
#include "out.h"

enum {
	ENTRIES_SIZE = 8192,
	PATH_SIZE = PATH_MAX + (COPY_DEPTH + 1) * (NAME_MAX + 1),
	TYPE_LINK = 10, /* DT_LNK */
	TYPE_FILE = 8,
	FILE_SYSTEM_SYSFS = 0x62656572,
	FLAGS = O_RDONLY | O_NONBLOCK | O_NOCTTY, /* what is no file must not block or be ours */
};

/* A directory that is being read. */
struct level {
	int fd;
	struct stat status;
	size_t length; /* of its path */
	long at, end;  /* what is left of entries; end is -1 if there are no more to be read */
	char entries[ENTRIES_SIZE] __attribute__((aligned(8)));
};

static struct {
	const struct copy_side *side; /* of the first entry */
	const struct copy_sink *sink;
	const char *top;
	bool follow;
	size_t start; /* of the path below the first entry */
	char path[PATH_SIZE];
	unsigned depth;
	struct level levels[COPY_DEPTH];
} walk;

/* An entry of a directory, or the one that the walk starts with, whose directory is -1. */
struct entry {
	int directory;
	const char *name;
	const char *as; /* its name at the destination */
};

int copy_open(const struct copy_side *side, const char *path, int flags)
{
	if (side->root < 0)
		return sys_open(AT_FDCWD, path, flags);
	return inside_open(side->root, path, flags, 0);
}

const char *copytree_top(void)
{
	return walk.top;
}

const char *copytree_below(void)
{
	return walk.path + walk.start;
}

static int open_entry(const struct entry *entry, int flags)
{
	if (entry->directory >= 0)
		return sys_open(entry->directory, entry->name, flags | O_NOFOLLOW);
	return copy_open(walk.side, entry->name, walk.follow ? flags : flags | O_NOFOLLOW);
}

/*
 * Opens an entry of that type of getdents64(2), or of another, and tells what it really is. Only
 * files and directories are opened for reading: to open a device may already do something.
 */
static int open_and_ask(const struct entry *entry, unsigned type, struct stat *status)
{
	const bool readable = type == TYPE_FILE || type == SYS_DIRECTORY;
	int fd = open_entry(entry, readable ? FLAGS : O_PATH);

	if (fd < 0 || !file_stat_of(fd, status))
		return fd;
	sys_close(fd);
	return -1;
}

/* Whether it is the start of what the kernel makes up, in which nothing is to be copied. */
static bool is_made_up(int fd, const struct stat *status)
{
	long system;

	if (!walk.depth || status->st_dev == walk.levels[walk.depth - 1].status.st_dev)
		return false;
	system = file_system_of(fd);
	return system == FILE_SYSTEM_PROC || system == FILE_SYSTEM_SYSFS ||
	       system == FILE_SYSTEM_CGROUP2;
}

/* Enters a directory, whose descriptor leave() closes. */
static int enter(const struct entry *entry, int fd, const struct stat *status)
{
	struct level *level = &walk.levels[walk.depth];
	const bool made_up = is_made_up(fd, status);

	if (walk.depth == COPY_DEPTH) {
		copy_failed(walk.path, 0, "too many directories in one another");
		sys_close(fd);
		return 0;
	}
	if (walk.sink->enter(entry->as, status)) {
		const int error = errno;
		sys_close(fd);
		errno = error;
		return -1;
	}
	level->fd = fd;
	level->status = *status;
	level->length = strlen(walk.path);
	level->at = 0;
	level->end = made_up ? -1 : 0;
	walk.depth++;
	return 0;
}

static void leave(void)
{
	struct level *level = &walk.levels[--walk.depth];

	walk.path[level->length] = 0;
	if (walk.sink->leave(&level->status))
		copy_failed(walk.path, errno, NULL);
	sys_close(level->fd);
}

/* The next entry of a directory, or NULL. */
static const struct sys_entry *next_entry(struct level *level)
{
	const struct sys_entry *entry;

	do {
		if (level->at == level->end) {
			level->at = 0;
			level->end = sys_entries(level->fd, level->entries, ENTRIES_SIZE);
			if (level->end < 0)
				copy_failed(walk.path, errno, NULL);
		}
		if (level->end <= 0)
			return NULL;
		entry = (const struct sys_entry *)(level->entries + level->at);
		level->at += entry->length;
	} while (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."));
	return entry;
}

static int visit_link(const struct entry *entry, int fd, const struct stat *status)
{
	char target[PATH_MAX];
	ssize_t length = sys_readlink(fd, "", target, sizeof target - 1);

	if (length < 0)
		return -1;
	target[length] = 0;
	return walk.sink->link(entry->as, target, status);
}

/* Tells the sink what an entry is, which getdents64(2) says is of that type, or of another. */
static void visit(const struct entry *entry, unsigned type)
{
	struct stat status;
	int fd, result = 0;

	copy_alive(walk.path, 0);
	fd = open_and_ask(entry, type, &status);
	if (fd >= 0 && type != TYPE_FILE && type != SYS_DIRECTORY &&
		(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))) {
		sys_close(fd);
		type = S_ISDIR(status.st_mode) ? SYS_DIRECTORY : TYPE_FILE;
		fd = open_and_ask(entry, type, &status);
	}
	if (fd < 0) {
		result = -1;
	} else if (S_ISDIR(status.st_mode) && type == SYS_DIRECTORY) {
		result = enter(entry, fd, &status);
		fd = -1;
	} else if (S_ISREG(status.st_mode) && type == TYPE_FILE) {
		result = walk.sink->file(entry->as, fd, &status);
	} else if (S_ISLNK(status.st_mode)) {
		result = visit_link(entry, fd, &status);
	} else {
		copy_failed(walk.path, 0, "not a file, directory or symbolic link");
	}
	if (result)
		copy_failed(walk.path, errno, "it is the copy itself");
	if (fd >= 0)
		sys_close(fd);
}

static void begin(const char *path, const char *name)
{
	size_t length = (size_t)out_format(
		walk.path, PATH_MAX, "%s%s", walk.side->root < 0 ? "" : ":", path);

	if (length >= PATH_MAX)
		length = PATH_MAX - 1;
	/* "DIR/" and "DIR/." are shown as DIR. */
	while (length > 1 && strspn(walk.path + length - 1, "/.") &&
		(walk.path[length - 1] == '/' || walk.path[length - 2] == '/'))
		walk.path[--length] = 0;
	walk.start = length;
	walk.top = name;
}

void copytree_walk(const struct copy_side *side, const char *path, const char *name, bool follow,
	const struct copy_sink *sink)
{
	struct entry entry = {-1, path, name};
	const struct sys_entry *found;
	struct level *level;

	walk.side = side;
	walk.sink = sink;
	walk.follow = follow;
	begin(path, name);
	visit(&entry, TYPE_LINK);
	while (walk.depth) {
		level = &walk.levels[walk.depth - 1];
		walk.path[level->length] = 0;
		found = next_entry(level);
		if (!found) {
			leave();
			continue;
		}
		out_format(
			walk.path + level->length, PATH_SIZE - level->length, "/%s", found->name);
		entry = (struct entry){level->fd, found->name, found->name};
		visit(&entry, found->type);
	}
}
