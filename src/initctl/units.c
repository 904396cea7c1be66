/*
 * units: see units.h.
 */
#include "units.h"

#include <stdio.h>

void units_time(char text[UNITS_SIZE], long long milliseconds)
{
	const long long seconds = milliseconds / 1000, minutes = seconds / 60, hours = minutes / 60;

	if (minutes < 1)
		snprintf(text, UNITS_SIZE, "%lld.%llds", seconds, milliseconds / 100 % 10);
	else if (hours < 1)
		snprintf(text, UNITS_SIZE, "%lldm %llds", minutes, seconds % 60);
	else if (hours < 24)
		snprintf(text, UNITS_SIZE, "%lldh %lldm", hours, minutes % 60);
	else
		snprintf(text, UNITS_SIZE, "%lldd %lldh", hours / 24, hours % 24);
}

void units_size(char text[UNITS_SIZE], unsigned long long bytes)
{
	static const char units[] = "BKMGTPE";
	unsigned unit = 0;
	unsigned long long tenths = bytes * 10;

	if (bytes < 1024) {
		snprintf(text, UNITS_SIZE, "%lluB", bytes);
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
		snprintf(text, UNITS_SIZE, "%llu.%llu%c", tenths / 10, tenths % 10, units[unit]);
	else
		snprintf(text, UNITS_SIZE, "%llu%c", (tenths + 5) / 10, units[unit]);
}
