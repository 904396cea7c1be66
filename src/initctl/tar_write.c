/*
 * tar_write: see tar.h. An entry that ustar has no room for is preceded by a pax header, a file of
 * records "LENGTH KEY=VALUE\n", of which LENGTH counts itself.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/number.h"
#include "copylinks.h"
#include "ids.h"
#include "out.h"
#include "tar.h"
#include "tar_format.h"
#include "watchdog.h"

enum { OUTPUT_SIZE = 1 << 17 };

static struct {
	char data[OUTPUT_SIZE];
	size_t length;
} output;

static struct {
	char text[2 * TAR_NAME_SIZE];
	size_t length;
} records;

/* Not constant, so that the program's file does not hold them. */
static char zeros[2 * TAR_BLOCK];

static void flush(void)
{
	const char *data = output.data;

	/* Its reader may take its time. */
	watchdog_end();
	while (output.length) {
		ssize_t written = write(STDOUT_FILENO, data, output.length);
		if (written < 0)
			tar_failed("write");
		data += written;
		output.length -= (size_t)written;
	}
}

/* Room for bytes of the output, at most as many as it has, of which some may be left unused. */
static char *room(size_t size)
{
	if (output.length + size > sizeof output.data)
		flush();
	return output.data + output.length;
}

static void put(const char *data, size_t size)
{
	while (size) {
		const size_t part = size < OUTPUT_SIZE ? size : OUTPUT_SIZE;
		memcpy(room(part), data, part);
		output.length += part;
		data += part;
		size -= part;
	}
}

/* Zeros up to the next block, behind so many bytes. */
static void pad(unsigned long long size)
{
	put(zeros, (size_t)(-size % TAR_BLOCK));
}

static void add_record(const char *key, const char *value)
{
	/* With the blank, the equals sign and the newline; then with the digits of the sum. */
	const size_t rest = strlen(key) + strlen(value) + 3;
	char digits[NUMBER_SIZE];
	size_t size = rest;

	while (size < rest + strlen(number_text(digits, (long long)size)))
		size = rest + strlen(number_text(digits, (long long)size));
	if (records.length + size < sizeof records.text)
		records.length += (size_t)out_format(records.text + records.length, size + 1,
			"%s %s=%s\n", number_text(digits, (long long)size), key, value);
}

/* Writes a number as octal digits, or where there is no room for it, as a record. */
static void put_number(char *field, size_t size, unsigned long long value, const char *key)
{
	char digits[NUMBER_SIZE];

	if (value >> (3 * (size - 1))) {
		add_record(key, number_text(digits, (long long)value));
		value = 0;
	}
	out_format(field, size, "%0*llo", (int)size - 1, value);
}

/* The time in seconds with what is below one, where that is not 0. */
static void put_time(struct tar_header *header, const struct timespec *time)
{
	long long seconds = time->tv_sec, below = time->tv_nsec;
	const bool negative = seconds < 0;
	char text[40];

	if (negative && below) {
		seconds++;
		below = 1000000000 - below;
	}
	if (negative || below || seconds >> 33) {
		out_format(text, sizeof text, "%s%lld.%09lld", negative ? "-" : "",
			negative ? -seconds : seconds, below);
		add_record("mtime", text);
	}
	out_format(header->time, sizeof header->time, "%011llo",
		negative || seconds >> 33 ? 0 : (unsigned long long)seconds);
}

/* Puts a name in its field, and in that for directories above it, or where it is too long a record.
 */
static void put_name(struct tar_header *header, const char *name)
{
	const size_t length = strlen(name), most = sizeof header->name;
	const char *slash = NULL;

	if (length > most)
		slash = strchr(name + length - most - 1, '/');
	if (length <= most) {
		memcpy(header->name, name, length);
	} else if (slash && slash[1] && slash > name &&
		   slash - name <= (long)sizeof header->prefix) {
		memcpy(header->prefix, name, (size_t)(slash - name));
		memcpy(header->name, slash + 1, strlen(slash + 1));
	} else {
		add_record("path", name);
		memcpy(header->name, name + length - most, most);
	}
}

static void put_header(struct tar_header *header, char type)
{
	unsigned sum = 0;

	header->type = type;
	memcpy(header->magic, TAR_MAGIC, sizeof header->magic);
	memset(header->sum, ' ', sizeof header->sum);
	for (size_t i = 0; i < sizeof *header; i++)
		sum += ((unsigned char *)header)[i];
	out_format(header->sum, sizeof header->sum - 1, "%06o", sum);
	put((char *)header, sizeof *header);
}

static void write_entry(char type, const struct stat *status, off_t size, const char *target)
{
	static char name[TAR_NAME_SIZE];
	struct tar_header header = {0}, extra = {.name = "PaxHeader", .mode = "0000644"};
	const size_t room_for_target = sizeof header.target;

	records.length = 0;
	out_format(name, sizeof name, "%s%s%s", copytree_top(), copytree_below(),
		type == TAR_DIRECTORY ? "/" : "");
	put_name(&header, name);
	if (strlen(target) > room_for_target)
		add_record("linkpath", target);
	memcpy(header.target, target, strnlen(target, room_for_target));
	put_number(header.mode, sizeof header.mode, status->st_mode & 07777, "");
	put_number(header.uid, sizeof header.uid,
		ids_inside(IDS_USER, status->st_uid, status->st_uid), "uid");
	put_number(header.gid, sizeof header.gid,
		ids_inside(IDS_GROUP, status->st_gid, status->st_gid), "gid");
	put_number(header.size, sizeof header.size, (unsigned long long)size, "size");
	put_time(&header, &status->st_mtim);
	if (records.length) {
		put_number(extra.size, sizeof extra.size, records.length, "");
		put_number(extra.time, sizeof extra.time, 0, "");
		put_header(&extra, TAR_EXTRA);
		put(records.text, records.length);
		pad(records.length);
	}
	put_header(&header, type);
}

static int enter(const char *name, const struct stat *status)
{
	(void)name;
	write_entry(TAR_DIRECTORY, status, 0, "");
	return 0;
}

static int leave(const struct stat *status)
{
	(void)status;
	return 0;
}

/* A file has the size that was announced, whatever it has become meanwhile. */
static int file(const char *name, int fd, const struct stat *status)
{
	const struct copylink *first = status->st_nlink > 1 ? copylinks_find(status) : NULL;
	off_t left = status->st_size;
	int result = 0;

	(void)name;
	if (first) {
		write_entry(TAR_HARD_LINK, status, 0, first->path);
		return 0;
	}
	if (status->st_nlink > 1)
		copylinks_keep(status, status, copytree_top(), copytree_below());
	write_entry(TAR_FILE, status, left, "");
	while (left) {
		const size_t most = left < OUTPUT_SIZE / 2 ? (size_t)left : OUTPUT_SIZE / 2;
		char *data = room(most);
		ssize_t length = result ? 0 : read(fd, data, most);
		if (length <= 0) {
			/* ENODATA: it is shorter now. */
			if (!result)
				errno = length ? errno : ENODATA;
			result = -1;
			memset(data, 0, most);
			length = (ssize_t)most;
		}
		output.length += (size_t)length;
		left -= length;
		copy_alive(NULL, length);
	}
	pad((unsigned long long)status->st_size);
	return result;
}

static int symbolic_link(const char *name, const char *target, const struct stat *status)
{
	(void)name;
	write_entry(TAR_LINK, status, 0, target);
	return 0;
}

const struct copy_sink tar_sink = {enter, leave, file, symbolic_link};

void tar_write_end(void)
{
	put(zeros, sizeof zeros);
	flush();
}
