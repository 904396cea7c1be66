/*
 * ids: see ids.h.
 */
#include "ids.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"
#include "beneath.h"
#include "container.h"
#include "out.h"
#include "proc.h"
#include "scan.h"

enum { MAP_SIZE = 16384 /* bytes of a map, which has 340 lines at most, with a NUL */ };

/* Lines "INSIDE OUTSIDE COUNT" (user_namespaces(7)); "": the ids are the same. */
static char maps[IDS_KINDS][MAP_SIZE];

/*
 * Reads a map: the file of proc, whatever is mounted on it inside. In our own namespace the kernel
 * shows that of our ids in the parent's, and so the same as for ourselves.
 */
static void read_map(int proc, int pid, const char *name, char map[static MAP_SIZE])
{
	static char own[MAP_SIZE];
	char path[64];

	beneath_read(proc, proc_path(pid, name), map, MAP_SIZE);
	out_format(path, sizeof path, "/proc/self/%s", name);
	if (file_read(AT_FDCWD, path, own, sizeof own) || !strcmp(map, own))
		*map = 0;
}

void ids_read(const struct context *context)
{
	int init, command, proc = container_proc(context);

	container_pids(context, &init, &command);
	if (proc < 0 || !init)
		return;
	read_map(proc, init, "uid_map", maps[IDS_USER]);
	read_map(proc, init, "gid_map", maps[IDS_GROUP]);
	sys_close(proc);
}

/* Which columns of the map an id is looked up in, and taken from. */
enum { INSIDE, OUTSIDE };

static unsigned translate(
	enum ids_kind kind, unsigned id, unsigned from, unsigned to, unsigned otherwise)
{
	const char *p = maps[kind];
	unsigned first[2], count;

	if (!*p)
		return id;
	while (*p) {
		first[INSIDE] = (unsigned)scan_number(&p);
		first[OUTSIDE] = (unsigned)scan_number(&p);
		count = (unsigned)scan_number(&p);
		if (id - first[from] < count)
			return id - first[from] + first[to];
		p += *p == '\n';
	}
	return otherwise;
}

unsigned ids_inside(enum ids_kind kind, unsigned id, unsigned otherwise)
{
	return translate(kind, id, OUTSIDE, INSIDE, otherwise);
}

unsigned ids_outside(enum ids_kind kind, unsigned id, unsigned otherwise)
{
	return translate(kind, id, INSIDE, OUTSIDE, otherwise);
}
