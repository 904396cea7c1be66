/*
 * listing: see listing.h.
 */
#include "listing.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/sys.h"
#include "base/text.h"
#include "display.h"
#include "json.h"
#include "out.h"
#include "owner.h"
#include "sort.h"
#include "units.h"

enum { LEAST_WIDTH = 3 }; /* of a column, as of GNU ls */

/* Keeps a string. Returns where it begins in the text. */
static size_t keep(struct listing *listing, const char *string)
{
	const size_t at = listing->used, size = strlen(string) + 1;

	memory_reserve(&listing->text, at + size);
	memcpy((char *)listing->text.data + at, string, size);
	listing->used += size;
	return at;
}

/* The status of a file, and the target of a link. */
static int read_status(
	struct listing *listing, struct listing_entry *entry, int directory, const char *name)
{
	struct file_status status;
	char target[PATH_MAX];
	ssize_t length;

	if (file_status_at(directory, name, &status))
		return -1;
	entry->mode = status.mode;
	entry->links = status.links;
	entry->uid = ids_inside(IDS_USER, status.uid, OWNER_NOBODY);
	entry->gid = ids_inside(IDS_GROUP, status.gid, OWNER_NOBODY);
	memcpy(entry->device, status.device_of, sizeof entry->device);
	entry->size = status.size;
	entry->blocks = status.blocks;
	entry->modified = (long long)status.modified.seconds;
	if (!S_ISLNK(status.mode))
		return 0;
	length = sys_readlink(directory, name, target, sizeof target - 1);
	target[length > 0 ? length : 0] = 0;
	entry->target = keep(listing, target);
	return 0;
}

static struct listing_entry *entries(const struct listing *listing)
{
	return listing->entries.data;
}

int listing_add(struct listing *listing, const char *name, int directory, const char *name_in)
{
	struct listing_entry entry = {0};

	if (directory >= 0 && read_status(listing, &entry, directory, name_in))
		return -1;
	entry.name = keep(listing, name);
	memory_reserve(&listing->entries, (listing->count + 1) * sizeof entry);
	entries(listing)[listing->count++] = entry;
	return 0;
}

void listing_clear(struct listing *listing)
{
	memory_release(&listing->entries);
	memory_release(&listing->text);
	listing->count = listing->used = 0;
}

static int compare(const void *a, const void *b, const void *text)
{
	const struct listing_entry *one = a, *other = b;

	return strcmp((const char *)text + one->name, (const char *)text + other->name);
}

void listing_sort(struct listing *listing)
{
	if (listing->count)
		sort_array(listing->entries.data, listing->count, sizeof(struct listing_entry),
			compare, listing->text.data);
}

static const char *name_of(const struct listing *listing, size_t i)
{
	return (const char *)listing->text.data + entries(listing)[i].name;
}

static const char *target_of(const struct listing *listing, size_t i)
{
	return (const char *)listing->text.data + entries(listing)[i].target;
}

/* Escaped, and padded to a width. */
static void print_text(const char *text, size_t width)
{
	display_text(text, strlen(text), (unsigned)width);
}

void listing_print_names(const struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++) {
		print_text(name_of(listing, i), 0);
		out_char('\n');
	}
}

/* The width of the column of names that begins with that one, with two blanks but for the last. */
static size_t column_width(const size_t *widths, size_t first, size_t rows, size_t count)
{
	const size_t gap = first + rows < count ? 2 : 0;
	size_t width = LEAST_WIDTH;

	for (size_t i = first; i < count && i < first + rows; i++)
		if (widths[i] + gap > width)
			width = widths[i] + gap;
	return width;
}

/* Into how many rows names fit that stand below each other, in lines of a width. */
static size_t count_rows(const size_t *widths, size_t count, size_t width)
{
	const size_t most = width / LEAST_WIDTH < count ? width / LEAST_WIDTH : count;

	for (size_t columns = most; columns > 1; columns--) {
		const size_t rows = (count + columns - 1) / columns;
		size_t line = 0;
		for (size_t first = 0; first < count && line < width; first += rows)
			line += column_width(widths, first, rows, count);
		if (line < width)
			return rows;
	}
	return count;
}

void listing_print_columns(const struct listing *listing, size_t width)
{
	const size_t count = listing->count;
	struct memory memory = {0};
	size_t *widths, rows;

	memory_reserve(&memory, (count + 1) * sizeof *widths);
	widths = memory.data;
	for (size_t i = 0; i < count; i++)
		widths[i] = display_columns(name_of(listing, i));
	rows = count_rows(widths, count, width);
	for (size_t row = 0; row < rows; row++) {
		for (size_t i = row; i < count; i += rows) {
			const size_t pad = column_width(widths, i - row, rows, count);
			print_text(name_of(listing, i), i + rows < count ? pad : 0);
		}
		out_char('\n');
	}
	memory_release(&memory);
}

