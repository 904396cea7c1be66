/*
 * search: see search.h.
 */
#include "search.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/sys.h"
#include "pattern.h"

/* Levels of directories that are searched. */
enum { DEPTH = 3 };

/* A path that is being put together. */
struct path {
	char text[PATH_MAX];
	size_t length;
};

/* Adds to a path, unless it would be too long. The caller takes it off by setting length. */
static bool extend(struct path *path, const char *text, size_t length)
{
	if (path->length + length >= sizeof path->text)
		return false;
	memcpy(path->text + path->length, text, length);
	path->length += length;
	path->text[path->length] = 0;
	return true;
}

/* Entries of a directory, one after another. */
struct entries {
	int directory; /* the struct's own */
	long length, at;
	char buffer[2048] __attribute__((aligned(8)));
};

/* Returns the name of the next one that is not hidden, or of any; NULL at the end. */
static const char *next_name(struct entries *entries, bool any)
{
	const struct sys_entry *entry;

	do {
		if (entries->at == entries->length) {
			entries->at = 0;
			entries->length = sys_entries(
				entries->directory, entries->buffer, sizeof entries->buffer);
		}
		if (entries->length <= 0) {
			close(entries->directory);
			return NULL;
		}
		entry = (const struct sys_entry *)(entries->buffer + entries->at);
		entries->at += entry->length;
	} while (!any && *entry->name == '.');
	return entry->name;
}

/* A directory that is still to be searched: its path, and what its entries have to match. */
struct place {
	const char *path, *pattern;
	unsigned depth;
};

struct places {
	struct memory memory;
	size_t count;
};

static void push(
	struct places *places, const struct path *path, const char *pattern, unsigned depth)
{
	memory_reserve(&places->memory, (places->count + 1) * sizeof(struct place));
	((struct place *)places->memory.data)[places->count++] =
		(struct place){memory_copy(path->text, path->length), pattern, depth};
}

static struct place place_at(const struct places *places, size_t i)
{
	return ((const struct place *)places->memory.data)[i];
}

/* Adds to a path what precedes the first wildcard of a pattern; NULL if it is too long. */
static const char *take_plain(struct path *path, const char *pattern)
{
	while (*pattern) {
		const size_t slashes = strspn(pattern, "/");
		const size_t length = strcspn(pattern + slashes, "/");
		const bool plain = strcspn(pattern + slashes, PATTERN_WILDCARDS "\\") >= length;
		if (!extend(path, pattern, plain ? slashes + length : slashes))
			return NULL;
		pattern += slashes;
		if (!plain)
			break;
		pattern += length;
	}
	return pattern;
}

/* Adds the socket of a path that matches a pattern as a whole. */
static void add_match(struct targets *targets, const struct path *path)
{
	const char *slash = strrchr(path->text, '/');
	struct stat status;

	if (!stat(path->text, &status) && S_ISSOCK(status.st_mode))
		targets_add_path(targets, path->text, slash ? (size_t)(slash + 1 - path->text) : 0);
}

/* Searches a place for what matches the next part of its pattern. */
static void match(struct targets *targets, struct places *places, const struct place *place)
{
	struct path path = {.length = 0};
	const char *pattern, *name;
	struct entries entries = {.at = 0};
	size_t before;

	extend(&path, place->path, strlen(place->path));
	pattern = take_plain(&path, place->pattern);
	if (pattern && !*pattern)
		add_match(targets, &path);
	if (!pattern || !*pattern)
		return;
	entries.directory =
		sys_open(AT_FDCWD, path.length ? path.text : ".", O_RDONLY | O_DIRECTORY);
	before = path.length;
	while (entries.directory >= 0 && (name = next_name(&entries, *pattern == '.'))) {
		if (pattern_matches(pattern, name) && extend(&path, name, strlen(name)))
			push(places, &path, pattern + strcspn(pattern, "/"), 0);
		path.text[path.length = before] = 0;
	}
}

void search_pattern(struct targets *targets, const char *pattern)
{
	const struct path empty = {.length = 0};
	struct places places = {.count = 0};

	push(&places, &empty, pattern, 0);
	for (size_t i = 0; i < places.count; i++) {
		const struct place place = place_at(&places, i);
		match(targets, &places, &place);
	}
	memory_release(&places.memory);
}

/* Adds the sockets of a directory, and its directories to the places; start as in
 * targets_add_path(). */
static void search(struct targets *targets, struct places *places, int top, size_t start,
	const struct place *place)
{
	struct path path = {.length = 0};
	struct entries entries = {.at = 0};
	const char *name;
	struct stat status;
	size_t before;

	extend(&path, place->path, strlen(place->path));
	/* None of the directories is a link, even if it has just become one. */
	entries.directory = sys_open_resolved(top, place->depth ? path.text + start : ".",
		O_RDONLY | O_DIRECTORY, SYS_NO_SYMLINKS | SYS_BENEATH);
	if (entries.directory < 0) {
		warn_cannot("read directory ", path.text);
		return;
	}
	if (place->depth)
		extend(&path, "/", 1);
	before = path.length;
	while ((name = next_name(&entries, false))) {
		if (fstatat(entries.directory, name, &status, AT_SYMLINK_NOFOLLOW) ||
			!extend(&path, name, strlen(name)))
			continue;
		if (S_ISSOCK(status.st_mode))
			targets_add_path(targets, path.text, start);
		if (S_ISDIR(status.st_mode) && place->depth + 1 < DEPTH)
			push(places, &path, NULL, place->depth + 1);
		path.text[path.length = before] = 0;
	}
}

void search_directory(struct targets *targets, const char *directory, bool may_be_missing)
{
	struct path path = {.length = 0};
	struct places places = {.count = 0};
	int top = sys_open(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY);

	if (top < 0 && may_be_missing && errno == ENOENT)
		return;
	if (top < 0)
		fail_cannot("read directory ", directory);
	if (!extend(&path, directory, strlen(directory)) || !extend(&path, "/", 1))
		fail_note("cannot read directory ", directory, ": its path is too long");
	while (path.length > 1 && path.text[path.length - 2] == '/')
		path.text[--path.length] = 0;
	push(&places, &path, NULL, 0);
	for (size_t i = 0; i < places.count; i++) {
		const struct place place = place_at(&places, i);
		search(targets, &places, top, path.length, &place);
	}
	memory_release(&places.memory);
	close(top);
}
