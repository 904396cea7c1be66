#include "idmap.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/section.h"
#include "base/sys.h"
#include "base/text.h"
#include "process/credentials.h"
#include "process/signals.h"
#include "process/spawn.h"

enum { TEXT = IDMAP_NUMBERS * 11 + 1 };

int idmap_parse(struct idmap *map, const char *text)
{
	unsigned *line = &map->numbers[map->count];
	unsigned long long count;

	/* As many as there are ids is the line of the host's own map. */
	if (map->count == IDMAP_NUMBERS || credentials_parse_id(&text, ':', &line[0]) ||
		credentials_parse_id(&text, ':', &line[1]) ||
		number_parse(text, 0xffffffffU, &count) || !count)
		return -1;
	line[2] = (unsigned)count;
	map->count += 3;
	return 0;
}

const unsigned *idmap_first(const struct idmap *map)
{
	for (unsigned i = 0; i < map->count; i += 3)
		if (!map->numbers[i])
			return &map->numbers[i];
	return map->numbers;
}

void idmap_root(struct idmap *map, unsigned outside)
{
	map->count = 3;
	map->numbers[0] = 0;
	map->numbers[1] = outside;
	map->numbers[2] = 1;
}

bool idmap_misses(const struct idmap *map, unsigned owner)
{
	bool inside = false;

	for (const unsigned *line = map->numbers; line < map->numbers + map->count; line += 3) {
		inside |= owner - line[0] < line[2];
		if (owner - line[1] < line[2])
			return false;
	}
	return inside;
}

/* "0 1000 1\n": as the kernel wants it. */
static void print(char *to, const struct idmap *map)
{
	char digits[NUMBER_SIZE];

	*to = 0;
	for (unsigned i = 0; i < map->count; i++)
		to = text_join(to, number_text(digits, map->numbers[i]), i % 3 == 2 ? "\n" : " ");
}

_Noreturn void idmap_fail_killed(const char *who, int signal)
{
	char name[SIGNAL_TEXT];

	fail("cannot map ids: ", who, " was killed by ", signal_text(signal, name));
}

/* newuidmap PID IN OUT COUNT...: a helper with the privileges that we lack. */
static void ask_helper(const char *helper, const char *pid, char *text)
{
	char *argv[2 + IDMAP_NUMBERS + 1] = {(char *)helper, (char *)pid};
	unsigned count = 2;
	struct spawn spawn = {
		.argv = argv,
		.envp = environ,
		.program = -1,
		.group = SPAWN_OUR_GROUP,
		.cgroup = -1,
	};
	struct spawn_failure failure;
	int status = 0;
	pid_t child;

	while (*text) {
		argv[count++] = text;
		while (*text > ' ')
			text++;
		*text++ = 0;
	}
	child = spawn_start(&spawn, &failure);
	errno = failure.error;
	if (child < 0)
		fail_cannot("exec ", helper);
	sys_waitpid(child, &status, 0);
	if (WTERMSIG(status))
		idmap_fail_killed(helper, WTERMSIG(status));
	if (status)
		fail_note("cannot map ids: ", helper, " refused; see subuid(5)");
}

SECTION_START static void write_map(int proc, const char *pid, const struct idmap *map,
	unsigned own, const char *name, const char *helper)
{
	char text[TEXT];
	struct idmap root;

	if (!map->count) {
		/* All ids as they are. */
		if (!geteuid() && !file_write(proc, name, "0 0 4294967295\n"))
			return;
		idmap_root(&root, own);
		map = &root;
	}
	print(text, map);
	if (!file_write(proc, name, text))
		return;
	if (errno == EPERM && map->count == 3 && map->numbers[1] == own && map->numbers[2] == 1) {
		/* Without privilege a group could be dropped that a file denies something to. */
		file_write(proc, "setgroups", "deny");
		if (!file_write(proc, name, text))
			return;
	}
	if (errno != EPERM || !geteuid())
		fail_cannot("write ", name);
	ask_helper(helper, pid, text);
}

int idmap_write(pid_t pid, const struct idmap *uids, const struct idmap *gids)
{
	char path[64], digits[NUMBER_SIZE];
	const char *text = number_text(digits, pid);
	int proc;

	text_join(path, "/proc/", text);
	proc = sys_open(AT_FDCWD, path, O_PATH | O_DIRECTORY);
	if (proc < 0)
		fail_cannot("open ", path);
	write_map(proc, text, uids, geteuid(), "uid_map", "newuidmap");
	write_map(proc, text, gids, getegid(), "gid_map", "newgidmap");
	return proc;
}
