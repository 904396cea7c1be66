/*
 * targets: see targets.h.
 */
#include "targets.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "pattern.h"
#include "search.h"
#include "sort.h"

static const char suffix[] = ".sock";

void targets_add_path(struct targets *targets, const char *path, size_t start)
{
	const size_t length = strlen(path), end = sizeof suffix - 1;
	struct target *row;
	struct stat status;

	memory_reserve(&targets->memory, (targets->count + 1) * sizeof *row);
	targets->rows = targets->memory.data;
	row = &targets->rows[targets->count++];
	*row = (struct target){
		.path = memory_copy(path, length), .start = start, .length = length - start};
	if (row->length > end && !strcmp(path + length - end, suffix))
		row->length -= end;
	if (!file_stat_at(AT_FDCWD, path, &status, 0)) {
		row->device = status.st_dev;
		row->inode = status.st_ino;
	}
}

void targets_add(struct targets *targets, const char *word)
{
	const char *name = strrchr(word, '/');
	struct stat status;

	if (!strpbrk(word, PATTERN_WILDCARDS) ||
		!file_stat_at(AT_FDCWD, word, &status, AT_SYMLINK_NOFOLLOW)) {
		targets_add_path(targets, word, name ? (size_t)(name + 1 - word) : 0);
		return;
	}
	targets->several = word;
	search_pattern(targets, word);
}

void targets_find(struct targets *targets, const char *directory, bool may_be_missing)
{
	targets->several = directory;
	search_directory(targets, directory, may_be_missing);
}

void targets_find_all(struct targets *targets)
{
	const char *given = getenv("INIT_SOCKETS");

	given = given && *given ? given : "/run/init";
	for (const char *rest = given; *rest; rest += *rest == ':') {
		const size_t length = strcspn(rest, ":");
		if (length)
			search_directory(targets, memory_copy(rest, length), true);
		rest += length;
	}
	targets->several = given;
}

static int compare(const void *a, const void *b, const void *unused)
{
	const struct target *one = a, *other = b;
	const size_t length = one->length < other->length ? one->length : other->length;
	const int order = memcmp(one->path + one->start, other->path + other->start, length);

	(void)unused;
	if (order || one->length == other->length)
		return order;
	return one->length < other->length ? -1 : 1;
}

static void sort(struct targets *targets)
{
	sort_array(targets->rows, targets->count, sizeof *targets->rows, compare, NULL);
}

static bool is_same(const struct target *one, const struct target *other)
{
	if (one->inode)
		return one->inode == other->inode && one->device == other->device;
	return !strcmp(one->path, other->path);
}

static void drop_doubles(struct targets *targets)
{
	size_t count = 0, seen;

	for (size_t i = 0; i < targets->count; i++) {
		for (seen = 0; seen < count; seen++)
			if (is_same(&targets->rows[i], &targets->rows[seen]))
				break;
		if (seen == count)
			targets->rows[count++] = targets->rows[i];
	}
	targets->count = count;
}

/* Begins a name one directory earlier, or else makes it the whole path. False if it was that. */
static bool lengthen(struct target *row)
{
	const size_t end = row->start + row->length;

	if (!row->start) {
		if (!row->path[end])
			return false;
		row->length = strlen(row->path);
		return true;
	}
	for (row->start--; row->start && row->path[row->start - 1] != '/';)
		row->start--;
	row->length = end - row->start;
	return true;
}

void targets_name(struct targets *targets)
{
	bool changed = true;

	sort(targets);
	drop_doubles(targets);
	while (changed) {
		changed = false;
		sort(targets);
		for (size_t i = 0, next; i < targets->count; i = next) {
			for (next = i + 1; next < targets->count; next++)
				if (compare(&targets->rows[i], &targets->rows[next], NULL))
					break;
			for (size_t one = i; next - i > 1 && one < next; one++)
				changed |= lengthen(&targets->rows[one]);
		}
	}
	for (size_t i = 0; i < targets->count; i++) {
		struct target *row = &targets->rows[i];
		row->name = memory_copy(row->path + row->start, row->length);
	}
}
