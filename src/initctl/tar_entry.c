/*
 * tar_entry: see tar_entry.h.
 */
#include "tar_entry.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "copyfile.h"
#include "copytree.h"
#include "out.h"
#include "tar_format.h"
#include "watchdog.h"

/* The numbers that pax records may hold. */
enum { SIZE, UID, GID, NUMBERS };
static const char number_names[] = "size\0uid\0gid\0";

/* What pax records and GNU tar's long names say of the next entry. */
struct extra {
	bool has_name, has_target, has_time, sparse;
	struct timespec time;
	unsigned long long numbers[NUMBERS]; /* one more than it is; 0: not said */
};

static struct {
	char data[1 << 17];
	size_t at, end;
	struct extra next, all; /* of the next entry; of all that follow */
} input;

static char names[2][TAR_NAME_SIZE];

_Noreturn static void fail_to_read(const char *reason)
{
	fail_note("cannot read archive: ", reason, NULL);
}

void tar_failed(const char *action)
{
	fail_cannot(action, " archive");
}

/* Makes bytes of the input available, all or at the end of the input fewer. Returns how many. */
static size_t fill(size_t size)
{
	if (input.end - input.at >= size)
		return size;
	memmove(input.data, input.data + input.at, input.end - input.at);
	input.end -= input.at;
	input.at = 0;
	watchdog_end();
	while (input.end < size) {
		ssize_t got =
			read(STDIN_FILENO, input.data + input.end, sizeof input.data - input.end);
		if (got < 0)
			tar_failed("read");
		if (!got)
			break;
		input.end += (size_t)got;
	}
	return input.end < size ? input.end : size;
}

/* The next bytes, all of them. */
static const char *take(size_t size)
{
	if (fill(size) < size)
		fail_to_read("it ends too early");
	input.at += size;
	return input.data + input.at - size;
}

int tar_pour(off_t size, int fd)
{
	off_t left = size;
	int result = 0;

	while (left) {
		const size_t most = left < (1 << 16) ? (size_t)left : 1 << 16;
		const char *data = take(most);
		copy_alive(NULL, (long long)most);
		if (fd >= 0 && !result)
			result = copyfile_write(fd, data, most, size - left);
		left -= (off_t)most;
	}
	take((size_t)(-(unsigned long long)size % TAR_BLOCK));
	return result;
}

/* A number as octal digits, or GNU's for what needs more room: binary, with its first bit set. */
static long long number(const char *field, size_t size)
{
	const unsigned char *p = (const unsigned char *)field, *end = p + size;
	unsigned long long value = 0;

	if (*p & 0x80) {
		value = *p == 0xff ? ~0ULL : *p & 0x3f;
		while (++p < end)
			value = value << 8 | *p;
		return (long long)value;
	}
	while (p < end && *p == ' ')
		p++;
	for (; p < end && *p >= '0' && *p <= '7'; p++)
		value = value << 3 | (*p - '0');
	return (long long)value;
}

/* ---- headers that describe the next entry */

/* The name of the next entry, or with 1 the target of its link. */
static bool keep_name(int which, const char *text, size_t length)
{
	if (length >= TAR_NAME_SIZE || memchr(text, 0, length))
		return false;
	memcpy(names[which], text, length);
	names[which][length] = 0;
	return true;
}

/* As "-12.345". */
static struct timespec time_of(const char *text)
{
	const bool negative = *text == '-';
	struct timespec time = {0};
	long long unit = 100000000;

	for (text += negative; *text >= '0' && *text <= '9'; text++)
		time.tv_sec = time.tv_sec * 10 + *text - '0';
	if (*text++ == '.')
		for (; *text >= '0' && *text <= '9'; text++, unit /= 10)
			time.tv_nsec += (long)((*text - '0') * unit);
	if (negative) {
		time.tv_sec = -time.tv_sec - (time.tv_nsec > 0);
		time.tv_nsec = time.tv_nsec ? 1000000000 - time.tv_nsec : 0;
	}
	return time;
}

/* Takes a pax record to heart. Returns false if it cannot be right. */
static bool read_record(struct extra *extra, const char *key, const char *value, size_t length)
{
	const unsigned which = text_number(number_names, key, 0);
	unsigned long long parsed;

	if (which < NUMBERS) {
		if (number_parse(value, which == SIZE ? INT64_MAX : UINT32_MAX - 1, &parsed))
			return false;
		extra->numbers[which] = parsed + 1;
		return true;
	}
	if (!strcmp(key, "path"))
		return extra->has_name = keep_name(0, value, length);
	if (!strcmp(key, "linkpath"))
		return extra->has_target = keep_name(1, value, length);
	if (!strcmp(key, "mtime")) {
		extra->has_time = true;
		extra->time = time_of(value);
	} else if (!strncmp(key, "GNU.sparse.", 11)) {
		extra->sparse = true;
	}
	return true;
}

