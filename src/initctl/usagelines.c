/*
 * usagelines: see usagelines.h.
 */
#include "usagelines.h"

#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "base/sys.h"
#include "base/text.h"
#include "json.h"
#include "out.h"
#include "say.h"
#include "units.h"

enum {
	TITLE = 11,   /* columns before the values */
	SECOND = 1000 /* in milliseconds */
};

/* Of hundredths. */
#define PERCENT "%llu.%02u"

/* Named as they are in enum usage_part, and in enum usage_source. */
static const char parts[] = "cpu\0quota\0memory\0swap\0io\0processes\0pressure\0frozen\0";
static const char sources[] = "nowhere\0cgroup v2\0cgroup v1\0/proc\0";

/* The width at which lines are cut, or 0, and how many there were. */
static unsigned width, count;

static void begin(const char *title)
{
	said.length = 0;
	say("%-*s", TITLE, title);
}

static void end(void)
{
	if (width && said.length > width)
		said.length = width;
	out_print("%.*s\n", (int)said.length, (char *)said.memory.data);
	count++;
}

/* Prints a value; one that is a percentage has two decimals. */
static void say_value(enum usage_kind kind, uint64_t value)
{
	char text[2 * NUMBER_SIZE];

	if (kind == USAGE_BYTES)
		units_size(text, value);
	else if (kind == USAGE_TIME && value < 1000000)
		out_format(text, sizeof text, "%ums", (unsigned)value / 1000);
	else if (kind == USAGE_TIME)
		units_time(text, (long long)(value / 1000));
	else if (kind == USAGE_PERCENT)
		out_format(text, sizeof text, PERCENT "%%", (unsigned long long)value / 100,
			(unsigned)(value % 100));
	else
		out_format(text, sizeof text, "%llu", (unsigned long long)value);
	say("%s", text);
}

void usagelines_look(const struct usage_from *from, struct usage_look *look)
{
	const long long now = sys_now();

	look->before = look->now;
	look->elapsed = look->at ? now - look->at : 0;
	look->at = now;
	usage_read(from, &look->now);
}

/* By how much a value has grown in a second since the look before; false: that is not known. */
static bool per_second(const struct usage_look *look, enum usage_value value, uint64_t *rate)
{
	const uint64_t now = look->now.values[value], before = look->before.values[value];

	if (look->elapsed <= 0 || now >= USAGE_NO_LIMIT || before >= USAGE_NO_LIMIT)
		return false;
	/* What a process has used that nobody waited for vanishes with it from /proc. */
	*rate = now < before ? 0 : (now - before) * SECOND / (uint64_t)look->elapsed;
	return true;
}

/* The use of the CPU: one that is busy is a million microseconds, or 100 per cent, a second. */
bool usagelines_cpu(const struct usage_look *look, uint64_t *percent)
{
	uint64_t rate;

	if (!per_second(look, CPU_USAGE, &rate))
		return false;
	*percent = rate / 100;
	return true;
}

static void print_value(const struct usage_look *look, enum usage_value value)
{
	const uint64_t *values = look->now.values;
	const char *label = usage_label(value);
	const enum usage_kind kind = usage_kind(value);
	uint64_t rate;

	if (said.length > TITLE && (*label != ' ' || values[value] == USAGE_NO_LIMIT))
		say(", ");
	if (values[value] == USAGE_NO_LIMIT) {
		say("no %s", *label == ' ' ? "limit" : label);
		return;
	}
	if (label[1])
		say("%s ", label);
	say_value(kind, values[value]);
	if (usage_part(value) == USAGE_IO && per_second(look, value, &rate)) {
		say(" (");
		say_value(kind, rate);
		say("/s)");
	}
}

/* "source     cgroup v2 (cpu, pressure), /proc (memory)" */
static void print_sources(const struct usage *usage)
{
	begin("source");
	for (enum usage_source source = USAGE_CGROUP2; source < USAGE_SOURCES; source++) {
		const char *before = " (";
		for (enum usage_part part = 0; part < USAGE_STATE; part++) {
			if (usage->sources[part] != source)
				continue;
			if (*before == ' ')
				say("%s%s", said.length > TITLE ? ", " : "",
					text_name(sources, source));
			say("%s%s", before, text_name(parts, part));
			before = ", ";
		}
		if (*before == ',')
			say(")");
	}
	end();
}

unsigned usagelines_print(const struct usage_look *look, unsigned columns)
{
	enum usage_part part = USAGE_PARTS;
	uint64_t percent;

	width = columns;
	count = 0;
	for (enum usage_value value = 0; value < USAGE_VALUES; value++) {
		if (look->now.values[value] == USAGE_UNKNOWN)
			continue;
		if (usage_part(value) != part) {
			if (part != USAGE_PARTS)
				end();
			part = usage_part(value);
			begin(text_name(parts, part));
		}
		if (value == CPU_USAGE && usagelines_cpu(look, &percent))
			say_value(USAGE_PERCENT, percent);
		print_value(look, value);
	}
	end();
	print_sources(&look->now);
	return count;
}

/* A member that is a fraction; hundredths. */
static void print_percent(const char *key, uint64_t value)
{
	char text[2 * NUMBER_SIZE];

	out_format(text, sizeof text, PERCENT, (unsigned long long)value / 100,
		(unsigned)(value % 100));
	json_fraction(key, text);
}

void usagelines_json(const struct usage_look *look)
{
	const struct usage *usage = &look->now;
	char key[USAGE_KEY];
	uint64_t rate;

	json_begin("stats");
	for (enum usage_part part = 0; part < USAGE_STATE; part++)
		if (usage->sources[part]) {
			text_join(key, text_name(parts, part), ".source");
			json_text(key, text_name(sources, usage->sources[part]));
		}
	if (usagelines_cpu(look, &rate))
		print_percent("cpu.percent", rate);
	if (per_second(look, IO_READ, &rate))
		json_number("io.read_per_second", (long long)rate);
	if (per_second(look, IO_WRITE, &rate))
		json_number("io.write_per_second", (long long)rate);
	for (enum usage_value value = 0; value < USAGE_VALUES; value++) {
		usage_key(value, key);
		if (usage->values[value] == USAGE_UNKNOWN)
			continue;
		if (usage->values[value] == USAGE_NO_LIMIT)
			json_text(key, "max");
		else if (usage_kind(value) == USAGE_PERCENT)
			print_percent(key, usage->values[value]);
		else
			json_number(key, (long long)usage->values[value]);
	}
	json_end();
}
