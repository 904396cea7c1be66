#include "cgroup.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"

enum {
	/* How often to look whether the killed are gone, in milliseconds, and how many times. */
	LOOK = 2,
	LOOKS = 500,
	/* Levels of cgroups that are removed below app. */
	TREE_DEPTH = 64,
	/* A line of controllers, and the name of one. */
	WORDS = 512,
	WORD = 32,
};

/* The one that we live in comes first: it tells whether a predecessor is alive. */
static const char names[][6] = {"/init", "/app", "/ops"};

enum { NAMES = sizeof names / sizeof *names };

/* Descriptors, beside those of enum cgroup_part. */
enum {
	PARENT = CGROUP_PARTS, /* of the directory */
	ENTER,                 /* its cgroup.procs */
	ORIGIN,                /* that of the cgroup which we came from */
	ROOT,                  /* that of the tree's root, for when the former is gone */
	FDS,
};

_Static_assert((int)FDS == (int)CGROUP_KEEPS, "cgroup_keep lists all of them");

static struct {
	const struct cgroup_setup *setup; /* NULL: nothing is open */
	int fds[FDS];
	unsigned made; /* how many of the names */
	bool made_all; /* and the directory */
	bool alone;    /* nobody else has a cgroup in it */
} self;

_Noreturn static void cannot(const char *step, const char *name)
{
	fail_errno(step, "cgroup ", self.setup->path, name);
}

char *cgroup_line(int directory, const char *path, char *text, size_t size)
{
	file_read(directory, path, text, size);
	/* It is the last line, but for named v1 trees mounted later. */
	for (; !text_after(text, "0::"); text++)
		if (!*(text += text_until(text, '\n')))
			return NULL;
	text[text_until(text, '\n')] = 0;
	return text + 3;
}

/* Hands on all that the file lists ('+'), or no more ('-'). The kernel may refuse one. */
static void switch_controllers(const char *file, char sign)
{
	char words[WORDS], *word = words + 1;

	file_read(self.fds[CGROUP_DIR], file, word, sizeof words - 1);
	while (*word) {
		char *end = word + text_until(word, ' '), *next = *end ? end + 1 : end;
		word[-1] = sign;
		*end = 0;
		file_write(self.fds[CGROUP_DIR], "cgroup.subtree_control", word - 1);
		word = next;
	}
}

/*
 * A cgroup with those below it, of which the command may have made more, down to a depth: it
 * could make them as deep as it likes, and each level takes room on the stack. 0, or -1 with
 * errno where something is left.
 */