/* As "drwxr-xr-x". */
static void mode_text(unsigned mode, char text[11])
{
	static const char types[] = "?pc?d?b?-?l?s???";

	text[0] = types[mode >> 12 & 15];
	text_copy(text + 1, "rwxrwxrwx");
	for (unsigned i = 0; i < 9; i++)
		if (!(mode & 0400U >> i))
			text[1 + i] = '-';
	if (mode & S_ISUID)
		text[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		text[6] = mode & 010 ? 's' : 'S';
	if (mode & S_ISVTX)
		text[9] = mode & 01 ? 't' : 'T';
}

static bool is_device(const struct listing_entry *entry)
{
	return S_ISCHR(entry->mode) || S_ISBLK(entry->mode);
}

/* The cells of a row of ls -l that are as wide as the widest of their column. */
enum { LINKS, USER, GROUP, SIZE, MAJOR, MINOR, CELLS };

static void fill_cells(const struct listing_entry *entry, char cells[CELLS][OWNER_NAME])
{
	out_format(cells[LINKS], OWNER_NAME, "%u", entry->links);
	owner_name(IDS_USER, entry->uid, cells[USER]);
	owner_name(IDS_GROUP, entry->gid, cells[GROUP]);
	*cells[SIZE] = *cells[MAJOR] = *cells[MINOR] = 0;
	if (is_device(entry)) {
		out_format(cells[MAJOR], OWNER_NAME, "%u", entry->device[0]);
		out_format(cells[MINOR], OWNER_NAME, "%u", entry->device[1]);
	} else {
		out_format(cells[SIZE], OWNER_NAME, "%llu", (unsigned long long)entry->size);
	}
}

/*
 * As ls has it: the time of day of the last six months, the year of others. In UTC, as in an image
 * without time zones; localtime_r(3) is 5 kB of their files and rules.
 */
static void time_text(long long modified, char text[32])
{
	static const char months[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	const long long now = sys_clock(CLOCK_REALTIME) / 1000,
			minutes = modified / 60 - (modified % 60 < 0);
	struct units_date date;
	size_t length;

	units_date(&date, modified);
	length = out_format(text, 32, "%s %2u ", months[date.month - 1], date.day);
	if (modified <= now && modified > now - 31556952 / 2)
		out_format(text + length, 16, "%02lld:%02lld", minutes / 60 % 24, minutes % 60);
	else
		out_format(text + length, 16, "%5lld", date.year);
}

/* A name, or to the right a number, and a blank. */
static void print_owner(const char *owner, int width)
{
	if (owner[strspn(owner, "0123456789")])
		print_text(owner, (size_t)width + 1);
	else
		out_print("%*s ", width, owner);
}

static void print_row(const struct listing *listing, size_t i, const int widths[CELLS])
{
	const struct listing_entry *entry = &entries(listing)[i];
	char cells[CELLS][OWNER_NAME], mode[11], when[32];

	fill_cells(entry, cells);
	mode_text(entry->mode, mode);
	time_text(entry->modified, when);
	out_print("%s %*s ", mode, widths[LINKS], cells[LINKS]);
	print_owner(cells[USER], widths[USER]);
	print_owner(cells[GROUP], widths[GROUP]);
	if (is_device(entry))
		out_print("%*s, %*s", widths[SIZE] - 2 - widths[MINOR], cells[MAJOR], widths[MINOR],
			cells[MINOR]);
	else
		out_print("%*s", widths[SIZE], cells[SIZE]);
	out_print(" %s ", when);
	print_text(name_of(listing, i), 0);
	if (S_ISLNK(entry->mode)) {
		out_text(" -> ");
		print_text(target_of(listing, i), 0);
	}
	out_char('\n');
}

void listing_print_long(const struct listing *listing)
{
	int widths[CELLS] = {0};
	char cells[CELLS][OWNER_NAME];

	for (size_t i = 0; i < listing->count; i++) {
		fill_cells(&entries(listing)[i], cells);
		for (unsigned cell = 0; cell < CELLS; cell++) {
			const int width = (int)display_columns(cells[cell]);
			widths[cell] = width > widths[cell] ? width : widths[cell];
		}
	}
	if (widths[MAJOR] && widths[MAJOR] + 2 + widths[MINOR] > widths[SIZE])
		widths[SIZE] = widths[MAJOR] + 2 + widths[MINOR];
	for (size_t i = 0; i < listing->count; i++)
		print_row(listing, i, widths);
}

unsigned long long listing_total(const struct listing *listing)
{
	unsigned long long blocks = 0;

	for (size_t i = 0; i < listing->count; i++)
		blocks += entries(listing)[i].blocks;
	return (blocks + 1) / 2;
}

static const char *type_name(unsigned mode)
{
	/* By the number that the type has in a mode, in octal 1 to 14. */
	static const char names[] = "unknown\0fifo\0character device\0unknown\0directory\0"
				    "unknown\0block device\0unknown\0file\0unknown\0link\0"
				    "unknown\0socket\0unknown\0unknown\0unknown\0";

	return text_name(names, mode >> 12 & 15);
}

void listing_print_json(const struct listing *listing, const char *directory)
{
	for (size_t i = 0; i < listing->count; i++) {
		const struct listing_entry *entry = &entries(listing)[i];
		char mode[8], cells[CELLS][OWNER_NAME];
		fill_cells(entry, cells);
		out_format(mode, sizeof mode, "%04o", entry->mode & 07777U);
		json_begin("file");
		if (directory)
			json_text("directory", directory);
		json_text("name", name_of(listing, i));
		json_text("type", type_name(entry->mode));
		json_text("mode", mode);
		json_number("links", entry->links);
		json_number("uid", entry->uid);
		json_number("gid", entry->gid);
		json_text("user", cells[USER]);
		json_text("group", cells[GROUP]);
		json_number("size", (long long)entry->size);
		json_number("modified", entry->modified);
		if (is_device(entry)) {
			json_number("major", entry->device[0]);
			json_number("minor", entry->device[1]);
		}
		if (S_ISLNK(entry->mode))
			json_text("target", target_of(listing, i));
		json_end();
	}
}
