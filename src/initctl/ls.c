/*
 * ls: the verb that lists files of the container, read by this process through the root directory
 * that init passes.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/sys.h"
#include "display.h"
#include "exit.h"
#include "inside.h"
#include "listing.h"
#include "out.h"
#include "owner.h"
#include "sort.h"
#include "terminal.h"
#include "verbs.h"
#include "watchdog.h"

struct ls {
	bool all, directory, details, single; /* options */
	bool json, headers;
	int root, code;
	bool printed; /* whether anything was */
};

const struct option ls_options[] = {
	{'l', offsetof(struct ls, details), NULL, NULL, "print mode, links, owners, size and time",
		option_true},
	{'a', offsetof(struct ls, all), "all", NULL, "also names that begin with a dot",
		option_true},
	{'d', offsetof(struct ls, directory), "directory", NULL,
		"directories themselves, not what is in them", option_true},
	{'1', offsetof(struct ls, single), NULL, NULL, "a name a line, also on a terminal",
		option_true},
	{0, 0, NULL, NULL, NULL, NULL},
};

/* Says that a file cannot be listed: a directory, or the one of that name in it. */
static void report(struct ls *ls, const char *directory, const char *name)
{
	char shown[4 * NAME_MAX + 1];
	const int error = errno;
	const bool has_slash = *directory && directory[strlen(directory) - 1] == '/';

	watchdog_end();
	display_into(shown, sizeof shown, name, strlen(name));
	errno = error;
	log_write(LOG_WARN, errno, "list ", directory, *name && !has_slash ? "/" : "", shown);
	ls->code = EXIT_INITCTL;
}

/* How wide stdout is where names are to be in columns; 0 where they are not. */
static size_t terminal_width(const struct ls *ls)
{
	const char *columns = getenv("COLUMNS");
	unsigned long long width;
	struct winsize size;

	if (ls->single || !terminal_is_open(1))
		return 0;
	if (columns && !number_parse(columns, 1 << 16, &width) && width)
		return (size_t)width;
	return !sys_ioctl(1, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

/* Prints a listing that is not that of a directory, or with its path that of one. */
static void print(struct ls *ls, struct listing *listing, const char *directory)
{
	const size_t width = terminal_width(ls);

	listing_sort(listing);
	if (ls->json) {
		listing_print_json(listing, directory);
		return;
	}
	if (directory && ls->headers) {
		if (ls->printed)
			out_char('\n');
		display_text(directory, strlen(directory), 0);
		out_line(":");
	}
	ls->printed = true;
	if (directory && ls->details)
		out_print("total %llu\n", listing_total(listing));
	if (ls->details)
		listing_print_long(listing);
	else if (width)
		listing_print_columns(listing, width);
	else
		listing_print_names(listing);
}

/*
 * Adds a name of a directory. The parent of the container's root would be a directory outside: it
 * is resolved by its path, in the root.
 */
static void add_entry(
	struct ls *ls, struct listing *listing, int directory, const char *path, const char *name)
{
	char parent[PATH_MAX + 4];
	int fd = directory, failed;

	if (!ls->details && !ls->json) {
		listing_add(listing, name, -1, NULL);
		return;
	}
	if (strcmp(name, "..") != 0) {
		failed = listing_add(listing, name, directory, name);
	} else {
		out_format(parent, sizeof parent, "%s/..", path);
		fd = inside_open(ls->root, parent, O_PATH, 0);
		failed = fd < 0 ? -1 : listing_add(listing, name, fd, "");
	}
	/* What is removed meanwhile is no error. */
	if (failed && errno != ENOENT)
		report(ls, path, name);
	if (fd != directory && fd >= 0)
		sys_close(fd);
}

static void list_directory(struct ls *ls, const char *path)
{
	static char buffer[32768] __attribute__((aligned(8)));
	struct listing listing = {0};
	long length = -1;
	int fd;

	watchdog_begin("list ", path);
	fd = inside_open(ls->root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	while (fd >= 0 && (length = sys_entries(fd, buffer, sizeof buffer)) > 0)
		for (const char *p = buffer; p < buffer + length;) {
			const struct sys_entry *entry = (const struct sys_entry *)p;
			watchdog_begin("list ", path);
			if (*entry->name != '.' || ls->all)
				add_entry(ls, &listing, fd, path, entry->name);
			p += entry->length;
		}
	if (length < 0)
		report(ls, path, "");
	watchdog_end();
	if (fd >= 0) {
		sys_close(fd);
		print(ls, &listing, path);
	}
	listing_clear(&listing);
}

/*
 * Whether the path is that of a directory whose entries are to be listed; else adds the file it is
 * of to the listing.
 */
static bool is_listed(struct ls *ls, struct listing *files, const char *path)
{
	const bool itself = ls->directory || ls->details || ls->json;
	struct file_status status;
	bool failed, result;
	int fd;

	watchdog_begin("list ", path);
	fd = inside_open(ls->root, path, itself ? O_PATH | O_NOFOLLOW : O_PATH, 0);
	/* A link that leads nowhere is listed as what it is. */
	if (fd < 0 && !itself)
		fd = inside_open(ls->root, path, O_PATH | O_NOFOLLOW, 0);
	failed = fd < 0 || file_status_of(fd, &status);
	result = !failed && S_ISDIR(status.mode) && !ls->directory;
	if (failed || (!result && listing_add(files, path, fd, "")))
		report(ls, path, "");
	if (fd >= 0)
		sys_close(fd);
	watchdog_end();
	return result;
}

static int compare(const void *a, const void *b, const void *nothing)
{
	(void)nothing;
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int verb_ls(const struct context *context, char **arguments)
{
	char *top[] = {".", NULL}, **paths = arguments;
	struct ls ls = {.json = context->json};
	struct listing files = {0};
	size_t count = 0, directories = 0;

	options_take_all(ls_options, &ls, arguments);
	paths = *arguments ? arguments : top;
	while (paths[count])
		count++;
	ls.headers = count > 1;
	ls.root = inside_root(context);
	if (ls.details || ls.json)
		owner_load(context, ls.root);
	for (size_t i = 0; i < count; i++)
		if (is_listed(&ls, &files, paths[i]))
			paths[directories++] = paths[i];
	if (files.count)
		print(&ls, &files, NULL);
	listing_clear(&files);
	sort_array(paths, directories, sizeof *paths, compare, NULL);
	for (size_t i = 0; i < directories; i++)
		list_directory(&ls, paths[i]);
	verb_printed();
	return ls.code;
}
