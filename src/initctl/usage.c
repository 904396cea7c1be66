/*
 * usage: see usage.h. The files are described in cgroup-v2.rst, and below cgroup-v1, of the
 * kernel's documentation.
 */
#include "usage.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "beneath.h"
#include "cgroup1.h"
#include "proctotal.h"
#include "scan.h"

enum {
	TEXT_SIZE = 16384 /* bytes that are read of a file, with a NUL */
};

/* The names of a row, in this order; behind a file stands what precedes the value in it. */
enum { LABEL, FILE2, FILE1 = FILE2 + 2, NAMES = FILE1 + 2 };

/*
 * By enum usage_value: its part and kind, the divisor of the number of version 1, for nanoseconds,
 * and the names, of which those of a version that has no such value are empty. What precedes the
 * value is a word or two; or "^", the begin of the file, or " ", its first blank. A file of version
 * 1 begins with the name of its controller.
 */
/* clang-format off */
#define ROWS(ROW) \
	ROW(CPU_USAGE, USAGE_CPU, USAGE_TIME, 1000, \
		"total\0cpu.stat\0usage_usec \0cpuacct.usage\0^\0") \
	ROW(CPU_USER, USAGE_CPU, USAGE_TIME, 1000, \
		"user\0cpu.stat\0user_usec \0cpuacct.usage_user\0^\0") \
	ROW(CPU_SYSTEM, USAGE_CPU, USAGE_TIME, 1000, \
		"system\0cpu.stat\0system_usec \0cpuacct.usage_sys\0^\0") \
	ROW(CPU_THROTTLED, USAGE_QUOTA, USAGE_TIMES, 1, \
		"throttled\0cpu.stat\0nr_throttled \0cpu.stat\0nr_throttled \0") \
	ROW(CPU_PERIODS, USAGE_QUOTA, USAGE_TIMES, 1, \
		" of\0cpu.stat\0nr_periods \0cpu.stat\0nr_periods \0") \
	ROW(CPU_THROTTLED_TIME, USAGE_QUOTA, USAGE_TIME, 1000, \
		" times for\0cpu.stat\0throttled_usec \0cpu.stat\0throttled_time \0") \
	ROW(CPU_QUOTA, USAGE_QUOTA, USAGE_TIME, 1, \
		"quota\0cpu.max\0^\0cpu.cfs_quota_us\0^\0") \
	ROW(CPU_PERIOD, USAGE_QUOTA, USAGE_TIME, 1, \
		" of\0cpu.max\0 \0cpu.cfs_period_us\0^\0") \
	ROW(MEMORY, USAGE_MEMORY, USAGE_BYTES, 1, \
		" \0memory.current\0^\0memory.usage_in_bytes\0^\0") \
	ROW(MEMORY_MAX, USAGE_MEMORY, USAGE_BYTES, 1, \
		" of\0memory.max\0^\0memory.limit_in_bytes\0^\0") \
	ROW(MEMORY_HIGH, USAGE_MEMORY, USAGE_BYTES, 1, \
		"high\0memory.high\0^\0\0\0") \
	ROW(MEMORY_PEAK, USAGE_MEMORY, USAGE_BYTES, 1, \
		"peak\0memory.peak\0^\0memory.max_usage_in_bytes\0^\0") \
	ROW(MEMORY_AT_HIGH, USAGE_MEMORY, USAGE_TIMES, 1, \
		"at high\0memory.events\0high \0\0\0") \
	ROW(MEMORY_AT_MAX, USAGE_MEMORY, USAGE_TIMES, 1, \
		"at limit\0memory.events\0max \0memory.failcnt\0^\0") \
	ROW(MEMORY_OOM, USAGE_MEMORY, USAGE_TIMES, 1, \
		"oom\0memory.events\0oom \0\0\0") \
	ROW(MEMORY_OOM_KILL, USAGE_MEMORY, USAGE_TIMES, 1, \
		"oom_kill\0memory.events\0oom_kill \0memory.oom_control\0oom_kill \0") \
	ROW(SWAP, USAGE_SWAP, USAGE_BYTES, 1, \
		" \0memory.swap.current\0^\0memory.stat\0total_swap \0") \
	ROW(SWAP_MAX, USAGE_SWAP, USAGE_BYTES, 1, \
		" of\0memory.swap.max\0^\0\0\0") \
	ROW(IO_READ, USAGE_IO, USAGE_BYTES, 1, \
		"read\0io.stat\0rbytes=\0blkio.throttle.io_service_bytes_recursive\0Read \0") \
	ROW(IO_WRITE, USAGE_IO, USAGE_BYTES, 1, \
		"wrote\0io.stat\0wbytes=\0blkio.throttle.io_service_bytes_recursive\0Write \0") \
	ROW(PROCESSES, USAGE_PROCESSES, USAGE_TIMES, 1, \
		" \0pids.current\0^\0pids.current\0^\0") \
	ROW(PROCESSES_MAX, USAGE_PROCESSES, USAGE_TIMES, 1, \
		" of\0pids.max\0^\0pids.max\0^\0") \
	ROW(PROCESSES_REFUSED, USAGE_PROCESSES, USAGE_TIMES, 1, \
		"refused\0pids.events\0max \0pids.events\0max \0") \
	ROW(PRESSURE_CPU, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		"cpu\0cpu.pressure\0some avg10=\0\0\0") \
	ROW(PRESSURE_CPU_FULL, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		" full\0cpu.pressure\0full avg10=\0\0\0") \
	ROW(PRESSURE_MEMORY, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		"memory\0memory.pressure\0some avg10=\0\0\0") \
	ROW(PRESSURE_MEMORY_FULL, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		" full\0memory.pressure\0full avg10=\0\0\0") \
	ROW(PRESSURE_IO, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		"io\0io.pressure\0some avg10=\0\0\0") \
	ROW(PRESSURE_IO_FULL, USAGE_PRESSURE, USAGE_PERCENT, 1, \
		" full\0io.pressure\0full avg10=\0\0\0") \
	ROW(FROZEN, USAGE_STATE, USAGE_TIMES, 1, \
		" \0cgroup.events\0frozen \0\0\0")
