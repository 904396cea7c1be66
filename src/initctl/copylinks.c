/*
 * copylinks: see copylinks.h.
 */
#include "copylinks.h"

#include <stddef.h>
#include <string.h>

#include "memory.h"
#include "out.h"

/* Lists by a hash; as many as keep them short for some million files. */
enum { LISTS = 1 << 16 };
static struct copylink *lists[LISTS];

static struct copylink **list_of(const struct stat *status)
{
	return &lists[(status->st_ino * 0x9e3779b97f4a7c15U >> 40) % LISTS];
}

const struct copylink *copylinks_find(const struct stat *status)
{
	const struct copylink *one;

	for (one = *list_of(status); one; one = one->next)
		if (one->inode == status->st_ino && one->device == status->st_dev)
			return one;
	return NULL;
}

void copylinks_keep(
	const struct stat *status, const struct stat *copy, const char *path, const char *rest)
{
	struct copylink **list = list_of(status);
	const size_t length = strlen(path) + strlen(rest) + 1;
	struct copylink *one = memory_piece(sizeof *one + length);

	out_format(one->path, length, "%s%s", path, rest);
	one->device = status->st_dev;
	one->inode = status->st_ino;
	one->copy_device = copy->st_dev;
	one->copy_inode = copy->st_ino;
	one->next = *list;
	*list = one;
}
