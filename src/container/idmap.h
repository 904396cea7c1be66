/*
 * idmap: which ids of a user namespace are which outside of it (user_namespaces(7)).
 */
#ifndef IDMAP_H
#define IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

enum { IDMAP_EXTENTS = 8, IDMAP_NUMBERS = 3 * IDMAP_EXTENTS };

struct idmap {
	unsigned count; /* of numbers: inside, outside and how many, for each extent */
	unsigned numbers[IDMAP_NUMBERS];
};

/* IN:OUT:COUNT, added to what is there. 0, or -1. */
int idmap_parse(struct idmap *map, const char *text);

/*
 * The id that init has inside, and behind it the one that this is outside: root's, or where the
 * map has no root its first. Both are 0 where the map is empty.
 */
const unsigned *idmap_first(const struct idmap *map);

/* One id outside is root inside. */
void idmap_root(struct idmap *map, unsigned outside);

/*
 * Whether the owner of a file is nobody inside, and would be somebody if ids of files counted
 * inside.
 */
bool idmap_misses(const struct idmap *map, unsigned owner);

/*
 * Writes both maps of a process, which is in a user namespace below ours. An empty map is every id
 * to itself where root may do that, and else our own id as root. What the kernel does not let us
 * write, more than our own id, newuidmap(1) and newgidmap(1) are asked to. Returns the process's
 * directory in /proc, close-on-exec and the caller's; ends the process where it fails.
 */
int idmap_write(pid_t pid, const struct idmap *uids, const struct idmap *gids);

/* Ends the process, which cannot start since whoever was to write a map was killed. */
_Noreturn void idmap_fail_killed(const char *who, int signal);

#endif
