/*
 * owner: see owner.h.
 */
#include "owner.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "content.h"
#include "out.h"

enum { TEXT_SIZE = 262144 /* bytes that are read of /etc/passwd, with a NUL */ };

/* Lines "NAME:PASSWORD:ID:...". */
static char names[IDS_KINDS][TEXT_SIZE];

static void load_names(enum ids_kind kind, int root, const char *path)
{
	struct content content = {.path = path};
	const char *reason, *data;
	size_t length = 0;
	ssize_t more;

	if (content_open(&content, root, &reason))
		return;
	while (length + CONTENT_BLOCK < TEXT_SIZE && (more = content_read(&content, &data)) > 0) {
		memcpy(names[kind] + length, data, (size_t)more);
		length += (size_t)more;
	}
	content_close(&content);
}

void owner_load(const struct context *context, int root)
{
	load_names(IDS_USER, root, "/etc/passwd");
	load_names(IDS_GROUP, root, "/etc/group");
	ids_read(context);
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

void owner_name(enum ids_kind kind, unsigned id, char name[OWNER_NAME])
{
	static struct {
		bool known;
		unsigned id;
		char name[OWNER_NAME];
	} last[IDS_KINDS];
	const char *found;
	size_t length;

	if (!last[kind].known || last[kind].id != id) {
		found = find(names[kind], id);
		length = found ? strcspn(found, ":") : 0;
		if (length && length < OWNER_NAME)
			out_format(last[kind].name, OWNER_NAME, "%.*s", (int)length, found);
		else
			out_format(last[kind].name, OWNER_NAME, "%u", id);
		last[kind].known = true;
		last[kind].id = id;
	}
	text_copy(name, last[kind].name);
}
