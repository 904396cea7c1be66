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

#include "base/file.h"
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

/* A path, the rest of a pattern that what is below it has to match, and how deep it is. */
struct place {
	const char *path, *pattern;
	unsigned depth;
};

/*
 * What is searched. Below a directory, top is that, and its path, with a slash, takes skip bytes;
 * otherwise skip is 0.
 */
struct search {
	struct targets *targets;
	int top;
	unsigned resolve; /* for sys_open_resolved() */
	size_t skip;
	struct memory places;
	size_t count; /* of places */
};

static void push(
	struct search *search, const struct path *path, const char *pattern, unsigned depth)
{
	memory_reserve(&search->places, (search->count + 1) * sizeof(struct place));
	((struct place *)search->places.data)[search->count++] =
		(struct place){memory_copy(path->text, path->length), pattern, depth};
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

/* Adds the socket of a path that matches the pattern as a whole. */
static void add_match(struct search *search, const char *path)
{
	const char *slash = strrchr(path, '/');
	const size_t last = slash ? (size_t)(slash + 1 - path) : 0;
	struct stat status;

	if (!file_stat_at(AT_FDCWD, path, &status, search->skip ? AT_SYMLINK_NOFOLLOW : 0) &&
		S_ISSOCK(status.st_mode))
		targets_add_path(search->targets, path, search->skip ? search->skip : last);
}

/* Searches a place for what matches the next part of its pattern. What is no directory has none. */
static void match(struct search *search, const struct place *place)
{
	struct path path = {.length = 0};
	const char *pattern, *name;
	struct entries entries = {.at = 0};
	size_t before;

	extend(&path, place->path, strlen(place->path));
	pattern = take_plain(&path, place->pattern);
	if (pattern && !*pattern)
		add_match(search, path.text);
	if (!pattern || !*pattern)
		return;
	before = path.length;
	entries.directory = sys_open_resolved(search->top,
		before > search->skip ? path.text + search->skip : ".", O_RDONLY | O_DIRECTORY,
		search->resolve);
	if (entries.directory < 0 && search->skip && errno == EACCES)
		warn_cannot("read directory ", place->path);
	while (entries.directory >= 0 && (name = next_name(&entries, *pattern == '.'))) {
		if (pattern_matches(pattern, name) && extend(&path, name, strlen(name))) {
			push(search, &path, pattern + strcspn(pattern, "/"), 0);
			if (search->skip && place->depth + 1 < DEPTH)
				push(search, &path, "/*", place->depth + 1);
		}
		path.text[path.length = before] = 0;
	}
}

static void match_all(struct search *search, const struct path *path, const char *pattern)
{
	push(search, path, pattern, 0);
	for (size_t i = 0; i < search->count; i++) {
		/* The array may move. */
		const struct place place = ((const struct place *)search->places.data)[i];
		match(search, &place);
	}
	memory_release(&search->places);
}

void search_pattern(struct targets *targets, const char *pattern)
{
	const struct path empty = {.length = 0};
	struct search search = {.targets = targets, .top = AT_FDCWD};

	match_all(&search, &empty, pattern);
}

void search_directory(struct targets *targets, const char *directory, bool may_be_missing)
{
	struct path path = {.length = 0};
	/* No directory below is a link, even if it has just become one. */
	struct search search = {.targets = targets,
		.top = sys_open(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY),
		.resolve = SYS_NO_SYMLINKS | SYS_BENEATH};

	if (search.top < 0 && may_be_missing && errno == ENOENT)
		return;
	if (search.top < 0)
		fail_cannot("read directory ", directory);
	if (!extend(&path, directory, strlen(directory)) || !extend(&path, "/", 1))
		fail_note("cannot read directory ", directory, ": its path is too long");
	while (path.length > 1 && path.text[path.length - 2] == '/')
		path.text[--path.length] = 0;
	search.skip = path.length;
	match_all(&search, &path, "*");
	close(search.top);
}
