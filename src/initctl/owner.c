/*
 * owner: see owner.h.
 */
#include "owner.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "container.h"
#include "content.h"

enum {
	TEXT_SIZE = 262144, /* bytes that are read of /etc/passwd, with a NUL */
	NOBODY = 65534      /* the id, inside, of all who have none there; user_namespaces(7) */
};

static struct {
	char names[TEXT_SIZE]; /* lines "NAME:PASSWORD:ID:..." */
	const char *map;       /* lines "INSIDE OUTSIDE COUNT"; NULL or "": the ids are the same */
} kinds[OWNER_KINDS];

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

/*
 * The map of init's user namespace. In our own namespace the kernel shows that of our ids in the
 * parent's, and so the same as for ourselves: files have the ids that we see.
 */
static void load_map(enum owner_kind kind, int proc, int init, const char *own_path)
{
	static struct memory maps[OWNER_KINDS], own;
	char path[32];
	const char *map, *ours;

	snprintf(path, sizeof path, "%d/%s", init, text_last(own_path, '/'));
	map = container_text(proc, path, &maps[kind]);
	ours = container_text(AT_FDCWD, own_path, &own);
	kinds[kind].map = map && ours && strcmp(map, ours) != 0 ? map : "";
}

void owner_load(const struct context *context, int root)
{
	int init, command, proc;

	load_names(OWNER_USER, root, "/etc/passwd");
	load_names(OWNER_GROUP, root, "/etc/group");
	container_pids(context, &init, &command);
	proc = init ? container_proc(context) : -1;
	if (proc < 0)
		return;
	load_map(OWNER_USER, proc, init, "/proc/self/uid_map");
	load_map(OWNER_GROUP, proc, init, "/proc/self/gid_map");
	sys_close(proc);
}

unsigned owner_inside(enum owner_kind kind, unsigned id)
{
	const char *p = kinds[kind].map;
	char *end;

	if (!p || !*p)
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
