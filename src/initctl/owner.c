/*
 * owner: see owner.h.
 */
#include "owner.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/sys.h"
#include "content.h"
#include "initctl.h"

enum {
	TEXT_SIZE = 262144, /* bytes that are read of /etc/passwd, with a NUL */
	MAP_SIZE = 16384,   /* and of a map, which has 340 lines at most */
	NOBODY = 65534      /* the id, inside, of all who have none there; user_namespaces(7) */
};

static struct {
	char names[TEXT_SIZE]; /* lines "NAME:PASSWORD:ID:..." */
	char map[MAP_SIZE];    /* lines "INSIDE OUTSIDE COUNT"; "": the ids are the same */
} kinds[OWNER_KINDS];

static struct initctl_message reply;

static void load_names(enum owner_kind kind, int root, const char *path)
{
	struct content content = {.path = path};
	const char *reason, *data;
	size_t length = 0;
	ssize_t more;

	if (content_open(&content, root, &reason))
		return;
	while (length + CONTENT_BLOCK < TEXT_SIZE && (more = content_read(&content, &data)) > 0) {
		memcpy(kinds[kind].names + length, data, (size_t)more);
		length += (size_t)more;
	}
	content_close(&content);
}

/* The file is that of proc, whatever is mounted on it inside. */
static void read_map(int proc, const char *path, char map[MAP_SIZE])
{
	int fd = sys_open_resolved(
		proc, path, O_RDONLY, SYS_NO_XDEV | SYS_NO_SYMLINKS | SYS_BENEATH);
	ssize_t length = fd < 0 ? -1 : sys_read(fd, map, MAP_SIZE - 1);

	map[length > 0 ? length : 0] = 0;
	if (fd >= 0)
		sys_close(fd);
}

/*
 * The map of init's user namespace. In our own namespace the kernel shows that of our ids in the
 * parent's, and so the same as for ourselves: files have the ids that we see.
 */
static void load_map(enum owner_kind kind, int proc, unsigned pid, const char *name)
{
	char path[48], own[MAP_SIZE];

	snprintf(path, sizeof path, "%u/%s", pid, name);
	read_map(proc, path, kinds[kind].map);
	snprintf(path, sizeof path, "/proc/self/%s", name);
	if (file_read(AT_FDCWD, path, own, sizeof own) || !strcmp(own, kinds[kind].map))
		*kinds[kind].map = 0;
}

void owner_load(const struct context *context, int root)
{
	const int connection = verb_connect(context);
	char data[64];
	struct initctl_request request;
	unsigned pid = 0;

	load_names(OWNER_USER, root, "/etc/passwd");
	load_names(OWNER_GROUP, root, "/etc/group");
	initctl_begin(&request, data, sizeof data, "status");
	if (!initctl_call(connection, &request, NULL, 0, &reply)) {
		initctl_discard(&reply);
		pid = (unsigned)initctl_number(&reply, "pid", INT32_MAX, 0);
	}
	if (pid && !verb_request_open(connection, "what", "proc", &reply)) {
		load_map(OWNER_USER, reply.fds[0], pid, "uid_map");
		load_map(OWNER_GROUP, reply.fds[0], pid, "gid_map");
		initctl_discard(&reply);
	}
	close(connection);
}

unsigned owner_inside(enum owner_kind kind, unsigned id)
{
	const char *p = kinds[kind].map;
	char *end;

	if (!*p)
		return id;
	while (*p) {
		const unsigned long long inside = strtoull(p, &end, 10),
					 outside = strtoull(end, &end, 10),
					 count = strtoull(end, &end, 10);
		if (id >= outside && id - outside < count)
			return (unsigned)(inside + id - outside);
		p = *end == '\n' ? end + 1 : "";
	}
	return NOBODY;
}

/* Finds the line of an id, which begins with its name; NULL: there is none. */
static const char *find(const char *text, unsigned id)
{
	unsigned long long number;

	for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
		const char *field = line + strcspn(line, ":\n");
		end = line + strcspn(line, "\n");
		if (*field++ != ':')
			continue;
		field += strcspn(field, ":\n");
		if (*field++ == ':' && !number_parse_until(field, ':', UINT32_MAX, &number) &&
			number == id)
			return line;
	}
	return NULL;
}

void owner_name(enum owner_kind kind, unsigned id, char name[OWNER_NAME])
{
	static struct {
		bool known;
		unsigned id;
		char name[OWNER_NAME];
	} last[OWNER_KINDS];
	const char *found;
	size_t length;

	if (!last[kind].known || last[kind].id != id) {
		found = find(kinds[kind].names, id);
		length = found ? strcspn(found, ":") : 0;
		if (length && length < OWNER_NAME)
			snprintf(last[kind].name, OWNER_NAME, "%.*s", (int)length, found);
		else
			snprintf(last[kind].name, OWNER_NAME, "%u", id);
		last[kind].known = true;
		last[kind].id = id;
	}
	strcpy(name, last[kind].name);
}