// NOLINTNEXTLINE(misc-no-recursion): at most TREE_DEPTH deep
static int remove_tree(int directory, const char *name, unsigned depth)
{
	char buffer[1024] __attribute__((aligned(8)));
	long length;
	int fd;

	if (!sys_unlinkat(directory, name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	if (errno != EBUSY || !depth)
		return -1;
	fd = sys_open(directory, name, O_RDONLY | O_DIRECTORY);
	/* "." and ".." the kernel refuses. */
	while ((length = sys_entries(fd, buffer, sizeof buffer)) > 0)
		for (char *p = buffer; p < buffer + length;) {
			struct sys_entry *entry = (struct sys_entry *)p;
			p += entry->length;
			if (entry->type == SYS_DIRECTORY)
				remove_tree(fd, entry->name, depth - 1);
		}
	sys_close(fd);
	return sys_unlinkat(directory, name, AT_REMOVEDIR);
}

/* Opened while we may: the files of the host's tree may be closed to us by the end. */
SECTION_START static void find_ways_back(void)
{
	char text[CGROUP_LINE], path[CGROUP_LINE + 16], *line;
	int up, root = sys_fcntl(self.fds[CGROUP_DIR], F_DUPFD_CLOEXEC, 3);

	self.fds[PARENT] = file_open_in(root, "..", FILE_SYSTEM_CGROUP2);
	while ((up = file_open_in(root, "..", FILE_SYSTEM_CGROUP2)) >= 0) {
		sys_close(root);
		root = up;
	}
	line = cgroup_line(AT_FDCWD, "/proc/self/cgroup", text, sizeof text);
	if (line) {
		text_copy(text_join(path, ".", line), "/cgroup.procs");
		self.fds[ORIGIN] = sys_open(root, path, O_WRONLY);
	}
	self.fds[ROOT] = sys_open(root, "cgroup.procs", O_WRONLY);
	sys_close(root);
}

/*
 * A weight is one among neighbours, other containers: the directory's, which stands
 * beside theirs. All else is app's, so that it does not bind us.
 */
SECTION_START static void set_limits(enum cgroup_part part)
{
	for (unsigned i = 0; i < self.setup->limits.count; i++) {
		const char *limit = self.setup->limits.list[i];
		char word[WORD], *end = (char *)limit + text_until(limit, '=');
		size_t length = text_until(limit, '.');
		bool weight = text_after(limit + length, ".weight"), set;

		if (weight != (part == CGROUP_DIR))
			continue;
		if (length > WORD - 2)
			length = WORD - 2;
		*word = '+';
		memcpy(word + 1, limit, length);
		word[1 + length] = 0;
		*end = 0;
		set = (weight ||
			      !file_write(self.fds[CGROUP_DIR], "cgroup.subtree_control", word)) &&
		      !file_write(self.fds[part], limit, end + 1);
		*end = '=';
		if (!set)
			fail_errno("set ", limit,
				errno == ENOENT ? ": no such controller in " : " in cgroup ",
				self.setup->path);
	}
}

static int open_part(const char *name, int flags)
{
	int fd = sys_open(self.fds[CGROUP_DIR], name + 1, flags);

	if (fd < 0)
		cannot("open ", name);
	return fd;
}

/* Whether nobody else has a cgroup in the directory. */
static bool is_alone(void)
{
	struct file_status status;

	return !file_status_of(self.fds[CGROUP_DIR], &status) && status.links == 2 + self.made;
}

/* Comes before the mkdir(2): removing one that was never made does no harm. */
static void tell(int janitor, char what)
{
	if (janitor >= 0 && sys_write(janitor, &what, 1) < 0)
		fail_cannot("write to janitor", NULL);
}

void cgroup_make(const struct cgroup_setup *setup, int janitor)
{
	struct file_status status;
	bool made;
	int dir;

	memset(self.fds, -1, sizeof self.fds);
	if (!setup->path)
		return;
	self.setup = setup;
	if (file_status_at(AT_FDCWD, setup->path, &status))
		tell(janitor, CGROUP_MADE_ALL);
	made = !sys_mkdirat(AT_FDCWD, setup->path, 0755);
	if (!made && errno != EEXIST)
		cannot("make ", "");
	dir = self.fds[CGROUP_DIR] = file_open_in(AT_FDCWD, setup->path, FILE_SYSTEM_CGROUP2);
	if (dir < 0) {
		if (made)
			sys_unlinkat(AT_FDCWD, setup->path, AT_REMOVEDIR);
		/* file_open_in says so of another file system. */
		if (errno == EINVAL)
			fail_note("cannot make cgroup ", setup->path,
				": not below a cgroup v2 mount");
		cannot("open ", "");
	}
	self.made_all = made;
	find_ways_back();
	for (; self.made < NAMES; self.made++) {
		const char *name = names[self.made];
		if (remove_tree(dir, name + 1, TREE_DEPTH))
			cannot("make ", name);
		tell(janitor, CGROUP_MADE_ONE);
		if (sys_mkdirat(dir, name + 1, 0755))
			cannot("make ", name);
	}
	/* A predecessor that was killed left them on, and they keep us out. */
	self.alone = is_alone();
	if (self.alone)
		switch_controllers("cgroup.subtree_control", '-');
	set_limits(CGROUP_DIR);
	self.fds[ENTER] = open_part("/cgroup.procs", O_WRONLY);
	self.fds[CGROUP_APP] = open_part(names[1], O_RDONLY | O_DIRECTORY);
	self.fds[CGROUP_OPS] = open_part(names[2], O_RDONLY | O_DIRECTORY);
}

void cgroup_enter(bool namespace)
{
	if (!self.setup)
		return;
	/* By what was opened outside: from a user namespace we might not leave where we are. */
	if (sys_write(self.fds[ENTER], "0", 1) < 0 || (namespace && sys_unshare(CLONE_NEWCGROUP)) ||
		file_write(self.fds[CGROUP_DIR], "init/cgroup.procs", "0"))
		cannot("enter ", names[0]);
	set_limits(CGROUP_APP);
	switch_controllers("cgroup.controllers", '+');
}

int cgroup_delegate(uid_t uid, gid_t gid)
{
	static const char *const files[] = {
		"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"};
	char path[WORD];

	for (unsigned i = 0; self.setup && i <= NAMES; i++)
		for (unsigned j = 0; j < sizeof files / sizeof *files; j++) {
			text_join(path, i < NAMES ? names[i] + 1 : ".", files[j]);
			if (syscall(SYS_fchownat, self.fds[CGROUP_DIR], path, uid, gid, 0))
				return -1;
		}
	return 0;
}

int cgroup_part(enum cgroup_part part)
{
	return self.fds[part];
}

unsigned cgroup_keep(int *list)
{
	memcpy(list, self.fds, sizeof self.fds);
	return FDS;
}

/* Removes one of init, app and ops with the processes in it. 0, or -1 with errno. */
static int remove_part(const char *name)
{
	const int dir = self.fds[CGROUP_DIR];
	char path[WORD];
	int result;

	text_join(path, name, "/cgroup.kill");
	file_write(dir, path, "1");
	/* A killed process leaves its cgroup a moment later. */
	for (int i = 0; (result = remove_tree(dir, name, TREE_DEPTH)) && i < LOOKS; i++)
		sys_poll(NULL, 0, LOOK);
	return result;
}

/* By the descriptor of its parent: the path may mean something else by now. */
static int remove_directory(void)
{
	const char *name = self.setup->path;

	for (const char *p = name; *p; p++)
		if (*p == '/' && p[1])
			name = p + 1;
	return sys_unlinkat(self.fds[PARENT], name, AT_REMOVEDIR);
}

SECTION_START int cgroup_remove(bool inside)
{
	int error = 0;

	while (self.made) {
		const char *name = names[--self.made] + 1;
		if (!self.made) {
			/* We may have come from the directory, which takes a process again then. */
			if (self.alone)
				switch_controllers("cgroup.subtree_control", '-');
			if (inside && sys_write(self.fds[ORIGIN], "0", 1) < 0 &&
				sys_write(self.fds[ROOT], "0", 1) < 0)
				return -1;
		}
		if (remove_part(name) && !error)
			error = errno;
	}
	if (self.made_all && remove_directory() && errno != ENOENT && !error)
		error = errno;
	self.made_all = false;
	errno = error;
	return error ? -1 : 0;
}

const char *cgroup_path(void)
{
	return self.setup ? self.setup->path : NULL;
}

int cgroup_remove_by_path(const struct cgroup_setup *setup, bool made_all, unsigned made)
{
	memset(self.fds, -1, sizeof self.fds);
	self.setup = setup;
	self.fds[CGROUP_DIR] = file_open_in(AT_FDCWD, setup->path, FILE_SYSTEM_CGROUP2);
	if (self.fds[CGROUP_DIR] < 0)
		return made && errno != ENOENT ? -1 : 0;
	self.fds[PARENT] = file_open_in(self.fds[CGROUP_DIR], "..", FILE_SYSTEM_CGROUP2);
	self.made_all = made_all;
	self.made = made;
	self.alone = is_alone();
	return cgroup_remove(false);
}
