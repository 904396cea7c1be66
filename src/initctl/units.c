/*
 * units: see units.h.
 */
#include "units.h"
#include "out.h"

void units_time(char text[UNITS_SIZE], long long milliseconds)
{
	const long long seconds = milliseconds / 1000, minutes = seconds / 60, hours = minutes / 60;

	if (minutes < 1)
		out_format(text, UNITS_SIZE, "%lld.%llds", seconds, milliseconds / 100 % 10);
	else if (hours < 1)
		out_format(text, UNITS_SIZE, "%lldm %llds", minutes, seconds % 60);
	else if (hours < 24)
		out_format(text, UNITS_SIZE, "%lldh %lldm", hours, minutes % 60);
	else
		out_format(text, UNITS_SIZE, "%lldd %lldh", hours / 24, hours % 24);
}

void units_size(char text[UNITS_SIZE], unsigned long long bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned unit = 0;
	unsigned long long tenths = bytes * 10;

	if (bytes < 1024) {
		out_format(text, UNITS_SIZE, "%lluB", bytes);
		return;
	}
	/* Above this a multiplication by 10 would overflow. */
	if (bytes >> 60) {
		bytes >>= 10;
		tenths = bytes * 10;
		unit++;
	}
	/* What would be rounded to 1024 is 1.0 of the next unit. */
	while (tenths >= 10235) {
		tenths = (tenths + 512) / 1024;
		unit++;
	}
	if (tenths < 100)
		out_format(text, UNITS_SIZE, "%llu.%llu%c", tenths / 10, tenths % 10, units[unit]);
	else
		out_format(text, UNITS_SIZE, "%llu%c", (tenths + 5) / 10, units[unit]);
}

/*
 * Years begin with March here, so that a leap day is the last day of one: months have 153 days in
 * five of them, and 400 years 146,097. Day 0 is the first of March of the year 0.
 */
void units_date(struct units_date *date, long long seconds)
{
	const long long days = seconds / 86400 - (seconds % 86400 < 0) + 719468;
	const long long era = (days >= 0 ? days : days - 146096) / 146097,
			of_era = days - era * 146097;
	const long long year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const long long day = of_era - (365 * year + year / 4 - year / 100);
	const long long month = (5 * day + 2) / 153;

	date->day = (unsigned)(day - (153 * month + 2) / 5 + 1);
	date->month = (unsigned)(month < 10 ? month + 3 : month - 9);
	date->year = year + era * 400 + (date->month <= 2);
}