/* clang-format on */

#define NUMBERS(value, part, kind, divide, names)  [value] = {part, kind, divide},
#define NAMES_OF(value, part, kind, divide, names) names

static const struct {
	unsigned char part, kind;
	unsigned short divide;
} rows[USAGE_VALUES] = {ROWS(NUMBERS)};

/* One list, as a pointer in each row would be a third of them all: see text_name(). */
static const char names[] = ROWS(NAMES_OF);

static const char *name_of(enum usage_value value, unsigned number)
{
	return text_name(names, value * NAMES + number);
}

enum usage_part usage_part(enum usage_value value)
{
	return rows[value].part;
}

enum usage_kind usage_kind(enum usage_value value)
{
	return rows[value].kind;
}

void usage_key(enum usage_value value, char key[static USAGE_KEY])
{
	char *end = text_join(key, name_of(value, FILE2), "");
	const char *before = name_of(value, FILE2 + 1);

	if (*before == '^')
		return;
	/* A word is followed by a blank or an equal sign, and the first of two by a blank. */
	text_join(end, ".", before[1] ? before : "period ");
	while (*++end)
		if (*end == ' ' || *end == '=')
			*end = '.';
	end[-1] = 0;
}

const char *usage_label(enum usage_value value)
{
	return name_of(value, LABEL);
}

/* A number, or one with two decimals in hundredths; "max" and what is below 0 stand for no limit.
 */
static uint64_t read_value(const char *text)
{
	uint64_t value = 0;

	if (!strncmp(text, "max", 3) || *text == '-')
		return USAGE_NO_LIMIT;
	if (*text < '0' || *text > '9')
		return USAGE_UNKNOWN;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	if (*text == '.' && text[1] && text[2])
		value = (value * 10 + (unsigned)(text[1] - '0')) * 10 + (unsigned)(text[2] - '0');
	/* Version 1 has a number of pages that is the largest of a long. */
	return value >= UINT64_MAX >> 2 ? USAGE_NO_LIMIT : value;
}

/*
 * The value behind `before`, which begins a word, or the sum of the values, where it occurs
 * several times, as a line for each device has them.
 */
static uint64_t find(const char *text, const char *before)
{
	const size_t length = strlen(before);
	uint64_t sum = USAGE_UNKNOWN;

	if (*before == '^')
		return read_value(text);
	if (length == 1) {
		text = strchr(text, *before);
		return text ? read_value(text + 1) : USAGE_UNKNOWN;
	}
	for (const char *at = text; (at = scan_find(at, before)); at += length)
		if (at == text || at[-1] == '\n' || at[-1] == ' ') {
			const uint64_t value = read_value(at + length);
			if (value >= USAGE_NO_LIMIT)
				return value;
			sum = value + (sum == USAGE_UNKNOWN ? 0 : sum);
		}
	return sum;
}

/* The file that was read last. */
static struct {
	int directory;
	const char *file;
	bool is_there;
	char text[TEXT_SIZE];
} last;

static void read_file(int directory, const char *file)
{
	if (last.file && directory == last.directory && !strcmp(last.file, file))
		return;
	last.is_there = beneath_read(directory, file, last.text, sizeof last.text) >= 0;
	last.directory = directory;
	last.file = file;
}

/* What /proc shows of all processes, which is read where a part has no other source. */
static struct usage total;
static bool is_total_read;

static uint64_t look_up(
	const struct usage_from *from, enum usage_value value, enum usage_source source)
{
	const bool first = source == USAGE_CGROUP1;
	const char *file = name_of(value, first ? FILE1 : FILE2);
	uint64_t found;

	if (source == USAGE_PROC) {
		if (!is_total_read)
			proctotal_read(from->proc, from->init, &total);
		is_total_read = true;
		return total.values[value];
	}
	read_file(first ? cgroup1_of_file(from->cgroup1, file) : from->cgroup2, file);
	found = last.is_there ? find(last.text, text_name(file, 1)) : USAGE_UNKNOWN;
	/* Without a line for any device: none was used yet. */
	if (found == USAGE_UNKNOWN && last.is_there && rows[value].part == USAGE_IO)
		return 0;
	return first && found < USAGE_NO_LIMIT ? found / rows[value].divide : found;
}

/* Takes all values of a part from a source, if that has the first of them. */
static void take_part(const struct usage_from *from, struct usage *usage, enum usage_part part,
	enum usage_source source)
{
	bool first = true;

	for (enum usage_value value = 0; value < USAGE_VALUES; value++) {
		uint64_t found;
		if (rows[value].part != part)
			continue;
		found = look_up(from, value, source);
		if (first && found == USAGE_UNKNOWN)
			return;
		first = false;
		usage->values[value] = found;
	}
	usage->sources[part] = source;
}

void usage_read(const struct usage_from *from, struct usage *usage)
{
	memset(usage->sources, 0, sizeof usage->sources);
	memset(usage->values, 0xff, sizeof usage->values);
	last.file = NULL;
	is_total_read = false;
	for (enum usage_part part = 0; part < USAGE_PARTS; part++)
		for (enum usage_source source = USAGE_CGROUP2;
			source < USAGE_SOURCES && !usage->sources[part]; source++)
			if (source != USAGE_PROC || part < USAGE_PRESSURE)
				take_part(from, usage, part, source);
}
