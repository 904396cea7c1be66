/*
 * units: times and sizes as people read them.
 */
#ifndef INITCTL_UNITS_H
#define INITCTL_UNITS_H

/* Bytes of a time or a size with its NUL. */
enum { UNITS_SIZE = 16 };

/* A time in milliseconds with its two largest units: "4.2s", "2m 5s", "2h 5m", "3d 4h". */
void units_time(char text[UNITS_SIZE], long long milliseconds);

/* A size in bytes, with powers of 1024: "0B", "512B", "1.5K", "20M", "1.2G". */
void units_size(char text[UNITS_SIZE], unsigned long long bytes);

/* A day of the Gregorian calendar in UTC; month and day count from 1. */
struct units_date {
	long long year;
	unsigned month, day;
};

/* The day of a time in seconds after the beginning of 1970. */
void units_date(struct units_date *date, long long seconds);

#endif