/* Reads the records "LENGTH KEY=VALUE\n" of a header. Returns false if they are no such. */
static bool read_records(struct extra *extra, char *text, size_t size)
{
	while (size) {
		unsigned long long length;
		char *key = memchr(text, ' ', size), *value;
		if (!key || number_parse_until(text, ' ', size, &length) ||
			text + length <= key + 1 || text[length - 1] != '\n')
			return false;
		key++;
		value = memchr(key, '=', (size_t)(text + length - key));
		if (!value)
			return false;
		*value++ = 0;
		text[length - 1] = 0;
		if (!read_record(extra, key, value, (size_t)(text + length - 1 - value)))
			return false;
		text += length;
		size -= (size_t)length;
	}
	return true;
}

/* Reads a header that describes others. Returns false if it is an entry itself. */
static bool read_extra(char type, off_t size)
{
	struct extra *extra = type == TAR_EXTRA_ALL ? &input.all : &input.next;
	bool good;
	char *text;

	if (type != TAR_EXTRA && type != TAR_EXTRA_ALL && type != TAR_LONG_NAME &&
		type != TAR_LONG_TARGET)
		return false;
	if (size < 0 || size >= TAR_NAME_SIZE - TAR_BLOCK)
		fail_to_read("a header in it is too large");
	/* With what follows it, up to the next block. */
	text = (char *)(uintptr_t)take((size_t)((size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK));
	if (type == TAR_LONG_NAME)
		good = extra->has_name = keep_name(0, text, strnlen(text, (size_t)size));
	else if (type == TAR_LONG_TARGET)
		good = extra->has_target = keep_name(1, text, strnlen(text, (size_t)size));
	else
		good = read_records(extra, text, (size_t)size);
	if (!good)
		fail_to_read("a header in it is damaged");
	input.all.has_name = input.all.has_target = false;
	return true;
}

static bool is_header(const struct tar_header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	const size_t sum_at = offsetof(struct tar_header, sum), sum_size = sizeof header->sum;
	unsigned sum = 0;

	for (size_t i = 0; i < TAR_BLOCK; i++)
		sum += i - sum_at < sum_size ? ' ' : bytes[i];
	return number(header->sum, sum_size) == sum;
}

static void take_over(const struct extra *extra, struct stat *status)
{
	const unsigned long long *numbers = extra->numbers;

	if (numbers[UID])
		status->st_uid = (uid_t)(numbers[UID] - 1);
	if (numbers[GID])
		status->st_gid = (gid_t)(numbers[GID] - 1);
	if (numbers[SIZE])
		status->st_size = (off_t)(numbers[SIZE] - 1);
	if (extra->has_time)
		status->st_mtim = extra->time;
}

static void read_status(const struct tar_header *header, struct stat *status)
{
	memset(status, 0, sizeof *status);
	status->st_mode = (mode_t)number(header->mode, sizeof header->mode) & 07777;
	status->st_uid = (uid_t)number(header->uid, sizeof header->uid);
	status->st_gid = (gid_t)number(header->gid, sizeof header->gid);
	status->st_size = number(header->size, sizeof header->size);
	status->st_mtim.tv_sec = number(header->time, sizeof header->time);
	take_over(&input.all, status);
	take_over(&input.next, status);
}

/*
 * Puts together what the header, and those before it, say. GNU tar has something else in place of
 * the prefix.
 */
static void read_entry(const struct tar_header *header, struct tar_entry *entry)
{
	const struct extra *next = &input.next;
	struct stat *status = &entry->status;
	const bool has_prefix = !memcmp(header->magic, TAR_MAGIC, 6) && *header->prefix;

	entry->type = header->type;
	entry->name = names[0];
	entry->target = names[1];
	if (!next->has_name)
		out_format(names[0], TAR_NAME_SIZE, "%.*s%s%.*s",
			has_prefix ? (int)sizeof header->prefix : 0, header->prefix,
			has_prefix ? "/" : "", (int)sizeof header->name, header->name);
	if (!next->has_target)
		out_format(names[1], TAR_NAME_SIZE, "%.*s", (int)sizeof header->target,
			header->target);
	read_status(header, status);
	if (status->st_size < 0)
		fail_to_read("a header in it is damaged");
	if (entry->type == 0 || entry->type == '7')
		entry->type = TAR_FILE;
	if (entry->type == TAR_FILE && *names[0] && names[0][strlen(names[0]) - 1] == '/')
		entry->type = TAR_DIRECTORY;
	if (next->sparse)
		entry->type = TAR_SPARSE;
	/* More of its own headers follow. */
	if (header->type == TAR_SPARSE && header->prefix[137])
		fail_to_read(TAR_NO_SPARSE);
}

bool tar_next(struct tar_entry *entry)
{
	static struct tar_header end;
	struct tar_header header;

	memset(&input.next, 0, sizeof input.next);
	do {
		memcpy(&header, take(sizeof header), sizeof header);
		if (!memcmp(&header, &end, sizeof end))
			return false;
		if (!is_header(&header))
			fail_to_read("it is no tar archive, or damaged");
	} while (read_extra(header.type, number(header.size, sizeof header.size)));
	read_entry(&header, entry);
	return true;
}

bool tar_has_more(void)
{
	return fill(1);
}

void tar_drain(void)
{
	while (fill(sizeof input.data))
		input.at = input.end;
}
