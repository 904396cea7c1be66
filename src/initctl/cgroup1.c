/*
 * cgroup1: see cgroup1.h. The formats are in cgroups(7) and proc_pid_mountinfo(5).
 */
#include "cgroup1.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/text.h"
#include "out.h"
#include "scan.h"

static const long file_system = 0x27e0eb; /* CGROUP_SUPER_MAGIC of <linux/magic.h> */

/* Named as they are in enum cgroup1_controller. */
static const char controllers[] = "cpu\0cpuacct\0memory\0blkio\0pids\0";

/* Whether a list with commas has the word; it ends at `end` or with the text. */
static bool has_word(const char *list, char end, const char *word)
{
	const size_t length = strlen(word);

	while (*list && *list != end) {
		size_t part = 0;
		while (list[part] && list[part] != ',' && list[part] != end)
			part++;
		if (part == length && !memcmp(list, word, length))
			return true;
		list += part + (list[part] == ',');
	}
	return false;
}

/* The path in the line "N:LIST:PATH" of the tree with a controller, or NULL. Lines end with a NUL.
 */
static const char *path_of(const char *lines, const char *end, const char *controller)
{
	for (const char *line = lines; line < end; line += strlen(line) + 1) {
		const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
		if (path && has_word(list + 1, ':', controller))
			return path + 1;
	}
	return NULL;
}

/* Reverses the escapes of a path in mountinfo, \040 for a blank, in place. */
static void unescape(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text == '\\' && text[1] && text[2] && text[3]) {
			*to++ = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + text[3] - '0');
			text += 3;
		} else {
			*to++ = *text;
		}
	*to = 0;
}

/* Opens PATH, of which the mount shows what is below its root. -1: it is not below, or is /. */
static int open_path(const char *mount, const char *root, const char *path)
{
	char whole[PATH_MAX];
	const char *rest = strcmp(root, "/") ? text_after(path, root) : path;
	int fd, only_root;

	if (!rest || (*rest && *rest != '/') || !strncmp(path, "/..", 3) ||
		(size_t)out_format(whole, sizeof whole, "%s%s", mount, rest) >= sizeof whole)
		return -1;
	fd = sys_open(AT_FDCWD, whole, O_RDONLY | O_DIRECTORY);
	/* Only the root of a tree has this file. */
	only_root = fd < 0 ? -1 : sys_open(fd, "cgroup.sane_behavior", O_PATH);
	if (only_root >= 0)
		close(only_root);
	if (fd >= 0 && (only_root >= 0 || file_system_of(fd) != file_system)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/*
 * Opens what a line of mountinfo shows: "ID PARENT DEV ROOT MOUNT OPTIONS ... - TYPE SOURCE
 * CONTROLLERS". The line is changed.
 */
static void open_line(char *line, const char *lines, const char *end, int *directories)
{
	char *dash = scan_find(line, " - cgroup "), *fields[5], *rest = line, *options;

	options = dash ? strchr(dash + 10, ' ') : NULL;
	for (unsigned i = 0; i < 5; i++)
		fields[i] = strsep(&rest, " ");
	if (!options || !rest)
		return;
	unescape(fields[3]);
	unescape(fields[4]);
	for (unsigned i = 0; i < CGROUP1_CONTROLLERS; i++) {
		const char *path = path_of(lines, end, text_name(controllers, i));
		if (path && directories[i] < 0 &&
			has_word(options + 1, 0, text_name(controllers, i)))
			directories[i] = open_path(fields[4], fields[3], path);
	}
}

void cgroup1_open(char *lines, char *mounts, int directories[static CGROUP1_CONTROLLERS])
{
	const char *end = lines + strlen(lines);
	char *line;

	for (unsigned i = 0; i < CGROUP1_CONTROLLERS; i++)
		directories[i] = -1;
	for (char *p = lines; (p = strchr(p, '\n')); p++)
		*p = 0;
	while ((line = strsep(&mounts, "\n")))
		open_line(line, lines, end, directories);
}

int cgroup1_of_file(const int directories[static CGROUP1_CONTROLLERS], const char *file)
{
	const unsigned number = text_number(controllers, file, '.');

	return number < CGROUP1_CONTROLLERS ? directories[number] : -1;
}
